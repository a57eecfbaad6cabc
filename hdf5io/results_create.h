/* SPDX-License-Identifier: Apache-2.0 */
/** Making a results file. Layout: docs/results-file.md. */
#ifndef CNN_HDF5IO_RESULTS_CREATE_H
#define CNN_HDF5IO_RESULTS_CREATE_H

#include "base/status.h"
#include "design/design.h"

/** Properties of the platform, settled before the file is made. */
typedef struct {
    const char *backend; /* "onednn" (CPUs), "cudnn" (GPUs) */
    int tuning_places;   /* for frozen algorithms, one for each cell on each device model */
} cnn_platform;

/** Makes a new results file. Written as PATH.part with all space allocated, flushed, fsynced, then
 *  renamed: it exists whole or not at all. An existing file is replaced.
 *  plan: its text for people. platform: NULL for CPUs.
 *  One process, serial HDF5; blocks until the file is on disk; not collective. CNN_EIO names the
 *  path and the cause (disk full, read-only folder). */
cnn_status cnn_results_create(const char *path, const cnn_job *job, const cnn_design *design,
                              const char *plan, const cnn_platform *platform);

#endif
