/* SPDX-License-Identifier: Apache-2.0 */
/** Signs of life: every rank sends them to rank 0 from a thread of its own, so that a call that
 *  blocks, a write above all, does not silence it; rank 0 answers likewise. mpi/dispatch/leases.h is
 *  the rule by which a rank is fenced, and counts as dead. Of the ranks on its own host rank 0
 *  learns the end from the kernel, at once, and they learn of rank 0's.
 *
 *  Functions take NULL for a job of one rank, which needs none of it. Any rank, the thread that
 *  called MPI_Init; nothing blocks where nothing else is written. */
#ifndef CNN_MPI_HEARTBEAT_HEARTBEAT_H
#define CNN_MPI_HEARTBEAT_HEARTBEAT_H

#include "base/status.h"
#include "mpi/dispatch/leases.h"

#include <mpi.h>
#include <stdbool.h>

typedef struct cnn_heartbeat cnn_heartbeat;

/** Whether the launcher leaves the other ranks alone when one dies, as far as can be seen: then a
 *  death also leaves them in a collective call for ever, unless they end themselves. */
bool cnn_heartbeat_survives_deaths(void);

/** Ends this process with a message and `exit_status` unless cnn_heartbeat_join or
 *  cnn_heartbeat_destroy is called within two minutes, where cnn_heartbeat_survives_deaths: a rank
 *  may die in MPI_Init. Call before MPI_Init; not collective. */
cnn_status cnn_heartbeat_create(int exit_status, cnn_heartbeat **out);

/** Begins to send, with leases of two minutes. Where signs cannot pass to rank 0 deaths go
 *  unnoticed: see cnn_heartbeat_trouble. Collective; blocks up to 10 s. */
cnn_status cnn_heartbeat_join(cnn_heartbeat *heartbeat, MPI_Comm comm);

/** Stops. Not collective. */
void cnn_heartbeat_destroy(cnn_heartbeat **heartbeat);

/** Why no signs of life are sent, for people; NULL: they are, or there is nobody to. */
const char *cnn_heartbeat_trouble(const cnn_heartbeat *heartbeat);

/** From now on leases last this long; all ranks call it between the same two collective calls. Ends
 *  rank 0's process where memory is out. */
void cnn_heartbeat_set_lease(cnn_heartbeat *heartbeat, double seconds);

/** A file to which rank 0 writes how the job has ended if a death ends it (mpi/exit_file.h);
 *  copied. */
cnn_status cnn_heartbeat_set_exit_file(cnn_heartbeat *heartbeat, const char *path);

/** What a death means for the ranks that are left. */
typedef enum {
    CNN_HEARTBEAT_TOGETHER, /* they may be in a collective call: rank 0 ends the job. At first */
    CNN_HEARTBEAT_APART,    /* none is: rank 0 asks cnn_heartbeat_losses and goes on */
    CNN_HEARTBEAT_LEAVING,  /* all is written: a rank that waits for a dead one just exits after a
                               while, with the status of cnn_heartbeat_leave */
} cnn_heartbeat_phase;

void cnn_heartbeat_set_phase(cnn_heartbeat *heartbeat, cnn_heartbeat_phase phase);
/** CNN_HEARTBEAT_LEAVING, with this rank's exit status. */
void cnn_heartbeat_leave(cnn_heartbeat *heartbeat, int exit_status);

/** The ranks that count as dead, owned by the heartbeat; NULL for NULL. Rank 0. */
cnn_losses *cnn_heartbeat_losses(cnn_heartbeat *heartbeat);

/** The descriptor by which a trainer's supervisor is ordered to end it (cnn_child_order), kept as a
 *  copy: a fenced rank writes to it before it ends. -1: no trainer runs. */
void cnn_heartbeat_guard_trainer(cnn_heartbeat *heartbeat, int order);

/** Before a row is written: ends this process if it is fenced (it was stopped, say, and has been
 *  continued). After a pause it waits, for a while, until rank 0 has answered. */
void cnn_heartbeat_check(cnn_heartbeat *heartbeat);

#endif
