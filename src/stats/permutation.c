/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/permutation.h"

#include "base/philox.h"
#include "stats/ranks.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/** Sums of d[0..n) under all signs: [2^n]. */
static void signed_sums(const double *d, int n, double *sums)
{
    sums[0] = 0;
    for (int i = 0, count = 1; i < n; i++, count *= 2)
        for (int k = 0; k < count; k++) {
            sums[count + k] = sums[k] + d[i];
            sums[k] -= d[i];
        }
}

#define HALF (CNN_SIGN_FLIP_EXACT_PAIRS / 2)

/** Signs of n <= 20 differences whose sum is at least `bound` > 0. Each is a choice for the first
 *  half and one for the second, so two sorted lists of 2^(n/2) sums are enough. */
static int64_t count_exact(const double *d, int n, double bound)
{
    double first[1 << HALF], second[1 << HALF];
    const int nf = n / 2, ns = n - nf;
    signed_sums(d, nf, first);
    signed_sums(d + nf, ns, second);
    cnn_sort(first, 1 << nf);
    cnn_sort(second, 1 << ns);
    int64_t count = 0;
    for (int i = 0, k = 1 << ns; i < 1 << nf; i++) {
        while (k > 0 && first[i] + second[k - 1] >= bound)
            k--;
        count += (1 << ns) - k;
    }
    return count;
}

#define GROUP            4  /* differences whose signed sums are looked up at once */
#define GROUP_SUMS       16 /* 2^GROUP */
#define GROUPS_A_WORD    8  /* 32 bits of a random word */
#define GROUPS_A_COUNTER 32 /* four words */

/** sums [groups, GROUP_SUMS]: the last group is filled up with zeros. */
static void group_sums(const double *d, int n, double *sums)
{
    for (int i = 0; i < n; i += GROUP) {
        double four[GROUP] = {0};
        for (int k = 0; k < GROUP && i + k < n; k++)
            four[k] = d[i + k];
        signed_sums(four, GROUP, sums + (size_t)(i / GROUP) * GROUP_SUMS);
    }
}

static double drawn_sum(const double *sums, int groups, uint64_t seed, int draw)
{
    double sum = 0;
    for (int g = 0; g < groups; g += GROUPS_A_COUNTER) {
        const cnn_philox random =
            cnn_philox_at(seed, CNN_RANDOM_SIGNS, (uint32_t)draw, (uint64_t)(g / GROUPS_A_COUNTER));
        const int end = groups - g < GROUPS_A_COUNTER ? groups - g : GROUPS_A_COUNTER;
        for (int k = 0; k < end; k++) {
            const uint32_t four = random.w[k / GROUPS_A_WORD] >> (k % GROUPS_A_WORD * GROUP) & 15;
            sum += sums[(size_t)(g + k) * GROUP_SUMS + four];
        }
    }
    return sum;
}

static cnn_status count_drawn(const double *d, int n, double bound, uint64_t seed, int64_t *count)
{
    const int groups = (n + GROUP - 1) / GROUP;
    double *sums = malloc((size_t)groups * GROUP_SUMS * sizeof *sums);
    if (!sums)
        return cnn_error_set(CNN_ENOMEM, "sign flips of %d pairs", n);
    group_sums(d, n, sums);
    *count = 0;
    for (int draw = 0; draw < CNN_SIGN_FLIP_DRAWS; draw++)
        *count += fabs(drawn_sum(sums, groups, seed, draw)) >= bound;
    free(sums);
    return CNN_OK;
}

/** d [n] the differences; *tolerance: sums no further apart differ by rounding. */
static double *differences(const double *x, const double *y, int n, double *tolerance)
{
    double *d = malloc((size_t)n * sizeof *d), size = 0;
    if (!d)
        return NULL;
    for (int i = 0; i < n; i++) {
        d[i] = x[i] - y[i];
        size += fmax(fabs(x[i]), fabs(y[i]));
    }
    *tolerance = 16 * DBL_EPSILON * size;
    return d;
}

