/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/trend.h"

#include "stats/dist.h"
#include "stats/moments.h"
#include "stats/ranks.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT_VALUES 9

/** Orders of n <= EXACT_VALUES items whose sum of squared displacements S is at most `most`, by
 *  counting over subsets of the items placed so far. orders: [2^n, most + 1], zeroed. */
static double count_orders(int n, int most, uint32_t *orders)
{
    const int width = most + 1;
    orders[0] = 1;
    for (int placed = 0; placed < (1 << n) - 1; placed++) {
        const int place = __builtin_popcount((unsigned)placed);
        for (int k = 0; k < n; k++) {
            const int square = (k - place) * (k - place);
            if (placed >> k & 1)
                continue;
            uint32_t *next = orders + (placed | 1 << k) * width;
            for (int s = 0; s + square <= most; s++)
                next[s + square] += orders[placed * width + s];
        }
    }
    double sum = 0;
    for (int s = 0; s < width; s++)
        sum += orders[((1 << n) - 1) * width + s];
    return sum;
}

/** p by all n! orders. The distribution of S is symmetric about (n^3 - n) / 6. */
static cnn_status exact_p(const double *a, const double *b, int n, double *p)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += (int)((a[i] - b[i]) * (a[i] - b[i]));
    const int largest = n * (n * n - 1) / 3;
    const int tail = sum < largest - sum ? sum : largest - sum;
    uint32_t *orders = calloc(((size_t)1 << n) * ((size_t)tail + 1), sizeof *orders);
    if (!orders)
        return cnn_error_set(CNN_ENOMEM, "distribution of a rank correlation");
    *p = fmin(1, 2 * count_orders(n, tail, orders) / tgamma(n + 1.0));
    free(orders);
    return CNN_OK;
}

/** Pearson's, of ranks: their mean is (n + 1) / 2. NaN where one does not vary. */
static double correlation_of_ranks(const double *a, const double *b, int n)
{
    const double mean = (n + 1.0) / 2;
    double aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < n; i++) {
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
        ab += (a[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? fmax(-1, fmin(1, ab / sqrt(aa * bb))) : NAN;
}

cnn_status cnn_spearman(const double *x, const double *y, int n, cnn_rank_correlation *out)
{
    *out = (cnn_rank_correlation){CNN_STAT_OK, n, NAN, NAN, false};
    out->outcome = cnn_outcome_of_pairs(x, y, n, 3);
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    cnn_status st = CNN_OK;
    double ties_x = 0, ties_y = 0;
    double *a = malloc(2 * (size_t)n * sizeof *a);
    CNN_CHECK(a, CNN_ENOMEM, "ranks of %d values", n);
    double *b = a + n;
    CNN_TRY(cnn_ranks(x, n, 0, a, &ties_x));
    CNN_TRY(cnn_ranks(y, n, 0, b, &ties_y));
    out->rho = correlation_of_ranks(a, b, n);
    out->exact = n <= EXACT_VALUES && ties_x == 0 && ties_y == 0;
    if (isnan(out->rho)) {
        out->outcome = CNN_STAT_IDENTICAL;
        out->p = 1;
    } else if (out->exact) {
        CNN_TRY(exact_p(a, b, n, &out->p));
    } else {
        const double t = out->rho * sqrt((n - 2) / ((1 - out->rho) * (1 + out->rho)));
        out->p = cnn_student_two_sided(t, n - 2);
    }
done:
    free(a);
    return st;
}

/** Sums over groups. */
typedef struct {
    double products, squares;
    double expected, variance; /* of products, over all orders */
    double magnitude;          /* of the values */
    int pairs, largest;        /* largest: the size of that group */
} successors;

/** Products of successors in a random order: with the mean taken off, s2 and s4 the sums of squares
 *  and of fourth powers, their sum has mean -s2 / n and mean square
 *  (n s2^2 - (n + 1) s4) / (n (n - 1)). */
static void add_group(successors *sum, const double *x, int n)
{
    const double mean = cnn_mean(x, n);
    double s2 = 0, s4 = 0;
    for (int i = 0; i < n; i++) {
        const double square = (x[i] - mean) * (x[i] - mean);
        s2 += square;
        s4 += square * square;
        if (i > 0)
            sum->products += (x[i] - mean) * (x[i - 1] - mean);
    }
    sum->squares += s2;
    sum->magnitude = fmax(sum->magnitude, fabs(mean));
    sum->pairs += n - 1;
    sum->largest = n > sum->largest ? n : sum->largest;
    if (n < 2)
        return;
    sum->expected -= s2 / n;
    if (n > 2) /* of two the product is the same in either order */
        sum->variance += (n * s2 * s2 - (n + 1.0) * s4) / (n * (n - 1.0)) - s2 * s2 / n / n;
}

cnn_serial_correlation cnn_serial_correlation_within(const double *x, const int *group, int n)
{
    cnn_serial_correlation r = {CNN_STAT_OK, 0, NAN, NAN, NAN};
    successors sum = {0};
    if (!cnn_all_finite(x, n)) {
        r.outcome = CNN_STAT_NOT_FINITE;
        return r;
    }
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && group[end] == group[i];)
            end++;
        add_group(&sum, x + i, end - i);
    }
    r.pairs = sum.pairs;
    if (sum.largest < 3) {
        r.outcome = CNN_STAT_TOO_FEW;
    } else if (cnn_nearly_constant(sqrt(sum.squares / sum.pairs), sum.magnitude)) {
        r.outcome = CNN_STAT_IDENTICAL;
        r.p = 1;
    } else {
        r.r = sum.products / sum.squares;
        r.expected = sum.expected / sum.squares;
        r.p = cnn_normal_two_sided((sum.products - sum.expected) / sqrt(sum.variance));
    }
    return r;
}
