/* SPDX-License-Identifier: Apache-2.0 */
/** The operating system as a rank's event loop sees it: clocks and signals. The interface;
 *  cnn_system_real is the machine's, tests bring their own. */
#ifndef CNN_MPI_SYSTEM_H
#define CNN_MPI_SYSTEM_H

#include <stdbool.h>

typedef struct cnn_system cnn_system;

/** An implementation has this as its first member. All functions: any rank, one thread; none
 *  blocks. */
struct cnn_system {
    /** Seconds; only differences mean anything. */
    double (*monotonic)(const cnn_system *system);
    /** Seconds since 1970-01-01 00:00 UTC. */
    double (*wall)(const cnn_system *system);
    /** The first signal that asked this rank to stop, or 0; *count: how many did (mpi/stop.h). */
    int (*stop_signal)(const cnn_system *system, int *count);
    /** Whether SIGUSR1 was received: the job's time is running out. */
    bool (*is_late)(const cnn_system *system);
};

/** The machine's. */
const cnn_system *cnn_system_real(void);

static inline double cnn_system_monotonic(const cnn_system *system)
{
    return system->monotonic(system);
}

static inline double cnn_system_wall(const cnn_system *system)
{
    return system->wall(system);
}

static inline int cnn_system_stop_signal(const cnn_system *system, int *count)
{
    return system->stop_signal(system, count);
}

static inline bool cnn_system_is_late(const cnn_system *system)
{
    return system->is_late(system);
}

#endif
