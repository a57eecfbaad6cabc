#include "data/split.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>

static int count_test(double test_fraction, int n)
{
    return (int)floor(test_fraction * n + 0.5);
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

/** Distributes `test` images over classes of sizes [classes] by largest remainder: quota [classes].
 */
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
    CNN_CHECK(sizes && quota && order, CNN_ENOMEM, "split of %d images", n);
    CNN_CHECK(test_fraction > 0 && test_fraction < 1, CNN_EDATA,
              "test_fraction is %g; it must be above 0 and below 1", test_fraction);
    int test = count_test(test_fraction, n);
    CNN_CHECK(test > 0 && test<n, CNN_EDATA,
                               "test_fraction %g of %d images leaves none %s; choose another one",
                               test_fraction, n, test> 0
                  ? "for training"
                  : "for testing");
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
