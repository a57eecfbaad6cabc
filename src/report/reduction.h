/** Reducing the runs of a results file to tables. */
#ifndef CNN_REPORT_REDUCTION_H
#define CNN_REPORT_REDUCTION_H

#include "base/status.h"
#include "base/text.h"
#include "design/results.h"

/** Measures that are summarised. */
typedef enum { CNN_MEASURE_TRAIN_SECONDS, CNN_MEASURE_TEST_ERROR, CNN_MEASURE_COUNT } cnn_measure;
extern const char *const cnn_measure_names[]; /* "train_seconds", "test_error" */

/** Of one cell and measure; warm-up, failed and diverged runs left out. NaN where n is too small.
 */
typedef struct {
    int n;
    double mean, variance, sd, min, max; /* variance: n - 1 in the denominator */
} cnn_summary;

/** Of one pair of contrast levels (a, b) in one combination: a minus b. */
typedef struct {
    int combination, a, b;
    double difference; /* of means */
    double study_t;    /* (a - b) / sqrt(va/na + vb/nb), judged against 1.96 there */
    double welch_t, welch_df, welch_p; /* two-sided */
} cnn_comparison;

typedef struct {
    int cell_count, comparison_count;
    int *planned, *done, *failed, *diverged; /* [cell_count] runs, warm-ups not counted */
    cnn_summary *summaries;                  /* [cell_count, CNN_MEASURE_COUNT] */
    cnn_comparison
        *comparisons; /* [comparison_count, CNN_MEASURE_COUNT]: all pairs, by combination */
    double overhead;  /* share of ranks' time outside children, 0..1; NaN unknown */
} cnn_reduction;

cnn_status cnn_reduction_create(const cnn_results *results, cnn_reduction **out);
void cnn_reduction_destroy(cnn_reduction **reduction);

/** All tables as text for a terminal: header (job, file, runs done/failed/missing, hosts,
 * versions), cells, comparisons, overhead. path: of the results file. */
void cnn_report_text(const cnn_results *results, const cnn_reduction *reduction, const char *path,
                     cnn_text *out);

#endif
