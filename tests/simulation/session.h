/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CNN_TESTS_SIMULATION_SESSION_H
#define CNN_TESTS_SIMULATION_SESSION_H

#include "checks.h"

/** Plays one session on the world's file. A breach is in world->failure, other failures are
 *  returned. */
cnn_status sim_session_run(sim_world *world, const sim_session_plan *plan);

#endif
