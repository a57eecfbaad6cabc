/* SPDX-License-Identifier: Apache-2.0 */
/** What a results file says of a job: which runs are finished, and what is known from them. Rank 0;
 *  pure: nothing here reads the file or blocks; not collective. */
#ifndef CNN_MPI_FILE_STATE_H
#define CNN_MPI_FILE_STATE_H

#include "base/status.h"
#include "design/design.h"
#include "mpi/dispatch/consistency.h"
#include "mpi/placement/placement.h"
#include "results/results.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int session;                  /* number of the one that begins now */
    int epoch_count;              /* of a row of the file */
    bool complete;                /* there is nothing to do */
    int8_t *status;               /* [run_count] cnn_run_status */
    int32_t *attempts;            /* [run_count] places for attempts that are taken */
    double *known_durations;      /* [cell_count] longest duration of a finished run, seconds; 0:
                                     none */
    cnn_consistency *consistency; /* with the reports of the finished runs' trainers */
    int *home;                    /* [block_count] see cnn_rank_context; NULL: no block is half
                                     done */
} cnn_file_state;

/** Of a file in which nothing has been done. Free with cnn_file_state_free, also after a failure. */
cnn_status cnn_file_state_begin(const cnn_job *job, const cnn_design *design, cnn_file_state *out);

/** Of a file that is continued on these places [ranks]. CNN_EDATA: it contradicts itself. Free with
 *  cnn_file_state_free, also after a failure. */
cnn_status cnn_file_state_read(const cnn_results *results, const cnn_job *job,
                               const cnn_design *design, const cnn_place *places, int ranks,
                               cnn_file_state *out);

/** Frees its parts and leaves zeros. */
void cnn_file_state_free(cnn_file_state *state);

#endif
