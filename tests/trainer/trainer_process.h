/* SPDX-License-Identifier: Apache-2.0 */
/** Running a trainer as a rank or a person would, for tests. */
#ifndef CNN_TESTS_TRAINER_TRAINER_PROCESS_H
#define CNN_TESTS_TRAINER_TRAINER_PROCESS_H

#include "protocol/event.h"

#include <stdbool.h>

/** What a program left behind. */
typedef struct {
    int status; /* exit status, or -signal */
    char *out, *err, *events;
} trainer_process;

/** Runs argv [NULL-terminated] to its end. events: "3" gives it descriptor 3 and CNN_EVENTS_FD=3,
 *  other texts only set the variable, NULL unsets it. input: its standard input, NULL: empty.
 *  Failures of the test itself end the test. */
trainer_process trainer_process_run(char *const *argv, const char *events, const char *input);
void trainer_process_free(trainer_process *p);

/** The events of a run that went well: checks their order, the sums and ranges, and that the exit
 *  status is 0. epochs: how many are expected; -1: any number, diverged. */
typedef struct {
    cnn_event ready, done, epochs[16];
    int epoch_count;
} trainer_story;
trainer_story trainer_story_read(const trainer_process *p, int epochs);

/** Asserts an exit status and, as the only event after any others, an error that holds a text. */
void assert_trainer_failed(const trainer_process *p, int status, const char *text);
/** Runs a specification of version 1 again as one of version 2 with `weights_out`, and asserts that
 *  the file holds the reported number of weights, with the reported checksum. */
void assert_weights_are_written(char *const *argv, const char *spec);
/** Asserts that two losses differ by less than tolerance, relative. */
void assert_losses_agree(double a, double b, double tolerance);

/** A Python that can import the modules ("numpy, torch", "sys"), or NULL. */
const char *trainer_find_python(const char *modules);

/** Debian's Fashion-MNIST, or NULL with a line that says so. */
const char *trainer_fashion_mnist(void);

#endif
