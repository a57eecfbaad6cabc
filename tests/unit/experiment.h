/* SPDX-License-Identifier: Apache-2.0 */
/** Experiments in memory for the tests of the analysis: from a golden CSV, or made run by run. */
#ifndef CNN_TESTS_UNIT_EXPERIMENT_H
#define CNN_TESTS_UNIT_EXPERIMENT_H

#include "results/results.h"

enum { EXPERIMENT_ATTEMPTS = 2 };

/** An experiment of a contrast "framework" with `levels` levels and a factor "architecture" with as
 *  many levels as there are combinations; cell = level * combinations + combination. Its runs are
 *  zero: give each with experiment_set_run. End with cnn_results_free. */
cnn_results *experiment_make(int levels, int combinations, int run_count, int session_count);
/** A run that is planned, warm-up where repeat < 0, and its status; block: of its own number. */
void experiment_set_run(cnn_results *r, int run, int combination, int level, int repeat, int block,
                        cnn_run_status status);
/** Blocks one after the other, each with a run of every level, repeats outermost; all done. */
cnn_results *experiment_make_done(int levels, int combinations, int repeats, int session_count);
void experiment_set_attempt(cnn_results *r, int run, int attempt, cnn_outcome outcome, int session,
                            int rank, double start, double life);

/** The scenario of tests/golden/analysis_runs.csv, also with the values of runs that must not
 *  count. */
cnn_results *experiment_read(const char *scenario);

#endif
