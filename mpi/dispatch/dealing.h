/* SPDX-License-Identifier: Apache-2.0 */
/** Which blocks are still to be done, and on which rank: a pure function of design and file.
 *  Rank 0; nothing blocks; not collective. */
#ifndef CNN_MPI_DISPATCH_DEALING_H
#define CNN_MPI_DISPATCH_DEALING_H

#include "base/status.h"
#include "mpi/rank_context.h"

#include <stdbool.h>

/** A queue of blocks for each rank, and a common queue for the first free rank. */
typedef struct {
    int size;
    int *first, *last; /* [size + 1] block at the head and the tail of rank r's queue, of the common
                          queue at [size]; -1: it is empty */
    int *after;        /* [block_count] the next block of the same queue, -1: none */
    int redealt;       /* blocks that go to another rank than planned, as ranks have changed */
} cnn_dealing;

/** Takes up every block with an unfinished run. Balanced: each rank gets its own device's queue
 *  as planned; where the number of ranks is not the plan's, blocks are dealt anew, cyclically,
 *  so that counts by rank differ by at most 1 per combination and in total. Dynamic: measured
 *  blocks are common. A block that is half done goes to the rank whose device has begun it
 *  (context->home), if any. Either way no rank gets more warm-up blocks than the job asks for
 *  each device. */
cnn_status cnn_dealing_create(const cnn_rank_context *context, cnn_dealing **out);
void cnn_dealing_destroy(cnn_dealing **dealing);

/** The next block of a rank, of its own queue or the common one; -1: it has no more to do. */
int cnn_dealing_next(const cnn_dealing *dealing, int rank);
/** The same, taken off its queue. */
int cnn_dealing_take(cnn_dealing *dealing, int rank);
/** Puts a block at the tail of a queue: a rank's, or the common one (queue = size). */
void cnn_dealing_add(cnn_dealing *dealing, int queue, int block);

#endif
