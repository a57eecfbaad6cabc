/* SPDX-License-Identifier: Apache-2.0 */
/** What must hold in every world, checked where it happens. A breach ends the world. */
#ifndef CNN_TESTS_SIMULATION_CHECKS_H
#define CNN_TESTS_SIMULATION_CHECKS_H

#include "world.h"

/** Before and after a session. */
void sim_check_begin(sim_world *world);
void sim_check_end(sim_world *world);
/** After the last session: everything is done. */
void sim_check_all(sim_world *world);

void sim_check_sent(sim_rank *from, int to, cnn_tag tag, const cnn_message *body);
void sim_check_received(sim_rank *rank, int from, cnn_tag tag, const cnn_message *body);
void sim_check_started(sim_rank *rank, int run);
void sim_check_trainer_ended(sim_rank *rank, int left_behind);
/** Before the rows change. */
void sim_check_run_written(sim_rank *rank, int run, cnn_run_status status, const cnn_measured *row);
void sim_check_attempt_written(sim_rank *rank, int run, int place, const cnn_attempt *row);
/** A write that took long reaches the disk. */
void sim_check_late_write(sim_rank *rank, int run);
/** Rank 0 is about to do without a rank. */
void sim_check_loss(sim_world *world, const cnn_loss *loss);
void sim_check_quarantine_written(sim_rank *rank, const cnn_quarantine *row);

#endif
