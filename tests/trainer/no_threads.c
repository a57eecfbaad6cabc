/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded: the system lets the process create no thread, as where a limit on processes is reached. */
#include <errno.h>
#include <pthread.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    (void)thread;
    (void)attributes;
    (void)start;
    (void)argument;
    return EAGAIN;
}
