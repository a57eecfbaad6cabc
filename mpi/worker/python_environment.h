/* SPDX-License-Identifier: Apache-2.0 */
/** Python environments of the trainers that come with cnnmpi. `trainers/setup NAME` makes them in
 *  $CNNMPI_ENVIRONMENTS, else $XDG_CACHE_HOME/cnnmpi/environments, else
 *  ~/.cache/cnnmpi/environments; those for GPUs are called NAME-cuda. Any rank, for its host; does
 *  not block; not collective. */
#ifndef CNN_MPI_WORKER_PYTHON_ENVIRONMENT_H
#define CNN_MPI_WORKER_PYTHON_ENVIRONMENT_H

#include "base/status.h"
#include "base/text.h"
#include "job/job.h"

/** The Python that runs a framework's trainer; gpu: with CUDA. *out is an absolute path, owned by the
 *  caller. CNN_EENV: there is none; the message holds the command that makes one. */
cnn_status cnn_environment_python(const cnn_framework *framework, bool gpu, const char *argv0,
                                  char **out);

/** Appends a line about each environment that the job needs and this host lacks, with the command
 *  that makes it; nothing where none is missing. backend `auto`: those for CPUs. */
cnn_status cnn_environment_describe_missing(const cnn_job *job, const char *argv0, cnn_text *out);

#endif
