/** Runs that fail one after the other on a device: when it is to blame. */
#ifndef CNN_MPI_DISPATCH_CONSECUTIVE_FAILURES_H
#define CNN_MPI_DISPATCH_CONSECUTIVE_FAILURES_H

#include <stdbool.h>

/** Different cells that must fail in a row: one cell alone may be wrong everywhere. */
enum { CNN_STREAK_CELLS = 3 };

/** Of one device; zeros are its beginning. */
typedef struct {
    int cells[CNN_STREAK_CELLS], cell_count; /* the different cells of the failed runs */
    int *blocks, block_count, block_room;    /* their blocks, each once; owned */
    char reason[128];                        /* of the last failure */
} cnn_streak;

/** Takes in how a run ended. A good one ends the streak. */
void cnn_streak_run(cnn_streak *streak, int cell, int block, bool failed, const char *reason);

/** Whether runs of three different cells have failed in a row. */
bool cnn_streak_is_bad(const cnn_streak *streak);

/** Begins anew. */
void cnn_streak_clear(cnn_streak *streak);
/** The same, and frees. */
void cnn_streak_free(cnn_streak *streak);

#endif
