/* SPDX-License-Identifier: Apache-2.0 */
/** Devices of the ranks: GPUs, one for each rank, or CPUs; never some of both. */
#ifndef CNN_MPI_PLACEMENT_DEVICES_H
#define CNN_MPI_PLACEMENT_DEVICES_H

#include "base/status.h"
#include "host/nvml.h"
#include "job/job.h"
#include "mpi/placement/placement.h"

#include <mpi.h>

/** Start with {0}; end with cnn_devices_close. */
typedef struct cnn_devices {
    int backend;      /* CNN_BACKEND_CUDNN: GPUs, CNN_BACKEND_ONEDNN: CPUs */
    char reason[320]; /* "onednn (auto: rank 0 has no GPU: ...)": backend and reason, for people */
    cnn_nvml *nvml;   /* this rank's, watching its GPU; NULL: CPUs */
} cnn_devices;

/** Settles the backend for all ranks alike, and where it is on GPUs, which one this rank takes:
 *  it goes into mine. Ranks of a host that the launcher gave the same GPUs (host/visible.h) pair
 *  with them, near ones first, else by number (mpi/placement/pairing.h). argv0: see
 *  mpi/worker/locate.h. all [size]: places of all ranks with their hosts and the launcher's
 *  CPUs.
 *
 *  On all ranks, naming the rank and its host: CNN_EENV: `backend: cudnn` where a rank has no
 *  GPU or no cnntrain-cudnn; `auto` where only some have; a device that the launcher gave is
 *  missing; NVML cannot describe a GPU. CNN_EUSAGE: `auto` chooses CPUs, but the job asks for
 *  tf32. Called by all ranks of comm; collective; blocks, asleep, until all have called. */
cnn_status cnn_devices_find(MPI_Comm comm, const cnn_job *job, const char *argv0,
                            const cnn_place *all, cnn_place *mine, cnn_devices *out);
void cnn_devices_close(cnn_devices *devices);

#endif
