/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/internal.h"

#include <math.h>

static double value(const trial_run *run, trial_column column, int epoch)
{
    const cnn_epoch_row *row = &run->record.epochs[epoch];
    return column == TRAIN_LOSS ? row->epoch_train_loss : row->epoch_test_loss;
}

double trial_loss_difference(const trial_run *a, const trial_run *b, trial_column column,
                             int *epoch)
{
    double largest = -1;
    for (int e = 0; e < a->record.row.epochs_done && e < b->record.row.epochs_done; e++) {
        const double x = value(a, column, e), y = value(b, column, e);
        const double difference = isfinite(x) && isfinite(y) ? fabs(x - y) / fabs(y) : INFINITY;
        if (difference > largest) {
            largest = difference;
            *epoch = e;
        }
    }
    return largest < 0 ? INFINITY : largest;
}

/** Of one tensor. */
static double tensor_difference(const cnn_parameter *p, const float *initial, const float *a,
                                const float *b)
{
    double change = 0, difference = 0;
    for (int64_t i = p->offset; i < p->offset + p->size; i++) {
        change = fmax(change, fabs((double)b[i] - (double)initial[i]));
        if (!isfinite(a[i]))
            return INFINITY; /* fmax would leave NaN out */
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    return difference > 0 ? difference / change : 0;
}

double trial_weight_difference(const cnn_network *net, const float *initial, const trial_run *a,
                               const trial_run *reference, int *tensor)
{
    double largest = -1;
    if (a->weight_count != net->parameter_total || reference->weight_count != net->parameter_total)
        return INFINITY;
    for (int p = 0; p < net->parameter_count; p++) {
        const double difference =
            tensor_difference(&net->parameters[p], initial, a->weights, reference->weights);
        if (difference > largest) {
            largest = difference;
            *tensor = p;
        }
    }
    return largest;
}
