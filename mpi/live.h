/* SPDX-License-Identifier: Apache-2.0 */
/** Layout of the lines that show a running job on a terminal (mpi/progress.h). Pure functions. */
#ifndef CNN_MPI_LIVE_H
#define CNN_MPI_LIVE_H

#include "base/text.h"

/** What a rank trains: "native / arch1 / mnist, repeat 3", of which `cell` bytes name the cell, and how
 *  far it is: "1/2". Borrowed. */
typedef struct {
    int rank;
    const char *run;
    int cell;
    char epochs[32];
} cnn_live_rank;

/** Appends lines of less than `columns` characters, at most `most` of them, without a last newline: the
 *  head, then every rank. Where there is no room for each, ranks are counted by cell, and what still
 *  has no room is counted in the last line. */
void cnn_live_lay_out(const char *head, const cnn_live_rank *ranks, int count, int columns,
                      int most, cnn_text *out);

/** Lines that a terminal of so many columns needs for the text, which it may have shown in another
 *  width. */
int cnn_live_height(const char *text, int columns);

#endif
