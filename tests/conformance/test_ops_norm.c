/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation over both axes against the double-precision reference. */
#include "reference.h"
#include "rig.h"

#include <stdio.h>

static const double tolerance = 1e-5; /* statistics over up to 80,000 values */

typedef struct {
    cnn_shape in;
    int batch, tail;
} norm_case;

static const norm_case cases[] = {
    {{28, 28, 64}, 4, 3}, {{14, 14, 16}, 4, 1}, {{25, 25, 16}, 2, 1}, {{50, 50, 64}, 2, 1},
    {{28, 28, 1}, 32, 5}, {{5, 9, 3}, 3, 2},    {{9, 5, 17}, 3, 1},   {{1, 1, 5}, 16, 7},
    {{7, 1, 1}, 16, 9},   {{6, 6, 32}, 32, 16},
};
enum { CASES = sizeof cases / sizeof cases[0] };
static const cnn_axis axes[] = {CNN_AXIS_CHANNELS, CNN_AXIS_HEIGHT};

typedef struct {
    rig rig;
    cnn_layer layer;
    cnn_batchnorm *norm;
    size_t k;                          /* statistics */
    double *gamma, *beta, *mean, *var; /* running statistics as the reference moves them */
    float *dev_gamma, *dev_beta, *dev_mean, *dev_var;
} setup;

static void begin(setup *s, const norm_case *c, cnn_axis axis)
{
    rig *r = &s->rig;
    rig_open(r, c->batch, c->tail);
    snprintf(r->context, sizeof r->context, "%dx%dx%d over %s", c->in.h, c->in.w, c->in.c,
             axis == CNN_AXIS_HEIGHT ? "height" : "channels");
    s->layer = rig_layer((cnn_layer){.kind = CNN_LAYER_BATCHNORM, .axis = axis}, c->in);
    OK(cnn_batchnorm_create(r->ops, &s->layer, &s->norm));
    s->k = (size_t)ref_norm_count(&s->layer);
    s->gamma = rig_random(r, 1, s->k, 0.5, 1.5);
    s->beta = rig_random(r, 2, s->k, -1, 1);
    s->mean = rig_random(r, 3, s->k, -1, 1);
    s->var = rig_random(r, 4, s->k, 0.5, 2);
    s->dev_gamma = rig_upload(r, s->gamma, s->k);
    s->dev_beta = rig_upload(r, s->beta, s->k);
    s->dev_mean = rig_upload(r, s->mean, s->k);
    s->dev_var = rig_upload(r, s->var, s->k);
}

static void end(setup *s)
{
    cnn_batchnorm_destroy(&s->norm);
    assert_null(s->norm);
    rig_close(&s->rig);
}

static void check_training(setup *s, int n)
{
    rig *r = &s->rig;
    size_t size = (size_t)n * (size_t)cnn_shape_size(s->layer.in), k = s->k;
    double *x = rig_random(r, 5, size, -1, 3), *dy = rig_random(r, 6, size, -1, 1);
    double *y = rig_zeros(r, size), *dx = rig_zeros(r, size);
    double *mean = rig_zeros(r, k), *var = rig_zeros(r, k);
    double *dgamma = rig_zeros(r, k), *dbeta = rig_zeros(r, k);
    float *dev_x = rig_upload(r, x, size), *dev_y = rig_garbage(r, size);
    float *dev_dx = rig_garbage(r, size);
    float *dev_dgamma = rig_garbage(r, k), *dev_dbeta = rig_garbage(r, k);

    OK(cnn_batchnorm_forward_training(s->norm, n, dev_x, s->dev_gamma, s->dev_beta, s->dev_mean,
                                      s->dev_var, dev_y));
    OK(cnn_batchnorm_backward(s->norm, n, dev_x, rig_upload(r, dy, size), s->dev_gamma, dev_dx,
                              dev_dgamma, dev_dbeta));
    ref_norm_forward_training(&s->layer, n, x, s->gamma, s->beta, s->mean, s->var, mean, var, y);
    ref_norm_backward(&s->layer, n, x, dy, s->gamma, mean, var, dx, dgamma, dbeta);
    rig_compare(r, "y", y, dev_y, size, tolerance);
    rig_compare(r, "running mean", s->mean, s->dev_mean, k, tolerance);
    rig_compare(r, "running variance", s->var, s->dev_var, k, tolerance);
    rig_compare(r, "dx", dx, dev_dx, size, tolerance);
    rig_compare(r, "dgamma", dgamma, dev_dgamma, k, tolerance);
    rig_compare(r, "dbeta", dbeta, dev_dbeta, k, tolerance);
}

