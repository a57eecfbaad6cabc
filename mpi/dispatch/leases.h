/* SPDX-License-Identifier: Apache-2.0 */
/** When a rank counts as dead, and when it must stop by itself. Pure: the caller brings the clock
 *  (seconds, monotonic) and what has arrived; any caller, nothing blocks, nothing is collective.
 *
 *  Each rank sends signs of life, and rank 0 acknowledges them. With a lease of L seconds:
 *  - a rank that has had no acknowledgement of a sign sent within the last L / 2 is fenced: it
 *    writes nothing more, ends its trainer and itself;
 *  - rank 0 takes a rank for silent that it has not heard of for L / 2, and kills it if it can;
 *  - rank 0 declares a rank dead that it has not heard of for L, or whose process has ended.
 *  A sign is sent before it arrives, so that a rank is fenced before it is declared dead, by L / 2
 *  at least: the clocks' rates may differ, and a process may wake up late.
 *
 *  A whole job may be paused, with the host or by Slurm, and then nobody is silent: rank 0 does not
 *  count the time in which it did not run itself, and another rank that was paused writes nothing
 *  until rank 0 has answered, and waits a while for that before it ends. */
#ifndef CNN_MPI_DISPATCH_LEASES_H
#define CNN_MPI_DISPATCH_LEASES_H

#include "base/status.h"

#include <stdbool.h>

/* ---- on rank 0: the leases of all ranks ----------------------------------------------------- */

typedef struct cnn_leases cnn_leases;

/** A rank that counts as dead. */
typedef struct {
    int rank;
    bool ended;     /* its process has ended, so that nothing more is written by it; false: it is
                       only not heard of, and one write may hang in the kernel */
    double silence; /* seconds since its last sign */
} cnn_loss;

/** Where the event loop asks for ranks that count as dead: mpi/heartbeat, or a test's. An
 *  implementation has it as its first member. Rank 0. */
typedef struct cnn_losses cnn_losses;
struct cnn_losses {
    /** The next one, each once; false: there is none. */
    bool (*next)(cnn_losses *losses, cnn_loss *out);
};

/** losses may be NULL: none is noticed. */
static inline bool cnn_losses_next(cnn_losses *losses, cnn_loss *out)
{
    return losses && losses->next(losses, out);
}

/** All ranks are heard of now. seconds: of the lease, above 0. */
cnn_status cnn_leases_create(int ranks, double seconds, double now, cnn_leases **out);
void cnn_leases_destroy(cnn_leases **leases);

/** A sign of life arrived. false: the rank was declared dead and has to end. */
bool cnn_leases_hear(cnn_leases *leases, int rank, double now);
/** Its process has ended, as the kernel reports. */
void cnn_leases_end(cnn_leases *leases, int rank);
/** Rank 0 did not run for so many seconds, up to now: nobody could be heard. */
void cnn_leases_skip(cnn_leases *leases, double seconds);

/** Whether it is silent and not known to have ended: to be killed by who can. */
bool cnn_leases_is_silent(const cnn_leases *leases, int rank, double now);

/** Declares the next rank dead, if one is; each once. Rank 0 itself never is. */
bool cnn_leases_next_loss(cnn_leases *leases, double now, cnn_loss *out);

/* ---- on every rank: its own ----------------------------------------------------------------- */

/** Whether a rank is fenced. acknowledged: when it sent the last sign that was acknowledged, before
 *  the first one when it began. */
bool cnn_lease_is_over(double acknowledged, double seconds, double now);

/** Seconds between two signs of life: several are lost before a rank is. */
double cnn_lease_interval(double seconds);

/** Seconds that a process may wake up late before it counts as paused, and for which a rank that was
 *  paused waits for an answer. */
double cnn_lease_patience(double seconds);

#endif
