/* SPDX-License-Identifier: Apache-2.0 */
/** What the parts of a rank share while a job runs. */
#ifndef CNN_MPI_RANK_CONTEXT_H
#define CNN_MPI_RANK_CONTEXT_H

#include "design/design.h"
#include "hdf5io/writer.h"
#include "mpi/file_watch.h"
#include "mpi/heartbeat/heartbeat.h"
#include "mpi/mailbox.h"
#include "mpi/placement/devices.h"
#include "mpi/placement/placement.h"
#include "mpi/system.h"
#include "mpi/worker/trainer.h"
#include "mpi/worker/trainer_command.h"
#include "results/store.h"

#include <stdbool.h>
#include <stdint.h>

/** Owned by the job runner; its parts only borrow it. */
typedef struct {
    const cnn_job *job;
    int rank, size;
    cnn_place *places; /* [size] */
    cnn_devices devices;
    cnn_design *design;
    cnn_trainer_commands *commands;
    cnn_writer *writer;
    /* what the event loop works on */
    cnn_store *store; /* of the writer */
    cnn_mailbox *mailbox;
    cnn_trainers *trainers;
    const cnn_system *system;
    cnn_file_watch *watch;    /* over the results file; rank 0 */
    cnn_heartbeat *heartbeat; /* NULL: none */
    cnn_losses *losses;       /* of the heartbeat, rank 0; NULL: no death is noticed */
    char **algorithms;        /* [cell_count] frozen for this rank's device model; NULL: none */
    int session;              /* this invocation's number in the results file */
    int epoch_count;          /* of a row of the file */
    int *environments; /* [cell_count] of this rank's runs: places in the file, -1: none; or NULL */
    int8_t *status;    /* [run_count] cnn_run_status; as the file had it, rank 0 keeps it current */
    const int *home;   /* [block_count] rank whose device has done a part of the block, -1: none;
                          NULL: no block is half done. Rank 0's; borrowed */
    int32_t *attempts; /* [run_count] places for attempts that are taken, likewise */
    bool live;         /* rank 0 shows what is trained at the moment */
} cnn_rank_context;

/** A finished run is kept; one that failed in an earlier session is tried again. */
static inline bool cnn_run_is_finished(const cnn_rank_context *context, int run)
{
    return cnn_run_status_is_finished(context->status[run]);
}

#endif
