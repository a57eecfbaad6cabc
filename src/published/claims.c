/* SPDX-License-Identifier: Apache-2.0 */
#include "published/internal.h"
#include "stats/dist.h"
#include "stats/equivalence.h"
#include "stats/multiple.h"

#include <math.h>
#include <stddef.h>

enum { N = CNN_PUBLISHED_RUNS };

#define VERDICT_NAME(code, text) text,
const char *const cnn_claim_verdict_names[] = {CNN_CLAIM_VERDICTS(VERDICT_NAME)};

static const cnn_published_row *time_row(int i)
{
    return &cnn_published_rows[CNN_PUBLISHED_TIME * CNN_PUBLISHED_CASES + i];
}

/** Tests an estimate against 0. parts [count]: squared standard errors that add up, each with
 *  N - 1 degrees of freedom. */
static cnn_t_result satterthwaite(double estimate, const double *parts, int count)
{
    cnn_t_result test = {.difference = estimate};
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        sum += parts[i];
        squares += parts[i] * parts[i] / (N - 1);
    }
    test.standard_error = sqrt(sum);
    test.df = sum * sum / squares;
    test.t = estimate / test.standard_error;
    test.p = cnn_student_two_sided(test.t, test.df);
    return test;
}

/** Squared standard errors of the logarithms of a row's two means, by the delta method. */
static void log_errors(const cnn_published_row *r, double *parts)
{
    parts[0] = r->keras_variance / (N * r->keras_mean * r->keras_mean);
    parts[1] = r->tensorflow_variance / (N * r->tensorflow_mean * r->tensorflow_mean);
}

static cnn_status adjust(cnn_published_test *tests, int n)
{
    cnn_status st = CNN_OK;
    double p[CNN_PUBLISHED_CASES];
    for (int i = 0; i < n; i++)
        p[i] = tests[i].p;
    CNN_TRY(cnn_holm(p, n, p, NULL));
    for (int i = 0; i < n; i++)
        tests[i].holm = p[i];
done:
    return st;
}

static cnn_status test_ratios(cnn_published *p)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++)
        p->ratio[i] = time_row(i)->keras_mean / time_row(i)->tensorflow_mean;
    for (int d = 0; d < CNN_PUBLISHED_DATASETS; d++) {
        const int deep = CNN_PUBLISHED_DATASETS + d;
        double parts[4];
        log_errors(time_row(d), parts);
        log_errors(time_row(deep), parts + 2);
        p->longer[d].estimate = p->ratio[d];
        p->longer[d].p = satterthwaite(log(p->ratio[d] / 1.35), parts, 2).p;
        p->closer[d].estimate = fabs(log(p->ratio[d])) - fabs(log(p->ratio[deep]));
        p->closer[d].p = satterthwaite(p->closer[d].estimate, parts, 4).p;
    }
    CNN_TRY(adjust(p->longer, CNN_PUBLISHED_DATASETS));
    CNN_TRY(adjust(p->closer, CNN_PUBLISHED_DATASETS));
done:
    return st;
}

static double relative_variance(double variance, double mean)
{
    return variance / (mean * mean);
}

static cnn_status test_relative_spread(cnn_published *p)
{
    cnn_status st = CNN_OK;
    for (int a = 0; a < 2; a++) {
        const cnn_published_row *mnist = time_row(a * CNN_PUBLISHED_DATASETS);
        const cnn_published_row *cancer = mnist + CNN_PUBLISHED_DATASETS - 1;
        p->relative_spread[a].estimate =
            relative_variance(cancer->keras_variance, cancer->keras_mean) /
            relative_variance(mnist->keras_variance, mnist->keras_mean);
        p->relative_spread[2 + a].estimate =
            relative_variance(cancer->tensorflow_variance, cancer->tensorflow_mean) /
            relative_variance(mnist->tensorflow_variance, mnist->tensorflow_mean);
    }
    for (int i = 0; i < 4; i++)
        p->relative_spread[i].p = cnn_published_f_p(p->relative_spread[i].estimate);
    CNN_TRY(adjust(p->relative_spread, 4));
done:
    return st;
}

