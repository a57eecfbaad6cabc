/* SPDX-License-Identifier: Apache-2.0 */
/** Results files of jobs in memory, for the tests of what reads their jobs again. */
#ifndef CNN_TESTS_UNIT_JOB_RESULTS_H
#define CNN_TESTS_UNIT_JOB_RESULTS_H

#include "results/results.h"

enum { JOB_RESULTS_DEVICES = 2 };

/** A finished file of the job in `text`: a session of two ranks that began a second before `start`,
 *  a run every ten seconds. Times depend on seed and level; one device's are longer. Epochs and
 *  attempts are unknown. End with cnn_results_free. */
cnn_results *job_results(const char *text, double start);

#endif
