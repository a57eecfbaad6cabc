/* SPDX-License-Identifier: Apache-2.0 */
#include "published/internal.h"
#include "stats/dist.h"
#include "stats/multiple.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { N = CNN_PUBLISHED_RUNS };

/** Half a unit of the last printed decimal. */
static const double half = 0.005;

static double at_least_zero(double x)
{
    return x > 0 ? x : 0;
}

/** |t| that figures rounding to the printed ones can give. */
static cnn_interval range_of_t(const cnn_published_row *r)
{
    const double difference = fabs(r->keras_mean - r->tensorflow_mean);
    const double v = r->keras_variance, w = r->tensorflow_variance;
    return (cnn_interval){
        at_least_zero(difference - 2 * half) / sqrt((v + half + w + half) / N),
        (difference + 2 * half) / sqrt((at_least_zero(v - half) + at_least_zero(w - half)) / N),
    };
}

/** TensorFlow's variance over Keras's, likewise. */
static cnn_interval range_of_ratio(const cnn_published_row *r)
{
    const double v = r->keras_variance, w = r->tensorflow_variance;
    return (cnn_interval){
        at_least_zero(w - half) / (v + half),
        (w + half) / at_least_zero(v - half),
    };
}

/** p of the F test for ratios in a range: it falls on both sides of 1. */
static cnn_interval range_of_f_p(cnn_interval ratio)
{
    const double a = cnn_published_f_p(ratio.low), b = cnn_published_f_p(ratio.high);
    const bool equal_is_possible = ratio.low <= 1 && ratio.high >= 1;
    return (cnn_interval){fmin(a, b), equal_is_possible ? 1 : fmax(a, b)};
}

/** Whether |t| is printed as the study printed it. */
static bool prints_as(double t, double published)
{
    char ours[64], theirs[64];
    snprintf(ours, sizeof ours, "%.2f", fabs(t));
    snprintf(theirs, sizeof theirs, "%.2f", published);
    return !strcmp(ours, theirs);
}

static cnn_published_result judge_row(const cnn_published_row *r)
{
    cnn_published_result x = {
        .t_range = range_of_t(r),
        .f = cnn_f_test_moments(r->tensorflow_variance, N, r->keras_variance, N,
                                1 - CNN_PUBLISHED_ALPHA),
        .f_range = range_of_ratio(r),
    };
    x.welch = cnn_t_welch_moments((cnn_moments){N, r->keras_mean, r->keras_variance},
                                  (cnn_moments){N, r->tensorflow_mean, r->tensorflow_variance},
                                  1 - CNN_PUBLISHED_ALPHA);
    x.reproduced = prints_as(x.welch.t, r->t);
    x.possible = r->t + half >= x.t_range.low && r->t - half <= x.t_range.high;
    /* Welch's degrees of freedom are at least the smaller sample's */
    x.p_most = cnn_student_two_sided(x.t_range.low, N - 1);
    x.fp_range = range_of_f_p(x.f_range);
    return x;
}

/** Gathers one p value of every row, adjusts the family and scatters it. Offsets: of doubles in
 *  cnn_published_result. */
static cnn_status adjust(cnn_published_result *rows, size_t from, size_t to)
{
    cnn_status st = CNN_OK;
    double p[CNN_PUBLISHED_CASES];
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++)
        memcpy(&p[i], (const char *)&rows[i] + from, sizeof p[i]);
    CNN_TRY(cnn_holm(p, CNN_PUBLISHED_CASES, p, NULL));
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++)
        memcpy((char *)&rows[i] + to, &p[i], sizeof p[i]);
done:
    return st;
}

static cnn_status judge_measure(cnn_published_result *rows, const cnn_published_row *printed)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++)
        rows[i] = judge_row(&printed[i]);
    CNN_TRY(adjust(rows, offsetof(cnn_published_result, welch.p),
                   offsetof(cnn_published_result, welch_holm)));
    CNN_TRY(adjust(rows, offsetof(cnn_published_result, p_most),
                   offsetof(cnn_published_result, p_most_holm)));
    CNN_TRY(
        adjust(rows, offsetof(cnn_published_result, f.p), offsetof(cnn_published_result, f_holm)));
    CNN_TRY(adjust(rows, offsetof(cnn_published_result, fp_range.high),
                   offsetof(cnn_published_result, fp_most_holm)));
done:
    return st;
}

cnn_status cnn_published_judge(cnn_published *out)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(out, CNN_EINVAL, "out must not be NULL");
    *out = (cnn_published){0};
    for (int m = 0; m < CNN_PUBLISHED_MEASURES; m++)
        CNN_TRY(judge_measure(out->results[m], &cnn_published_rows[m * CNN_PUBLISHED_CASES]));
    CNN_TRY(cnn_published_judge_claims(out));
done:
    return st;
}
