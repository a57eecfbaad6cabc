/* SPDX-License-Identifier: Apache-2.0 */
/** One training run: set-up, untimed warm-up step, epochs, evaluation, events. Not specific to a
 *  backend: nn/ops.h is linked by the program. */
#ifndef CNN_TRAINER_RUN_H
#define CNN_TRAINER_RUN_H

#include "protocol/event.h"
#include "protocol/spec.h"

/** Trains as specified. train_seconds = the sum of the epochs' seconds, each from its first batch
 *  to the end of its last step, device synchronised at both edges; shuffling, evaluation and the
 *  warm-up step excluded. setup_seconds and total_seconds count from the start of the process, as
 *  the kernel knows it (to 0.01 s); the warm-up step is part of set-up. A loss that is NaN or
 *  infinite ends training after its epoch, as a result: `done` has diverged set. On failure no
 *  `done` event is sent; the caller reports the error. With spec->tune the algorithms are chosen as
 *  a run would and reported in a single `tuned` event, and nothing is trained. With
 *  spec->weights_out the final weights are written there before `done`. */
cnn_status cnn_train_run(const cnn_spec *spec, cnn_event_sink sink, void *user);

/** Does all of set-up but the warm-up step, and appends the network and how it would be trained,
 *  for people. */
cnn_status cnn_train_describe(const cnn_spec *spec, cnn_text *out);

#endif