/** Counts a case: which way it is significant. */
static void count(cnn_claim_result *c, double p, bool supports)
{
    c->n++;
    if (!(p <= CNN_PUBLISHED_ALPHA))
        return;
    c->supported += supports;
    c->opposed += !supports;
}

static void decide(cnn_claim_result *c, bool most)
{
    c->verdict = (most ? 2 * c->supported > c->n : c->supported == c->n) ? CNN_CLAIM_HOLDS
                 : c->opposed > 0                                        ? CNN_CLAIM_CONTRADICTED
                 : c->supported > 0                                      ? CNN_CLAIM_IN_PART
                                                                         : CNN_CLAIM_NOT_SHOWN;
}

static void count_rows(cnn_published *p)
{
    cnn_claim_result *claims = p->claims;
    for (int i = 0; i < CNN_PUBLISHED_CASES; i++) {
        const cnn_published_result *time = &p->results[CNN_PUBLISHED_TIME][i];
        const cnn_published_result *accuracy = &p->results[CNN_PUBLISHED_ACCURACY][i];
        if (i < CNN_PUBLISHED_DATASETS)
            count(&claims[CNN_CLAIM_TIMES_DIFFER_1], time->welch_holm, true);
        else if (i > CNN_PUBLISHED_DATASETS)
            count(&claims[CNN_CLAIM_TIMES_DIFFER_2], time->welch_holm, true);
        count(&claims[CNN_CLAIM_TENSORFLOW_FASTER], time->welch_holm, time->welch.difference > 0);
        count(&claims[CNN_CLAIM_TENSORFLOW_VARIES], time->f_holm, time->f.ratio > 1);
        count(&claims[CNN_CLAIM_ACCURACIES_DIFFER], accuracy->p_most_holm, true);
        count(&claims[CNN_CLAIM_KERAS_BETTER], accuracy->p_most_holm,
              accuracy->welch.difference > 0);
    }
}

/** A2 MNIST: alike by TOST of the ratio, different by Welch's test. */
static void count_alike(cnn_published *p)
{
    const int i = CNN_PUBLISHED_DATASETS;
    const cnn_published_result *time = &p->results[CNN_PUBLISHED_TIME][i];
    double parts[2];
    log_errors(time_row(i), parts);
    const cnn_t_result logs = satterthwaite(log(p->ratio[i]), parts, 2);
    p->alike_p = cnn_tost_ratio(&logs, 0.01, CNN_PUBLISHED_ALPHA).p;
    for (int both = 0; both < 2; both++) {
        cnn_claim_result *c = &p->claims[both ? CNN_CLAIM_EXCEPT_MNIST_2 : CNN_CLAIM_TIMES_ALIKE];
        count(c, p->alike_p, true);
        c->opposed += time->welch_holm <= CNN_PUBLISHED_ALPHA;
    }
    count(&p->claims[CNN_CLAIM_EXCEPT_MNIST_2], p->results[CNN_PUBLISHED_ACCURACY][i].p_most_holm,
          false);
}

static void count_tests(cnn_published *p)
{
    for (int d = 0; d < CNN_PUBLISHED_DATASETS; d++) {
        /* no significant difference from 35 %: supported */
        const bool other = p->longer[d].holm <= CNN_PUBLISHED_ALPHA;
        count(&p->claims[CNN_CLAIM_THIRD_LONGER], 0, !other);
        count(&p->claims[CNN_CLAIM_COMPLEX_CLOSER], p->closer[d].holm, p->closer[d].estimate > 0);
    }
    for (int i = 0; i < 4; i++)
        count(&p->claims[CNN_CLAIM_DATA_VARY], p->relative_spread[i].holm,
              p->relative_spread[i].estimate > 1);
}

cnn_status cnn_published_judge_claims(cnn_published *p)
{
    cnn_status st = CNN_OK;
    CNN_TRY(test_ratios(p));
    CNN_TRY(test_relative_spread(p));
    count_rows(p);
    count_alike(p);
    count_tests(p);
    for (int c = 0; c < CNN_CLAIM_COUNT; c++)
        decide(&p->claims[c], c == CNN_CLAIM_KERAS_BETTER);
done:
    return st;
}
