/* SPDX-License-Identifier: Apache-2.0 */
/** When an attempt has taken too long: pure arithmetic. */
#ifndef CNN_MPI_WORKER_LIMIT_H
#define CNN_MPI_WORKER_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

/** Seconds; INFINITY: no such limit. */
typedef struct {
    double duration; /* of an attempt, from its start */
    double silence;  /* between two events */
} cnn_limit;

/** The limits of an attempt. run_seconds: the job's, 0: auto. longest: duration of the longest finished
 *  run of the same cell, 0: none has finished. As long as nobody knows how long a run takes, only a
 *  trainer that tells nothing for an hour is taken for hung: real ones may need hours in all. */
cnn_limit cnn_limit_of(double run_seconds, double longest);

/** Whether one of them is passed, after so many seconds since its start and since the last event (or the
 *  start); then why [n], for people. */
bool cnn_limit_is_passed(const cnn_limit *limit, double duration, double silence, char *why,
                         size_t n);

#endif
