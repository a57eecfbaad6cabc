/* SPDX-License-Identifier: Apache-2.0 */
/* nn/step.h over the double-precision interpreter: the suite's second path when no backend is
 * there. */
#include "base/clock.h"
#include "nn/step.h"
#include "reference.h"

#include <stdlib.h>

struct cnn_step {
    cnn_network net;
    cnn_train train;
    ref_network *reference;
    float *x; /* [batch, in] */
    double *xd;
    int32_t *y; /* [batch] */
    cnn_metrics counts;
};

cnn_status cnn_step_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                           uint64_t seed, cnn_step **out)
{
    (void)ops;
    cnn_step *s = ref_alloc(1, sizeof *s);
    size_t batch = (size_t)train->batch_size, pixels = (size_t)cnn_shape_size(net->input);
    s->net = *net;
    s->train = *train;
    s->reference = ref_network_create(net, train, seed, train->batch_size);
    s->x = ref_alloc(batch * pixels, sizeof *s->x);
    s->xd = ref_alloc(batch * pixels, sizeof *s->xd);
    s->y = ref_alloc(batch, sizeof *s->y);
    *out = s;
    return CNN_OK;
}

void cnn_step_destroy(cnn_step **step)
{
    cnn_step *s = *step;
    if (!s)
        return;
    ref_network_destroy(&s->reference);
    free(s->x);
    free(s->xd);
    free(s->y);
    free(s);
    *step = NULL;
}

cnn_status cnn_step_reset(cnn_step *s, const float *parameters)
{
    ref_network_reset(s->reference, parameters);
    s->counts = (cnn_metrics){0};
    return CNN_OK;
}

static void round_values(const double *from, int64_t n, float *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

cnn_status cnn_step_parameters(cnn_step *s, float *parameters)
{
    round_values(ref_network_parameters(s->reference), s->net.parameter_total, parameters);
    return CNN_OK;
}

cnn_status cnn_step_gradients(cnn_step *s, float *gradients)
{
    round_values(ref_network_gradients(s->reference), s->net.parameter_total, gradients);
    return CNN_OK;
}

/* Fetches batch b in double precision; *n images. */
static cnn_status fetch(cnn_step *s, const cnn_feed *feed, int64_t b, int *n)
{
    cnn_status st = cnn_feed_batch(feed, s->train.batch_size, b, s->x, s->y, n);
    if (st != CNN_OK)
        return st;
    for (int64_t i = 0; i < *n * cnn_shape_size(s->net.input); i++)
        s->xd[i] = (double)s->x[i];
    return CNN_OK;
}

cnn_status cnn_step_differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    int n;
    cnn_status st = fetch(s, feed, b, &n);
    if (st == CNN_OK)
        *loss = ref_network_differentiate(s->reference, n, s->xd, s->y, NULL);
    return st;
}

cnn_status cnn_step_train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                          float *seconds)
{
    for (int64_t b = first; b < first + count; b++) {
        int n;
        double start = cnn_clock_monotonic();
        cnn_status st = fetch(s, feed, b, &n);
        if (st != CNN_OK)
            return st;
        s->counts.loss_sum +=
            n * ref_network_differentiate(s->reference, n, s->xd, s->y, &s->counts.errors);
        s->counts.images += n;
        ref_network_update(s->reference);
        if (seconds)
            seconds[b - first] = (float)(cnn_clock_monotonic() - start);
    }
    return CNN_OK;
}

cnn_status cnn_step_metrics(cnn_step *s, cnn_metrics *out)
{
    *out = s->counts;
    s->counts = (cnn_metrics){0};
    return CNN_OK;
}

cnn_status cnn_step_evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    *out = (cnn_metrics){0};
    for (int64_t b = 0; b < cnn_feed_batches(feed, s->train.batch_size); b++) {
        int n;
        cnn_status st = fetch(s, feed, b, &n);
        if (st != CNN_OK)
            return st;
        const double *logits = ref_network_forward(s->reference, n, false, s->xd);
        ref_loss(s->net.classes, n, logits, s->y, &out->loss_sum, &out->errors, NULL);
        out->images += n;
    }
    return CNN_OK;
}

void cnn_step_describe(const cnn_step *s, cnn_text *out)
{
    cnn_network_describe(&s->net, out);
    cnn_text_append(out, "interpreted in double precision\n");
}
