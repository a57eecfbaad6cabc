/* SPDX-License-Identifier: Apache-2.0 */
#include "data/split.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>

static cnn_status count_test(double test_fraction, int n, int *out)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(test_fraction > 0 && test_fraction < 1, CNN_EDATA,
              "test_fraction is %g; it must be above 0 and below 1", test_fraction);
    *out = (int)floor(test_fraction * n + 0.5);
    CNN_CHECK(*out > 0 &&
                      *out<n, CNN_EDATA,
                           "test_fraction %g of %d images leaves none for %s; choose another one",
                           test_fraction, n, *out> 0
                  ? "training"
                  : "testing");
done:
    return st;
}

/** A class and what the division of T left over, to be sorted. */
typedef struct {
    int64_t remainder;
    int class;
} leftover;

static int by_remainder(const void *a, const void *b)
{
    const leftover *x = a, *y = b;
    if (x->remainder != y->remainder)
        return x->remainder < y->remainder ? 1 : -1;
    return (x->class > y->class) - (x->class < y->class);
}

/** Distributes `test` images over classes of sizes [classes] by largest remainder: quota
 *  [classes]. */
static cnn_status distribute(int test, int n, const int *sizes, int classes, int *quota)
{
    cnn_status st = CNN_OK;
    int rest = test;
    leftover *left = calloc((size_t)classes, sizeof *left);
    CNN_CHECK(left, CNN_ENOMEM, "split of %d classes", classes);
    for (int c = 0; c < classes; c++) {
        int64_t share = (int64_t)test * sizes[c];
        quota[c] = (int)(share / n);
        left[c] = (leftover){.remainder = share % n, .class = c};
        rest -= quota[c];
    }
    qsort(left, (size_t)classes, sizeof *left, by_remainder);
    for (int i = 0; i < rest; i++)
        quota[left[i].class]++;
done:
    free(left);
    return st;
}

cnn_status cnn_split_stratified(uint64_t seed, double test_fraction, int n, const int32_t *labels,
                                int classes, bool *is_test, int *test_count)
{
    cnn_status st = CNN_OK;
    int *sizes = calloc((size_t)classes, sizeof *sizes);
    int *quota = calloc((size_t)classes, sizeof *quota);
    int32_t *order = calloc((size_t)n, sizeof *order);
    int test = 0;
    CNN_CHECK(sizes && quota && order, CNN_ENOMEM, "split of %d images", n);
    CNN_TRY(count_test(test_fraction, n, &test));
    for (int i = 0; i < n; i++)
        sizes[labels[i]]++;
    CNN_TRY(distribute(test, n, sizes, classes, quota));
    CNN_TRY(cnn_random_order(seed, CNN_RANDOM_SPLIT, CNN_SPLIT_TEST, n, order));
    for (int i = 0; i < n; i++)
        is_test[order[i]] = quota[labels[order[i]]]-- > 0;
    *test_count = test;
done:
    free(order);
    free(quota);
    free(sizes);
    return st;
}

/* ---- by groups: which numbers of images can be made from sets of groups --------------------- */

enum { WORD = 64 };

/** Numbers of images from 0 to most. */
typedef struct {
    int most;
    uint64_t *made;  /* bit s: s can be made */
    int32_t *by;     /* [most + 1] the group that made it first, on top of what was there */
    const int *size; /* [groups] */
} sums;

/** Adds a group to every number that was there before. */
static void add_group(sums *s, int32_t group)
{
    const size_t skip = (size_t)s->size[group] / WORD;
    const int bits = s->size[group] % WORD;
    /* From above, so that what a word is made of is still as it was before this group. */
    for (size_t w = (size_t)s->most / WORD + 1; w-- > skip;) {
        uint64_t moved = s->made[w - skip] << bits;
        if (bits && w > skip)
            moved |= s->made[w - skip - 1] >> (WORD - bits);
        uint64_t fresh = moved & ~s->made[w];
        s->made[w] |= fresh;
        for (; fresh; fresh &= fresh - 1) {
            size_t sum = w * WORD + (size_t)__builtin_ctzll(fresh);
            if (sum <= (size_t)s->most)
                s->by[sum] = group;
        }
    }
}

static bool is_made(const sums *s, int sum)
{
    return sum > 0 && sum <= s->most && s->made[sum / WORD] >> (sum % WORD) & 1;
}

/** The number nearest to `test` that can be made; a group alone can, so there is one. */
static int nearest(const sums *s, int test)
{
    for (int d = 0;; d++) {
        if (is_made(s, test - d))
            return test - d;
        if (is_made(s, test + d))
            return test + d;
    }
}

static cnn_status choose_groups(uint64_t seed, int test, sums *s, int groups, bool *chosen)
{
    cnn_status st = CNN_OK;
    int32_t *order = calloc((size_t)groups, sizeof *order);
    s->made = calloc((size_t)s->most / WORD + 1, sizeof *s->made);
    s->by = calloc((size_t)s->most + 1, sizeof *s->by);
    CNN_CHECK(order && s->made && s->by, CNN_ENOMEM, "split of %d groups", groups);
    CNN_TRY(cnn_random_order(seed, CNN_RANDOM_SPLIT, CNN_SPLIT_GROUPS, groups, order));
    s->made[0] = 1;
    for (int i = 0; i < groups && !is_made(s, test); i++)
        add_group(s, order[i]);
    for (int left = nearest(s, test); left > 0; left -= s->size[s->by[left]])
        chosen[s->by[left]] = true;
done:
    free(s->by);
    free(s->made);
    free(order);
    return st;
}

cnn_status cnn_split_grouped(uint64_t seed, double test_fraction, int n, const int32_t *group,
                             int groups, bool *is_test, int *test_count, int *test_groups)
{
    cnn_status st = CNN_OK;
    int test = 0, *size = calloc((size_t)groups, sizeof *size);
    bool *chosen = calloc((size_t)groups, sizeof *chosen);
    sums s = {.most = n - 1, .size = size};
    CNN_CHECK(size && chosen, CNN_ENOMEM, "split of %d groups", groups);
    CNN_TRY(count_test(test_fraction, n, &test));
    CNN_CHECK(groups > 1, CNN_EDATA,
              "all images are of one patient, so that they cannot be "
              "divided by patients");
    for (int i = 0; i < n; i++)
        size[group[i]]++;
    CNN_TRY(choose_groups(seed, test, &s, groups, chosen));
    *test_count = *test_groups = 0;
    for (int i = 0; i < n; i++) {
        is_test[i] = chosen[group[i]];
        *test_count += is_test[i];
    }
    for (int g = 0; g < groups; g++)
        *test_groups += chosen[g];
done:
    free(chosen);
    free(size);
    return st;
}
