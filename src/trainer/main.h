/* SPDX-License-Identifier: Apache-2.0 */
/** The whole of a trainer program but for its backend, which the program links. */
#ifndef CNN_TRAINER_MAIN_H
#define CNN_TRAINER_MAIN_H

/** With CNN_EVENTS_FD in the environment: the specification comes on standard input, events go to
 *  that descriptor (docs/trainer-protocol.md). Without: the arguments say what to train, and a
 *  table goes to standard output. Returns the exit status: 0 done or diverged, 1 failed, 2 wrong
 *  specification or arguments, 3 missing or malformed data, or environment. */
int cnn_trainer_main(int argc, char **argv);

#endif
