/** Who runs where: the device of every rank, and the proof that no two ranks share one unasked. */
#ifndef CNN_MPI_PLACEMENT_H
#define CNN_MPI_PLACEMENT_H

#include "base/status.h"
#include "base/text.h"
#include "job/job.h"

#include <mpi.h>

/** One rank's place; plain data, sent between ranks as bytes. */
typedef struct {
    int rank, local_rank; /* local: among the ranks of its host */
    char host[64];
    char launcher_cpus[256]; /* cores the launcher gave the rank, as a list */
    char cpus[256];          /* cores given to its children: its share where ranks share a cpuset */
    int cores;               /* cores in cpus (not hardware threads): threads of its runs */
    int numa_node;           /* -1: several or unknown */
    int shared;              /* 1: shares its cores with another rank (sharing: allow) */
    char device[96];         /* "host cpus 0-1"; later the GPU's UUID */
    char device_model[96];
} cnn_place;

/** Finds every rank's place and gathers them: places [size] on every rank, owned by the caller
 * (free). Ranks of a host whose cpusets overlap divide them by whole cores, in equal parts, so that
 * their devices are alike (mpi/divide.h). CNN_EENV on all ranks, naming the host's, when there are
 * fewer cores than ranks and sharing is refused. Collective. */
cnn_status cnn_placement_find(MPI_Comm comm, cnn_sharing sharing, cnn_place **out);

/** The binding proof as a table. */
void cnn_placement_describe(const cnn_place *places, int count, cnn_text *out);

#endif
