/* SPDX-License-Identifier: Apache-2.0 */
/** How often a test finds a difference, over many simulated studies of one job. */
#ifndef CNN_TESTS_STUDIES_RATES_H
#define CNN_TESTS_STUDIES_RATES_H

#include "study.h"

/** The first study's plan with frameworks that do not differ; from the root of the source. */
#define CNN_STUDY_JOB "tests/studies/study.yaml"

/** A setting of both frameworks' `time`. */
typedef struct {
    const char *key;
    double value;
} cnn_study_setting;

/** Reads that job with other settings [count, at most 8], and a true ratio of b to a. */
cnn_status cnn_study_job(const cnn_study_setting *settings, int count, double ratio, cnn_job **out);

/** One combination's log times, repeat by repeat; repeats in which a run is not done are left out.
 */
typedef struct {
    int n;
    double *a, *b;    /* [n] the first two levels of the contrast */
    int *at_a, *at_b; /* [n] their positions within the block */
} cnn_sample;

cnn_status cnn_sample_take(const cnn_results *results, int combination, cnn_sample *out);
void cnn_sample_free(cnn_sample *sample);

/** Tests of level a against level b on log time, as the analysis makes them: the paired ones free of
 *  the position within the block, since the plan's orders are balanced. */
typedef enum {
    CNN_RATE_STUDY, /* |t| above 1.96, as the first study judged */
    CNN_RATE_WELCH,
    CNN_RATE_PAIRED,
    CNN_RATE_SIGN_FLIP,
    CNN_RATE_WILCOXON,
    CNN_RATE_PITMAN_MORGAN, /* of the variances */
    CNN_RATE_TOST,          /* finds that a and b are equivalent, at the job's margin */
    CNN_RATE_COUNT,
} cnn_rate_test;

/** Counts over studies and their combinations. */
typedef struct {
    int studies, comparisons;
    int found[CNN_RATE_COUNT];  /* comparisons with p <= alpha, uncorrected */
    int faster[CNN_RATE_COUNT]; /* of them with a below b */
    int holm[CNN_RATE_COUNT];   /* studies with any Holm-adjusted p <= alpha; of the study's own
                                   test, which corrects for nothing: any |t| > 1.96 */
    double *p[CNN_RATE_COUNT];  /* [comparisons] p values; those of CNN_RATE_STUDY are Welch's */
} cnn_rates;

/** tests: how many of the tests above, in their order; the rest takes time.
 *  Runs studies with the job's seed set to first_seed, first_seed + 1, ... The job is left with the
 *  last one. End with cnn_rates_free. */
cnn_status cnn_rates_find(cnn_job *job, int devices, cnn_study_order order, int first_seed,
                          int studies, int tests, cnn_rates *out);
void cnn_rates_free(cnn_rates *rates);

#endif
