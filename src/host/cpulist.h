/* SPDX-License-Identifier: Apache-2.0 */
/** Lists of CPUs as Linux writes them ("0-3,8"). Free of all else: the exec helper uses it too. */
#ifndef CNN_HOST_CPULIST_H
#define CNN_HOST_CPULIST_H

#include <sched.h>
#include <stdbool.h>

/** Reads a list into *out; false when it is no list, is empty, or names a CPU beyond
 *  CPU_SETSIZE. */
bool cnn_cpulist_parse(const char *list, cpu_set_t *out);

#endif
