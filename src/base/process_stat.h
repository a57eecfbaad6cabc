/* SPDX-License-Identifier: Apache-2.0 */
/** What the kernel's /proc/PID/stat says of a process. Any caller; does not block. */
#ifndef CNN_BASE_PROCESS_STAT_H
#define CNN_BASE_PROCESS_STAT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char name[32]; /* of its program, cut to this; it may hold anything */
    int64_t parent;
    uint64_t start; /* of the process, in the kernel's ticks since its own start; 0: unknown */
} cnn_process_stat;

/** root: "" for this system, else a folder that stands for it. false: there is no such process, or
 *  nothing can be read of it. */
bool cnn_process_stat_read(const char *root, int64_t pid, cnn_process_stat *out);

#endif
