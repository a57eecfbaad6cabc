/* SPDX-License-Identifier: Apache-2.0 */
/** How a run of each cell is started: its program, and the text of its specification. Any rank, for
 *  its host; does not block; not collective. */
#ifndef CNN_MPI_WORKER_TRAINER_COMMAND_H
#define CNN_MPI_WORKER_TRAINER_COMMAND_H

#include "base/status.h"
#include "base/text.h"
#include "design/design.h"
#include "mpi/placement/placement.h"

typedef struct {
    char *helper; /* path of cnn-exec */
    int cell_count;
    char ***argv; /* [cell_count] NULL-terminated argument vectors */
} cnn_trainer_commands;

/** Finds the helper and the programs of every cell on this host; backend: of own frameworks,
 * CNN_BACKEND_CUDNN or CNN_BACKEND_ONEDNN. CNN_EENV says what is missing, and
 * where it was sought. *out is owned by the caller. */
cnn_status cnn_trainer_commands_create(const cnn_job *job, const cnn_design *design, int backend,
                                       const char *argv0, cnn_trainer_commands **out);
void cnn_trainer_commands_destroy(cnn_trainer_commands **commands);

/** Appends the specification of a run for its rank's place: threads, and where a simulated run is
 *  done (protocol/spec.h). place NULL: one thread, and no place in particular.
 *  attempt: of the run, from 0; matters to simulated ones. algorithms: frozen for its cell on the
 *  place's device model; NULL: none are. */
cnn_status cnn_trainer_command_spec(const cnn_job *job, const cnn_design *design, int run,
                                    const cnn_place *place, int attempt, const char *algorithms,
                                    cnn_text *out);
/** Appends the specification that asks for the algorithms of a cell. */
cnn_status cnn_trainer_command_tuning_spec(const cnn_job *job, const cnn_design *design, int cell,
                                           const cnn_place *place, cnn_text *out);

#endif
