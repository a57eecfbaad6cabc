/* SPDX-License-Identifier: Apache-2.0 */
/** What the machine was doing during a run: /proc, cgroups, clocks, the GPU. Sampled by the rank at
 *  10 Hz. */
#ifndef CNN_HOST_TELEMETRY_H
#define CNN_HOST_TELEMETRY_H

#include "base/status.h"
#include "host/nvml.h"
#include "results/record.h"

#include <sys/resource.h>

typedef struct cnn_telemetry cnn_telemetry;

/** cpus: the child's cores as a list ("0-3,8"); NULL: all. gpu: NVML watching the child's GPU,
 *  borrowed; NULL: it has none. */
cnn_status cnn_telemetry_create(const char *cpus, const cnn_nvml *gpu, cnn_telemetry **out);
void cnn_telemetry_destroy(cnn_telemetry **telemetry);
/** The cores of the next runs, where they are not all of the rank's: a list. CNN_EINVAL: it is
 *  none. */
cnn_status cnn_telemetry_cores(cnn_telemetry *telemetry, const char *cpus);
/** Begins a run. */
void cnn_telemetry_begin(cnn_telemetry *telemetry);
/** Says which process the run's trainer is, to distinguish others on its GPU from it. */
void cnn_telemetry_trainer(cnn_telemetry *telemetry, int pid);
/** Takes a sample if 100 ms have passed since the last one; cheap otherwise. */
void cnn_telemetry_sample(cnn_telemetry *telemetry);
/** Ends the run and fills the telemetry columns; usage: of the ended child, or NULL. */
void cnn_telemetry_end(cnn_telemetry *telemetry, const struct rusage *usage, cnn_measured *out);

/** What has gone wrong with the machine since cnn_telemetry_begin, which may be why the trainer
 *  failed; NULL: nothing that is known. */
const char *cnn_telemetry_trouble(const cnn_telemetry *telemetry);

#endif
