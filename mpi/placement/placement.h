/* SPDX-License-Identifier: Apache-2.0 */
/** The device of every rank, and the proof that no two ranks share one unless the job allows it. */
#ifndef CNN_MPI_PLACEMENT_PLACEMENT_H
#define CNN_MPI_PLACEMENT_PLACEMENT_H

#include "base/status.h"
#include "base/text.h"
#include "job/job.h"

#include <mpi.h>

/** The place of one rank; plain data, sent between ranks as bytes. */
typedef struct {
    int rank, local_rank; /* local: among the ranks of its host */
    char host[64];
    char launcher_cpus[256]; /* cores the launcher gave the rank, as a list */
    char cpus[256];          /* cores given to its children: its share where ranks share a cpuset */
    int cores;               /* cores in cpus (not hardware threads): threads of its runs */
    int numa_node;           /* -1: several or unknown */
    int cores_shared;        /* 1: shares its cores with another rank (sharing: allow) */
    int shared;              /* 1: shares cores or GPU */
    int on_gpu;              /* 1: its runs compute on a GPU */
    char device[96];         /* "host cpus 0-1", or the UUID of the GPU or of its MIG instance */
    char device_model[96];   /* of the processor or the GPU */
    char gpu_pci[16];        /* "0000:3b:00.0" */
    char gpu_cpus[256];      /* CPUs near the GPU, as a list; "": unknown */
    int gpu_node;            /* NUMA node that the GPU is attached to; -1: unknown */
} cnn_place;

struct cnn_devices;

/** Finds every rank's place and gathers them: places [size] on every rank, owned by the caller
 *  (free); and settles what they compute on (mpi/placement/devices.h). Ranks of a host whose
 *  cpusets overlap divide them by whole cores, in equal parts, so that their devices are alike,
 *  and near their GPUs first (mpi/placement/divide.h). CNN_EENV on all ranks, naming host and
 *  ranks, when two ranks have one GPU or there are fewer cores than ranks, and sharing is
 *  refused; see also cnn_devices_find. Called by all ranks of comm; collective; blocks, asleep,
 *  until all have called. */
cnn_status cnn_placement_find(MPI_Comm comm, const cnn_job *job, const char *argv0,
                              struct cnn_devices *devices, cnn_place **out);

/** The places as a table. Any rank; pure. */
void cnn_placement_describe(const cnn_place *places, int count, cnn_text *out);

#endif
