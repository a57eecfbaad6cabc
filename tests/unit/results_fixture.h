/* SPDX-License-Identifier: Apache-2.0 */
/** A small experiment with known results, for the tests of the results file. Every value depends on
 *  its run, epoch, attempt and column alone, so that whoever reads it can check it. */
#ifndef CNN_TESTS_UNIT_RESULTS_FIXTURE_H
#define CNN_TESTS_UNIT_RESULTS_FIXTURE_H

#include "analysis/analysis.h"
#include "design/design.h"
#include "results/results.h"

#define FIXTURE_QUARANTINE "device 7 of h\xc3\xb6st (rank 7)" /* of session 1 */

enum {
    FIXTURE_EPOCHS = 3, /* the larger level of the factor epochs; the job's own is 1 */
    FIXTURE_RETRIES = 2,
    FIXTURE_ATTEMPTS = 6, /* places for them: twice 1 + retries */
    FIXTURE_FACTORS = 4,
    FIXTURE_SESSION_TIME = 1500000000,
};
#define FIXTURE_PLAN "the plan:\n  größer als erwartet\n"

/** Factors framework (contrast), architecture, epochs, and `threads`, named like a column. The job
 *  text is 100 kB long. Static; not to be destroyed. */
const cnn_job *fixture_job(int repeats);
/** Asserts. */
cnn_design *fixture_design(const cnn_job *job);

/** What run `run` of the fixture measured, and what its attempts were. */
cnn_measured fixture_measured(int run);
cnn_epoch_row fixture_epoch(int run, int epoch);
cnn_attempt fixture_attempt(int run, int attempt);
/** Done, diverged, failed in turn; every fifth run is still planned. */
cnn_run_status fixture_status(int run);
/** An analysis of the fixture's sizes with made-up values: row i, column k of a table holds i +
 * k/64 (NaN where i % 7 == 3), 100 i + k, 10000000000 + 100 i + k or i % 2. cnn_analysis_destroy.
 */
cnn_analysis *fixture_analysis(const cnn_design *design);

/** Compare every member; true if equal, NaN to NaN. The name of the first that differs is kept. */
bool same_measured(const cnn_measured *a, const cnn_measured *b);
bool same_epoch(const cnn_epoch_row *a, const cnn_epoch_row *b);
bool same_attempt(const cnn_attempt *a, const cnn_attempt *b);
bool same_planned(const cnn_planned *a, const cnn_planned *b);
const char *fixture_difference(void);

#endif
