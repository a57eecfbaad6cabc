/* SPDX-License-Identifier: Apache-2.0 */
/** When an attempt has taken too long: pure functions, for any rank. */
#ifndef CNN_MPI_WORKER_LIMIT_H
#define CNN_MPI_WORKER_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

/** Seconds; INFINITY: no such limit. */
typedef struct {
    double duration; /* of an attempt, from its start */
    double silence;  /* between two events */
} cnn_limit;

/** The limits of an attempt. run_seconds: the job's, 0: auto. longest: duration of the longest
 *  finished run of the same cell, 0: none has finished. While no duration is known, only a
 *  trainer without an event for an hour counts as hung: real runs may take hours. */
cnn_limit cnn_limit_of(double run_seconds, double longest);

/** Whether one of them is passed, after so many seconds since its start and since the last event
 *  (or the start); then why [n], for people. */
bool cnn_limit_is_passed(const cnn_limit *limit, double duration, double silence, char *why,
                         size_t n);

/** Whether a trainer that has no more to report takes too long to end. seconds: since then; NaN: it may
 *  still report. after: "its done event"; then why [n], for people. */
bool cnn_limit_is_end_overdue(double seconds, const char *after, char *why, size_t n);

#endif
