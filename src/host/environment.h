/* SPDX-License-Identifier: Apache-2.0 */
/** The environment of a trainer: the rank's, without what would make it believe to be a rank. */
#ifndef CNN_HOST_ENVIRONMENT_H
#define CNN_HOST_ENVIRONMENT_H

#include "base/status.h"

#include <stdbool.h>

/** True for variables by which MPI launchers (Open MPI, PMIx, PMI, Hydra) and Slurm's steps mark a
 *  process as one of their ranks: an MPI program that inherited them would join or hang the job.
 *  Variables of the Slurm job as a whole (SLURM_JOB_ID, ...) are no such. */
bool cnn_environment_is_launchers(const char *variable);

/** A copy of `from` without the launchers' variables, with `set` ("NAME=value" each) put in or
 *  replacing their namesakes. Both lists end with NULL. *out is a NULL-terminated list, owned by
 *  the caller: cnn_environment_free. */
cnn_status cnn_environment_make(char *const *from, const char *const *set, char ***out);
void cnn_environment_free(char ***environment);

#endif
