/* SPDX-License-Identifier: Apache-2.0 */
/** Consecutive failures on one device, and when it is to blame. Rank 0; pure; not collective. */
#ifndef CNN_MPI_DISPATCH_CONSECUTIVE_FAILURES_H
#define CNN_MPI_DISPATCH_CONSECUTIVE_FAILURES_H

#include <stdbool.h>

/** Number of different cells that must fail in succession: one cell alone may fail everywhere. */
enum { CNN_FAILED_CELLS_MAX = 3 };

/** Of one device; begins as zeros. */
typedef struct {
    int cells[CNN_FAILED_CELLS_MAX], cell_count; /* the different cells of the failed runs */
    int *blocks, block_count, block_room;        /* their blocks, each once; owned */
    char reason[128];                            /* of the last failure */
    bool occupied; /* processes that could not be ended may still use the device */
} cnn_consecutive_failures;

/** Adds the end of a run. A good run clears the failures. */
void cnn_consecutive_failures_add(cnn_consecutive_failures *failures, int cell, int block,
                                  bool failed, const char *reason);

/** Whether runs of three different cells have failed in succession, or the device is occupied. */
bool cnn_consecutive_failures_blame_device(const cnn_consecutive_failures *failures);

/** Forgets the failures. */
void cnn_consecutive_failures_clear(cnn_consecutive_failures *failures);
/** The same, and frees. */
void cnn_consecutive_failures_free(cnn_consecutive_failures *failures);

#endif