/* Running statistics that start at zero show the batch's own, whose sums are long: of ReLU's
 * outputs, so that the mean is far from zero. */
static void check_statistics(cnn_shape in, int n, cnn_axis axis)
{
    setup s;
    begin(&s, &(norm_case){in, n, 0}, axis);
    rig *r = &s.rig;
    size_t size = (size_t)n * (size_t)cnn_shape_size(in);
    double *x = rig_random(r, 8, size, -1, 1), *y = rig_zeros(r, size);
    double *mean = rig_zeros(r, s.k), *var = rig_zeros(r, s.k);
    double *running_mean = rig_zeros(r, s.k), *running_var = rig_zeros(r, s.k);
    ref_relu_forward(size, x, x);
    float *dev_mean = rig_upload(r, mean, s.k), *dev_var = rig_upload(r, var, s.k);
    OK(cnn_batchnorm_forward_training(s.norm, n, rig_upload(r, x, size), s.dev_gamma, s.dev_beta,
                                      dev_mean, dev_var, rig_garbage(r, size)));
    ref_norm_forward_training(&s.layer, n, x, s.gamma, s.beta, running_mean, running_var, mean, var,
                              y);
    rig_compare(r, "batch mean", running_mean, dev_mean, s.k, tolerance);
    rig_compare(r, "batch variance", running_var, dev_var, s.k, tolerance);
    end(&s);
}

static void test_statistics_keep_their_digits_over_long_sums(void **state)
{
    (void)state;
    check_statistics((cnn_shape){28, 28, 64}, 32, CNN_AXIS_HEIGHT);
    check_statistics((cnn_shape){14, 14, 16}, 32, CNN_AXIS_HEIGHT);
    check_statistics((cnn_shape){50, 50, 64}, 32, CNN_AXIS_CHANNELS);
    check_statistics((cnn_shape){25, 25, 16}, 32, CNN_AXIS_CHANNELS);
}

static void check_inference(setup *s, int n)
{
    rig *r = &s->rig;
    size_t size = (size_t)n * (size_t)cnn_shape_size(s->layer.in);
    double *x = rig_random(r, 7, size, -2, 2), *y = rig_zeros(r, size);
    float *dev_y = rig_garbage(r, size);
    OK(cnn_batchnorm_forward_inference(s->norm, n, rig_upload(r, x, size), s->dev_gamma,
                                       s->dev_beta, s->dev_mean, s->dev_var, dev_y));
    ref_norm_forward_inference(&s->layer, n, x, s->gamma, s->beta, s->mean, s->var, y);
    rig_compare(r, "y in inference", y, dev_y, size, tolerance);
    rig_compare(r, "running mean after inference", s->mean, s->dev_mean, s->k, tolerance);
}

static void for_all_cases(void (*check)(setup *, int))
{
    for (int i = 0; i < 2 * CASES; i++) {
        const norm_case *c = &cases[i / 2];
        setup s;
        begin(&s, c, axes[i % 2]);
        check(&s, c->batch);
        if (c->tail)
            check(&s, c->tail);
        check(&s, c->batch);
        end(&s);
    }
}

static void test_training_agrees_with_reference(void **state)
{
    (void)state;
    for_all_cases(check_training);
}

static void test_inference_uses_running_statistics(void **state)
{
    (void)state;
    for_all_cases(check_inference);
}

static void test_constant_input_gives_beta(void **state)
{
    (void)state;
    const int n = 3;
    setup s;
    begin(&s, &(norm_case){{4, 5, 6}, n, 0}, CNN_AXIS_CHANNELS);
    size_t size = (size_t)n * 4 * 5 * 6;
    double *x = rig_zeros(&s.rig, size), *y = rig_zeros(&s.rig, size);
    for (size_t i = 0; i < size; i++) {
        x[i] = 0.75;
        y[i] = s.beta[i % 6];
    }
    float *dev_y = rig_garbage(&s.rig, size);
    OK(cnn_batchnorm_forward_training(s.norm, n, rig_upload(&s.rig, x, size), s.dev_gamma,
                                      s.dev_beta, s.dev_mean, s.dev_var, dev_y));
    rig_compare(&s.rig, "y", y, dev_y, size, tolerance);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_agrees_with_reference),
        cmocka_unit_test(test_statistics_keep_their_digits_over_long_sums),
        cmocka_unit_test(test_inference_uses_running_statistics),
        cmocka_unit_test(test_constant_input_gives_beta),
    };
    return cmocka_run_group_tests_name("ops: batchnorm", tests, NULL, NULL);
}
