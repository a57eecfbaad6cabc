/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/multiple.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    double p;
    int index;
} member;

static int by_p(const void *a, const void *b)
{
    const member *x = a, *y = b;
    return x->p != y->p ? (x->p > y->p) - (x->p < y->p)
                        : (x->index > y->index) - (x->index < y->index);
}

cnn_status cnn_holm(const double *p, int n, double *adjusted, int *left_out)
{
    cnn_status st = CNN_OK;
    int count = 0;
    member *family = malloc(((size_t)n + 1) * sizeof *family);
    CNN_CHECK(family, CNN_ENOMEM, "a family of %d tests", n);
    for (int i = 0; i < n; i++) {
        if (!isnan(p[i]))
            family[count++] = (member){p[i], i};
        adjusted[i] = p[i];
    }
    qsort(family, (size_t)count, sizeof *family, by_p);
    double before = 0;
    for (int k = 0; k < count; k++) {
        before = fmax(before, fmin(1, (count - k) * family[k].p));
        adjusted[family[k].index] = before;
    }
    if (left_out)
        *left_out = n - count;
done:
    free(family);
    return st;
}
