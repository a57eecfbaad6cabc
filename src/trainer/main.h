/* SPDX-License-Identifier: Apache-2.0 */
/** The whole of a trainer program but for what it does with a specification. */
#ifndef CNN_TRAINER_MAIN_H
#define CNN_TRAINER_MAIN_H

#include "protocol/event.h"
#include "protocol/spec.h"

/** What a program does with a specification: trainer/run.h's functions, or functions of its own
 *  with the same contracts. */
typedef struct {
    cnn_status (*run)(const cnn_spec *spec, cnn_event_sink sink, void *user);
    cnn_status (*describe)(const cnn_spec *spec, cnn_text *out);
} cnn_trainer;

/** With CNN_EVENTS_FD in the environment: the specification comes on standard input, events go to
 *  that descriptor (docs/trainer-protocol.md). Without: the arguments say what to train, and a
 *  table goes to standard output. Returns the exit status: 0 done or diverged, 1 failed, 2 wrong
 *  specification or arguments, 3 missing or malformed data, or environment. */
int cnn_trainer_main(int argc, char **argv, const cnn_trainer *trainer);

#endif
