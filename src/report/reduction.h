/** Reducing the runs of a results file to tables. */
#ifndef CNN_REPORT_REDUCTION_H
#define CNN_REPORT_REDUCTION_H

#include "base/status.h"
#include "base/text.h"
#include "design/results.h"

/** Measures that are summarised. */
typedef enum { CNN_MEASURE_TRAIN_SECONDS, CNN_MEASURE_TEST_ERROR, CNN_MEASURE_COUNT } cnn_measure;
extern const char *const cnn_reduced_measure_names[]; /* "train_seconds", "test_error" */

/** Of one cell and measure; warm-up, failed and diverged runs left out, and runs whose trainer did
 *  not report the measure. NaN where n is too small. */
typedef struct {
    int n;                               /* values */
    double mean, variance, sd, min, max; /* variance: n - 1 in the denominator */
} cnn_summary;

/** Of one pair of contrast levels (a, b) in one combination: a minus b. */
typedef struct {
    int combination, a, b;
    double difference; /* of means */
    double ratio;      /* of means, a / b */
    double study_t;    /* (a - b) / sqrt(va/na + vb/nb), judged against 1.96 there */
    double welch_t, welch_df, welch_p; /* two-sided */
} cnn_comparison;

/** What the study took for a significant difference: |study_t| above it. */
#define CNN_STUDY_CRITICAL_T 1.96

typedef struct {
    int cell_count, comparison_count, session_count;
    int *planned, *done, *failed, *diverged; /* [cell_count] runs, warm-ups not counted; the rest of
                                                planned is missing */
    cnn_summary *summaries;                  /* [cell_count, CNN_MEASURE_COUNT] */
    cnn_comparison
        *comparisons;         /* [comparison_count, CNN_MEASURE_COUNT]: all pairs, by combination */
    double overhead;          /* share of ranks' time outside children, 0..1; NaN unknown */
    double *session_overhead; /* [session_count] the same of each session */
} cnn_reduction;

/** Reduces the runs that are done. Overhead: a rank's time in a session lasts from the session's
 *  start to the end of its last child, so that the tail in which it had nothing left to train is
 *  left out; children's lives are those of all attempts in the file, warm-ups and failed ones
 *  included (of a run that several sessions have repeated the file may lack some: they then count
 *  as overhead). It is NaN where nothing was attempted, and where a clock was set so that children
 * seem to outlast their ranks. CNN_EDATA: a run names a cell, combination, level or status that
 * does not exist. */
cnn_status cnn_reduction_create(const cnn_results *results, cnn_reduction **out);
void cnn_reduction_destroy(cnn_reduction **reduction);

#endif
