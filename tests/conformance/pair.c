/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "base/philox.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- pictures ------------------------------------------------------------------------------ */

picture_set pictures_synthetic(cnn_shape shape, int classes, int count)
{
    picture_set p = {.shape = shape, .classes = classes, .count = count};
    int64_t pixels = cnn_shape_size(shape);
    p.x = ref_alloc((size_t)count * (size_t)pixels, sizeof *p.x);
    p.labels = ref_alloc((size_t)count, sizeof *p.labels);
    for (int i = 0; i < count; i++) {
        p.labels[i] = i % classes;
        for (int64_t k = 0; k < pixels; k++) {
            uint32_t word = cnn_random_word(7, CNN_RANDOM_SYNTHETIC, (uint32_t)i, (uint64_t)k);
            double wave = sin(0.05 * (double)k * (1 + p.labels[i]) + 0.3 * i);
            p.x[i * pixels + k] = (float)(0.5 + 0.3 * wave + 0.2 * (cnn_random_unit(word) - 0.5));
        }
    }
    return p;
}

void pictures_free(picture_set *p)
{
    free(p->x);
    free(p->labels);
    *p = (picture_set){0};
}

/* ---- pairs --------------------------------------------------------------------------------- */

void pair_open(pair *p, const cnn_network *net, const cnn_train *train, uint64_t seed,
               const picture_set *pictures)
{
    memset(p, 0, sizeof *p);
    p->net = *net;
    p->train = *train;
    p->pictures = pictures;
    OK(cnn_network_infer(&p->net, pictures->shape, pictures->classes));
    rig_open(&p->rig, train->batch_size, pictures->count % train->batch_size);
    snprintf(p->rig.context, sizeof p->rig.context, "%s at %dx%dx%d", net->name, pictures->shape.h,
             pictures->shape.w, pictures->shape.c);
    OK(cnn_feed_create(p->rig.ops, pictures->shape, pictures->count, CNN_PIXEL_F32, 1, pictures->x,
                       pictures->labels, &p->feed));
    p->x = ref_alloc((size_t)train->batch_size * (size_t)cnn_shape_size(pictures->shape),
                     sizeof *p->x);
    p->values = ref_alloc((size_t)p->net.parameter_total, sizeof *p->values);
    p->start = ref_alloc((size_t)p->net.parameter_total, sizeof *p->start);
    cnn_network_draw(&p->net, seed, p->start);
    p->reference = ref_network_create(&p->net, train, seed, train->batch_size);
    ref_network_reset(p->reference, p->start);
    for (int path = 0; path < 2; path++)
        OK(cnn_model_create(p->rig.ops, &p->net, train, (cnn_path)path, seed, &p->model[path]));
}

void pair_close(pair *p)
{
    for (int path = 0; path < 2; path++)
        cnn_model_destroy(&p->model[path]);
    ref_network_destroy(&p->reference);
    cnn_feed_destroy(&p->feed);
    free(p->x);
    free(p->values);
    free(p->start);
    rig_close(&p->rig);
}

int pair_batch(pair *p, int64_t b, const int32_t **labels)
{
    int64_t first = b * p->train.batch_size, left = p->pictures->count - first;
    int64_t pixels = cnn_shape_size(p->net.input);
    int n = left < p->train.batch_size ? (int)left : p->train.batch_size;
    assert_true(n > 0);
    for (int64_t i = 0; i < n * pixels; i++)
        p->x[i] = (double)p->pictures->x[first * pixels + i];
    *labels = p->pictures->labels + first;
    return n;
}

double pair_differentiate_reference(pair *p, int64_t b)
{
    const int32_t *labels;
    int n = pair_batch(p, b, &labels);
    return ref_network_differentiate(p->reference, n, p->x, labels, NULL);
}

void pair_share_parameters(pair *p)
{
    double *parameters = ref_network_parameters(p->reference);
    for (int64_t i = 0; i < p->net.parameter_total; i++) {
        p->values[i] = (float)parameters[i];
        parameters[i] = (double)p->values[i];
    }
    for (int path = 0; path < 2; path++)
        OK(cnn_model_reset(p->model[path], p->values));
}

/* p->values against expected, each tensor by its own largest value. */
static void compare_tensors(pair *p, cnn_path path, const char *what, const double *expected,
                            double tolerance)
{
    for (int t = 0; t < p->net.parameter_count; t++) {
        const cnn_parameter *q = &p->net.parameters[t];
        char name[96];
        snprintf(name, sizeof name, "%s, %s of tensor %d (layer %d, %s)", cnn_path_names[path],
                 what, t, q->layer + 1, cnn_layer_kind_name(p->net.layers[q->layer].kind));
        rig_compare_host(&p->rig, name, expected + q->offset, p->values + q->offset,
                         (size_t)q->size, tolerance);
    }
}

void pair_compare_gradients(pair *p, cnn_path path, double tolerance)
{
    OK(cnn_model_gradients(p->model[path], p->values));
    compare_tensors(p, path, "gradients", ref_network_gradients(p->reference), tolerance);
}

void pair_compare_parameters(pair *p, cnn_path path, double tolerance)
{
    OK(cnn_model_parameters(p->model[path], p->values));
    compare_tensors(p, path, "parameters", ref_network_parameters(p->reference), tolerance);
}

/* max |a - b| / max |b| over a tensor */
static double distance(const double *a, const double *b, int64_t n)
{
    double largest = FLT_MIN, apart = 0;
    for (int64_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(b[i]));
        apart = fmax(apart, fabs(a[i] - b[i]));
        if (isnan(a[i]))
            return INFINITY;
    }
    return apart / largest;
}

static void distances(const cnn_network *net, const double *a, const double *b, double *out)
{
    for (int t = 0; t < net->parameter_count; t++) {
        const cnn_parameter *q = &net->parameters[t];
        out[t] = fmax(out[t], distance(a + q->offset, b + q->offset, q->size));
    }
}

void pair_gradient_errors(pair *p, cnn_path path, double *errors)
{
    size_t total = (size_t)p->net.parameter_total;
    double *values = ref_alloc(total, sizeof *values);
    OK(cnn_model_gradients(p->model[path], p->values));
    for (size_t i = 0; i < total; i++)
        values[i] = (double)p->values[i];
    memset(errors, 0, (size_t)p->net.parameter_count * sizeof *errors);
    distances(&p->net, values, ref_network_gradients(p->reference), errors);
    free(values);
}

void pair_gradient_spread(pair *p, int64_t b, double *spread)
{
    enum { REPEATS = 6 };
    const size_t size = (size_t)p->net.parameter_total * sizeof(double);
    double *gradients = ref_alloc(1, size);
    memcpy(gradients, ref_network_gradients(p->reference), size);
    memset(spread, 0, (size_t)p->net.parameter_count * sizeof *spread);
    const double units = p->rig.precision == CNN_PRECISION_TF32 ? 2 : 16;
    for (uint32_t r = 1; r <= REPEATS; r++) {
        ref_network_jitter(p->reference, units * rig_unit(&p->rig), r);
        pair_differentiate_reference(p, b);
        distances(&p->net, ref_network_gradients(p->reference), gradients, spread);
    }
    ref_network_jitter(p->reference, 0, 0);
    pair_differentiate_reference(p, b);
    free(gradients);
}

double pair_training_loss(pair *p, cnn_path path)
{
    cnn_metrics counts;
    OK(cnn_model_metrics(p->model[path], &counts));
    assert_true(counts.images > 0);
    return counts.loss_sum / (double)counts.images;
}
