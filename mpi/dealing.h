/** Which blocks are still to be done, and on which rank: a pure function of design and file. */
#ifndef CNN_MPI_DEALING_H
#define CNN_MPI_DEALING_H

#include "base/status.h"
#include "mpi/task.h"

#include <stdbool.h>

/** Blocks by rank, in their order; and one common queue from which the first free rank takes. */
typedef struct {
    int size;
    int *blocks; /* [block_count] rank by rank, then the common queue */
    int *start;  /* [size + 2] of rank r's: start[r] .. start[r + 1]; common: start[size] .. */
    int *next;   /* [size + 1] next to be taken of each, an index into blocks */
    int redealt; /* blocks that go to another rank than planned, as ranks have changed */
} cnn_dealing;

/** Takes up every block with an unfinished run. Balanced: each rank gets its own device's queue as
 *  planned; where the number of ranks is not the plan's, blocks are dealt anew, cyclically, so that
 *  counts by rank differ by at most 1 per combination and in total. Dynamic: measured blocks are
 *  common. Either way no rank gets more warm-up blocks than the job asks for each device. */
cnn_status cnn_dealing_create(const cnn_task *task, cnn_dealing **out);
void cnn_dealing_destroy(cnn_dealing **dealing);

/** The next block of a rank; -1: it has no more to do. */
int cnn_dealing_next(const cnn_dealing *dealing, int rank);
/** The same, taken off its queue. */
int cnn_dealing_take(cnn_dealing *dealing, int rank);

#endif