static cnn_status flip(const double *d, int n, double tolerance, uint64_t seed, cnn_sign_flip *out)
{
    double sum = 0, largest = 0;
    for (int i = 0; i < n; i++) {
        sum += d[i];
        largest = fmax(largest, fabs(d[i]));
    }
    const double bound = fabs(sum) - tolerance;
    out->difference = sum / n;
    out->exact = n <= CNN_SIGN_FLIP_EXACT_PAIRS;
    out->permutations = out->exact ? (int64_t)1 << n : CNN_SIGN_FLIP_DRAWS;
    if (largest * n <= tolerance)
        out->outcome = CNN_STAT_IDENTICAL;
    if (bound <= 0) { /* no sum is smaller than nothing */
        out->p = 1;
        return CNN_OK;
    }
    if (out->exact) {
        out->p = 2.0 * (double)count_exact(d, n, bound) / (double)out->permutations;
        return CNN_OK;
    }
    int64_t count = 0;
    const cnn_status st = count_drawn(d, n, bound, seed, &count);
    out->p = (1.0 + (double)count) / (1.0 + CNN_SIGN_FLIP_DRAWS);
    return st;
}

cnn_status cnn_sign_flip_test(const double *x, const double *y, int n, uint64_t seed,
                              cnn_sign_flip *out)
{
    *out = (cnn_sign_flip){CNN_STAT_OK, NAN, NAN, false, 0};
    out->outcome = cnn_outcome_of_pairs(x, y, n, 1);
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    double tolerance = 0;
    double *d = differences(x, y, n, &tolerance);
    if (!d)
        return cnn_error_set(CNN_ENOMEM, "differences of %d pairs", n);
    const cnn_status st = flip(d, n, tolerance, seed, out);
    free(d);
    return st;
}

/* ---- two samples --------------------------------------------------------------------------- */

/** What the choices of `nx` of the values v [n] are counted by. */
typedef struct {
    const double *v;
    int n, nx;
    double total, bound; /* of |mean of the chosen - mean of the others| */
    int64_t as_large, all;
} choices;

static void count_choice(choices *c, double sum)
{
    const double difference = sum / c->nx - (c->total - sum) / (c->n - c->nx);
    c->as_large += fabs(difference) >= c->bound;
    c->all++;
}

/** Every choice of `wanted` more values from v[from..n). */
static void choose(choices *c, int from, int wanted, double sum)
{
    if (wanted == 0) {
        count_choice(c, sum);
        return;
    }
    for (int i = from; i <= c->n - wanted; i++)
        choose(c, i + 1, wanted - 1, sum + c->v[i]);
}

/** v [nx + ny]: scratch. */
static void permute(const double *x, int nx, const double *y, int ny, double *v, cnn_sign_flip *out)
{
    choices c = {.v = v, .n = nx + ny, .nx = nx};
    double size = 0, sum = 0;
    for (int i = 0; i < c.n; i++) {
        v[i] = i < nx ? x[i] : y[i - nx];
        size += fabs(v[i]);
        sum += i < nx ? v[i] : 0;
        c.total += v[i];
    }
    const double tolerance = 16 * DBL_EPSILON * size;
    out->difference = sum / nx - (c.total - sum) / ny;
    out->exact = true;
    c.bound = fabs(out->difference) - tolerance;
    if (c.bound <= 0) { /* no difference is smaller than none */
        out->p = 1;
        return;
    }
    choose(&c, 0, nx, 0);
    out->permutations = c.all;
    out->p = (double)c.as_large / (double)c.all;
}

cnn_status cnn_two_sample_permutation(const double *x, int nx, const double *y, int ny,
                                      cnn_sign_flip *out)
{
    cnn_status st = CNN_OK;
    double *v = NULL;
    *out = (cnn_sign_flip){CNN_STAT_OK, NAN, NAN, false, 0};
    if (!cnn_all_finite(x, nx) || !cnn_all_finite(y, ny))
        out->outcome = CNN_STAT_NOT_FINITE;
    else if (nx < 1 || ny < 1)
        out->outcome = CNN_STAT_TOO_FEW;
    else if (nx + ny > CNN_SIGN_FLIP_EXACT_PAIRS)
        out->outcome = CNN_STAT_DOMAIN;
    if (out->outcome != CNN_STAT_OK)
        goto done;
    v = malloc((size_t)(nx + ny) * sizeof *v);
    CNN_CHECK(v, CNN_ENOMEM, "permutations of %d values", nx + ny);
    permute(x, nx, y, ny, v, out);
done:
    free(v);
    return st;
}
