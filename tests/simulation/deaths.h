/* SPDX-License-Identifier: Apache-2.0 */
/** What befalls single ranks: death, a stop, silence. */
#ifndef CNN_TESTS_SIMULATION_DEATHS_H
#define CNN_TESTS_SIMULATION_DEATHS_H

#include "world.h"

/** Its process ends, but for a write that its kernel carries out. Where the job does not go on, all
 *  ranks end soon after. */
void sim_rank_die(sim_rank *rank, const char *how);
void sim_rank_harm(sim_rank *rank, const sim_harm *harm);
/** A stopped rank goes on, if only to find itself fenced. */
void sim_rank_continue(sim_rank *rank);

#endif
