/* SPDX-License-Identifier: Apache-2.0 */
/** Other processes of this host: which one it is, whether it has ended, its end by SIGKILL. Any
 *  caller; nothing blocks; not collective. */
#ifndef CNN_HOST_PROCESS_H
#define CNN_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/** Which process: a number alone is given again to others. Plain bytes, to be sent to other
 *  hosts. */
typedef struct {
    int64_t pid;
    uint64_t start;     /* in the kernel's ticks since its own start; 0: unknown */
    uint64_t namespace; /* in which pid counts */
    char boot[40];      /* of the host's kernel since its start; "": unknown */
} cnn_process_identity;

/** This process. */
cnn_process_identity cnn_process_self(void);

/** Whether b has the same kernel and numbering of processes as a, so that a sees it. */
bool cnn_process_is_near(const cnn_process_identity *a, const cnn_process_identity *b);

/** A descriptor of a near process, to be closed by the caller; -1: it has ended (*ended), or the
 *  kernel has no such descriptors (before Linux 5.3). */
int cnn_process_open(const cnn_process_identity *which, bool *ended);

/** Whether it has ended, with all its threads: it writes nothing more. poll() reports the same as
 *  POLLIN. */
bool cnn_process_has_ended(int descriptor);

/** Sends SIGKILL to this process and to no other, whatever became of its number. */
void cnn_process_kill(int descriptor);

#endif
