/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/seed_means.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

cnn_seed_value cnn_seed_value_of(const cnn_groups *g, int run, cnn_measure measure)
{
    const cnn_results *r = g->results;
    return (cnn_seed_value){r->planned[run].seed, r->measured[run].weight_checksum,
                            cnn_groups_value(g, run, measure), run};
}

static int by_seed_and_checksum(const void *a, const void *b)
{
    const cnn_seed_value *x = a, *y = b;
    if (x->seed != y->seed)
        return x->seed < y->seed ? -1 : 1;
    const int checksum = strcmp(x->checksum, y->checksum);
    return checksum ? checksum : (x->run > y->run) - (x->run < y->run);
}

static bool same_weights(const cnn_seed_value *a, const cnn_seed_value *b)
{
    return *a->checksum && !strcmp(a->checksum, b->checksum);
}

/** Values [n] of one seed, by checksum: the mean over different weights. */
static cnn_seed_value mean_of_seed(const cnn_seed_value *v, int n)
{
    cnn_seed_value mean = v[0];
    double sum = 0;
    int weights = 0;
    for (int first = 0, end; first < n; first = end) {
        double same = v[first].value;
        for (end = first + 1; end < n && same_weights(&v[end], &v[first]); end++)
            same += v[end].value;
        sum += same / (end - first);
        weights++;
    }
    mean.value = sum / weights;
    if (weights > 1)
        mean.checksum = "";
    for (int i = 0; i < n; i++)
        mean.run = v[i].run < mean.run ? v[i].run : mean.run;
    return mean;
}

int cnn_seed_means(cnn_seed_value *values, int n)
{
    int seeds = 0;
    qsort(values, (size_t)n, sizeof *values, by_seed_and_checksum);
    for (int first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && values[end].seed == values[first].seed;)
            end++;
        values[seeds++] = mean_of_seed(values + first, end - first);
    }
    return seeds;
}
