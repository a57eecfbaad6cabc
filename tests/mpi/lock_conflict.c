/* SPDX-License-Identifier: Apache-2.0 */
/** Preloaded into cnnmpi: a file system on which flock and fcntl locks conflict, as on NFS.
 *  While this process has an flock on any file, fcntl refuses all locks for writing. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>

static int held;

int flock(int fd, int operation)
{
    static int (*next)(int, int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "flock");
    const int rc = next(fd, operation);
    if (rc == 0)
        held = (operation & LOCK_UN) == 0;
    return rc;
}

static int lock_for_writing(int command, const void *argument)
{
    return (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
            command == F_OFD_SETLKW) &&
           ((const struct flock *)argument)->l_type == F_WRLCK;
}

static int lock_or_pass(const char *name, int fd, int command, void *argument)
{
    int (*next)(int, int, ...) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, name);
    if (held && lock_for_writing(command, argument)) {
        errno = EAGAIN;
        return -1;
    }
    return next(fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    return lock_or_pass("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    void *argument = va_arg(ap, void *);
    va_end(ap);
    return lock_or_pass("fcntl64", fd, command, argument);
}
