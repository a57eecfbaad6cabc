/* SPDX-License-Identifier: Apache-2.0 */
/** The published study (2 frameworks x 2 architectures x 3 data sets, 15 runs a cell), judged from
 *  the means and variances that it printed: share/published.csv, compiled in.
 *
 *  The figures are rounded to 0.01. The effect of rounding is bounded: a range that ends at
 *  infinity means that a printed variance of 0.00 may be anything down to 0. */
#ifndef CNN_PUBLISHED_PUBLISHED_H
#define CNN_PUBLISHED_PUBLISHED_H

#include "document/table.h"
#include "stats/outcome.h"
#include "stats/t_tests.h"
#include "stats/variance_tests.h"

#define CNN_PUBLISHED_RUNS  15 /* in every cell */
#define CNN_PUBLISHED_ALPHA 0.05

typedef enum {
    CNN_PUBLISHED_TIME,
    CNN_PUBLISHED_ACCURACY,
    CNN_PUBLISHED_MEASURES
} cnn_published_measure;

/** A row of the study's tables as printed; times in s, accuracies in percent. */
typedef struct {
    const char *measure, *architecture, *dataset; /* names of jobs/all.yaml */
    double keras_mean, keras_variance, tensorflow_mean, tensorflow_variance;
    double t; /* as printed: without its sign */
} cnn_published_row;

/** [CNN_PUBLISHED_MEASURES, CNN_PUBLISHED_CASES]: architecture 1 first, data sets in the order
 *  MNIST, Fashion-MNIST, breast histology. */
enum { CNN_PUBLISHED_CASES = 6, CNN_PUBLISHED_DATASETS = 3 };
extern const cnn_published_row cnn_published_rows[CNN_PUBLISHED_MEASURES * CNN_PUBLISHED_CASES];

/** Keras minus TensorFlow, and TensorFlow's variance over Keras's, of one row. */
typedef struct {
    cnn_t_result welch;   /* of the printed figures; t infinite where both variances print as 0 */
    double welch_holm;    /* over the measure's six rows */
    cnn_interval t_range; /* of |t|: what figures that round to the printed ones permit */
    bool reproduced;      /* |t| of the printed figures prints as the study's */
    bool possible;        /* the study's t lies in the range, its own rounding allowed for */
    double p_most;        /* largest p that rounding permits: |t| at its least, df at its least */
    double p_most_holm;
    cnn_variance_ratio f; /* of the printed variances */
    double f_holm;
    cnn_interval f_range;  /* of the ratio of variances */
    cnn_interval fp_range; /* of its p */
    double fp_most_holm;   /* Holm over the six largest p */
} cnn_published_result;

/** How a claim of the study fares. For a claim about n cases of which k are significant its way
 *  after Holm (p <= 0.05), and c the other way. */
#define CNN_CLAIM_VERDICTS(X)                                                                      \
    X(CNN_CLAIM_HOLDS, "holds")               /* k = n; for "most": 2 k > n */                     \
    X(CNN_CLAIM_CONTRADICTED, "contradicted") /* else, c > 0 */                                    \
    X(CNN_CLAIM_IN_PART, "holds in part")     /* else, k > 0 */                                    \
    X(CNN_CLAIM_NOT_SHOWN, "not shown")       /* else */

typedef enum {
#define CNN_CLAIM_ENUM(code, text) code,
    CNN_CLAIM_VERDICTS(CNN_CLAIM_ENUM)
#undef CNN_CLAIM_ENUM
} cnn_claim_verdict;
extern const char *const cnn_claim_verdict_names[];

/** The study's claims: X(enum, name in CSV, claim). */
#define CNN_PUBLISHED_CLAIMS(X)                                                                    \
    X(CNN_CLAIM_TIMES_DIFFER_1, "times_differ_arch1", "A1: times differ on all three data sets")   \
    X(CNN_CLAIM_TIMES_DIFFER_2, "times_differ_arch2", "A2: times differ on F-MNIST and cancer")    \
    X(CNN_CLAIM_TIMES_ALIKE, "times_alike_arch2_mnist", "A2 MNIST: times do not differ")           \
    X(CNN_CLAIM_TENSORFLOW_FASTER, "tensorflow_faster", "TensorFlow is the faster one in general") \
    X(CNN_CLAIM_THIRD_LONGER, "keras_35_percent_longer", "A1: Keras takes about 35 % longer")      \
    X(CNN_CLAIM_TENSORFLOW_VARIES, "tensorflow_varies_more", "TensorFlow's times vary more")       \
    X(CNN_CLAIM_ACCURACIES_DIFFER, "accuracies_differ", "All six accuracies differ")               \
    X(CNN_CLAIM_KERAS_BETTER, "keras_more_accurate", "Keras is more accurate in most cases")       \
    X(CNN_CLAIM_COMPLEX_CLOSER, "complexity_reduces_differences",                                  \
      "A2: times differ less than with A1")                                                        \
    X(CNN_CLAIM_DATA_VARY, "complex_data_vary_more", "Times vary more on more complex data")       \
    X(CNN_CLAIM_EXCEPT_MNIST_2, "except_arch2_mnist", "A2 MNIST differs in neither measure")

typedef enum {
#define CNN_CLAIM_ENUM(code, name, text) code,
    CNN_PUBLISHED_CLAIMS(CNN_CLAIM_ENUM) CNN_CLAIM_COUNT
#undef CNN_CLAIM_ENUM
} cnn_published_claim;

/** Cases of a claim. */
typedef struct {
    int n, supported, opposed; /* significantly, after Holm */
    cnn_claim_verdict verdict;
} cnn_claim_result;

/** A test beyond the rows themselves. */
typedef struct {
    double estimate, p, holm;
} cnn_published_test;

typedef struct {
    cnn_published_result results[CNN_PUBLISHED_MEASURES][CNN_PUBLISHED_CASES];
    double ratio[CNN_PUBLISHED_CASES]; /* of mean training times, Keras over TensorFlow */
    double
        alike_p; /* TOST of the ratio of A2 MNIST's mean times within 1 %, on logarithms as below */
    /* Tests on logarithms of means: standard errors by the delta method, variance / (n mean^2) for
     * each mean, Satterthwaite's degrees of freedom; Holm over three. Estimates: the ratio of
     * architecture 1, against 1.35; |log ratio| of architecture 1 minus that of 2, against 0. */
    cnn_published_test longer[CNN_PUBLISHED_DATASETS], closer[CNN_PUBLISHED_DATASETS];
    /* Squared coefficient of variation of the training time on cancer over that on MNIST, taken
     * for F (14, 14) as it is for logarithms: Keras A1, A2, TensorFlow A1, A2; Holm over four. */
    cnn_published_test relative_spread[4];
    cnn_claim_result claims[CNN_CLAIM_COUNT];
} cnn_published;

cnn_status cnn_published_judge(cnn_published *out);

/** The document of `cnnmpi report --published`. */
void cnn_published_report(const cnn_published *published, cnn_document *out);

/** The name that the study gives a case: "A1 MNIST", "A2 cancer". NULL: it has no such case. */
const char *cnn_published_case_name(const char *architecture, const char *dataset);

#endif
