/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions against the double-precision reference. */
#include "reference.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Relative to the largest value: sums of up to 3,200 products, each rounded to 24 bits. */
static const double tolerance = 1e-5;

typedef struct {
    cnn_shape in;
    int filters, kernel, stride;
    bool same;
    int batch, tail;
} conv_case;

static const conv_case cases[] = {
    {{28, 28, 1}, 16, 5, 1, true, 4, 3},   {{14, 14, 16}, 32, 5, 1, true, 4, 1},
    {{50, 50, 3}, 16, 5, 1, true, 2, 1},   {{25, 25, 16}, 32, 5, 1, true, 2, 1},
    {{28, 28, 128}, 64, 5, 1, true, 2, 1}, {{25, 25, 64}, 32, 5, 1, true, 1, 0},
    {{14, 14, 32}, 16, 5, 1, true, 3, 2},  {{9, 11, 1}, 1, 3, 1, true, 2, 1},
    {{9, 11, 3}, 5, 3, 1, false, 3, 2},    {{12, 7, 5}, 17, 3, 2, true, 2, 1},
    {{13, 13, 17}, 3, 4, 1, true, 2, 1},   {{13, 10, 16}, 17, 5, 2, false, 5, 2},
    {{8, 8, 3}, 16, 1, 1, true, 2, 1},     {{7, 7, 17}, 5, 2, 3, true, 2, 1},
    {{5, 5, 3}, 4, 5, 1, false, 2, 1},     {{3, 3, 2}, 3, 5, 1, true, 2, 1},
};
enum { CASES = sizeof cases / sizeof cases[0] };

typedef struct {
    rig rig;
    cnn_layer layer;
    cnn_conv2d *conv;
    size_t in, out, weights, bias; /* values: of an image, of the parameters */
    double *w, *b;                 /* canonical */
    float *device_w, *device_b;
} setup;

static void begin(setup *s, const conv_case *c, bool input_gradient)
{
    rig *r = &s->rig;
    rig_open(r, c->batch, c->tail);
    snprintf(r->context, sizeof r->context, "%dx%dx%d, %d filters, kernel %d, stride %d, %s",
             c->in.h, c->in.w, c->in.c, c->filters, c->kernel, c->stride,
             c->same ? "same" : "valid");
    s->layer = rig_layer((cnn_layer){.kind = CNN_LAYER_CONV2D,
                                     .filters = c->filters,
                                     .kernel = c->kernel,
                                     .stride = c->stride,
                                     .same = c->same},
                         c->in);
    s->in = (size_t)cnn_shape_size(s->layer.in);
    s->out = (size_t)cnn_shape_size(s->layer.out);
    s->bias = (size_t)c->filters;
    s->weights = (size_t)s->layer.parameters - s->bias;
    OK(cnn_conv2d_create(r->ops, &s->layer, input_gradient, &s->conv));
    assert_true(cnn_conv2d_weights_size(s->conv) >= s->weights);
    s->w = rig_random(r, 1, s->weights, -0.3, 0.3);
    s->b = rig_random(r, 2, s->bias, -0.5, 0.5);
    s->device_w = rig_upload(r, rig_zeros(r, cnn_conv2d_weights_size(s->conv)),
                             cnn_conv2d_weights_size(s->conv));
    s->device_b = rig_upload(r, s->b, s->bias);
    float *oihw = calloc(s->weights, sizeof *oihw);
    assert_non_null(oihw);
    for (size_t i = 0; i < s->weights; i++)
        oihw[i] = (float)s->w[i];
    OK(cnn_conv2d_import(s->conv, oihw, s->device_w));
    free(oihw);
}

static void end(setup *s)
{
    cnn_conv2d_destroy(&s->conv);
    assert_null(s->conv);
    rig_close(&s->rig);
}

static void compare_exported(setup *s, const char *what, const double *expected,
                             const float *device)
{
    float *oihw = calloc(s->weights, sizeof *oihw);
    assert_non_null(oihw);
    OK(cnn_ops_sync(s->rig.ops));
    OK(cnn_conv2d_export(s->conv, device, oihw));
    rig_compare_host(&s->rig, what, expected, oihw, s->weights, tolerance);
    free(oihw);
}

/* Values that a layout adds to the canonical ones must be zero: then the sums agree. */
static void compare_padding(setup *s, const char *what, const double *expected, const float *device)
{
    size_t size = cnn_conv2d_weights_size(s->conv);
    double sum = 0;
    float *values = calloc(size, sizeof *values);
    assert_non_null(values);
    rig_download(&s->rig, device, size, values);
    for (size_t i = 0; i < size; i++)
        sum += fabs((double)values[i]);
    for (size_t i = 0; i < s->weights; i++)
        sum -= fabs(expected[i]);
    if (!(fabs(sum) < 1e-4 * (double)s->weights))
        fail_msg("%s: %s: the padding of the layout holds %g", s->rig.context, what, sum);
    free(values);
}

static void check_forward(setup *s, int n)
{
    size_t count = (size_t)n;
    double *x = rig_random(&s->rig, 3, count * s->in, -1, 1);
    double *y = rig_zeros(&s->rig, count * s->out);
    float *device_y = rig_garbage(&s->rig, count * s->out);
    OK(cnn_conv2d_forward(s->conv, n, rig_upload(&s->rig, x, count * s->in), s->device_w,
                          s->device_b, device_y));
    ref_conv_forward(&s->layer, n, x, s->w, s->b, y);
    rig_compare(&s->rig, "y", y, device_y, count * s->out, tolerance);
}

static void check_backward_data(setup *s, int n)
{
    size_t count = (size_t)n;
    double *dy = rig_random(&s->rig, 4, count * s->out, -1, 1);
    double *dx = rig_zeros(&s->rig, count * s->in);
    float *device_dx = rig_garbage(&s->rig, count * s->in);
    OK(cnn_conv2d_backward_data(s->conv, n, rig_upload(&s->rig, dy, count * s->out), s->device_w,
                                device_dx));
    ref_conv_backward_data(&s->layer, n, dy, s->w, dx);
    rig_compare(&s->rig, "dx", dx, device_dx, count * s->in, tolerance);
}

static void check_backward_weights(setup *s, int n)
{
    size_t count = (size_t)n, size = cnn_conv2d_weights_size(s->conv);
    double *x = rig_random(&s->rig, 5, count * s->in, -1, 1);
    double *dy = rig_random(&s->rig, 6, count * s->out, -1, 1);
    double *dw = rig_zeros(&s->rig, s->weights), *db = rig_zeros(&s->rig, s->bias);
    float *device_dw = rig_garbage(&s->rig, size), *device_db = rig_garbage(&s->rig, s->bias);
    OK(cnn_conv2d_backward_weights(s->conv, n, rig_upload(&s->rig, x, count * s->in),
                                   rig_upload(&s->rig, dy, count * s->out), device_dw, device_db));
    ref_conv_backward_weights(&s->layer, n, x, dy, dw, db);
    compare_exported(s, "dweights", dw, device_dw);
    compare_padding(s, "weights", s->w, s->device_w);
    compare_padding(s, "dweights", dw, device_dw);
    rig_compare(&s->rig, "dbias", db, device_db, s->bias, tolerance);
}

/* Runs a check on every case with its batch, its tail and the batch again. */
static void for_all_cases(void (*check)(setup *, int))
{
    for (int i = 0; i < CASES; i++) {
        setup s;
        begin(&s, &cases[i], true);
        check(&s, cases[i].batch);
        if (cases[i].tail)
            check(&s, cases[i].tail);
        check(&s, cases[i].batch);
        end(&s);
    }
}

static void test_forward_agrees_with_reference(void **state)
{
    (void)state;
    for_all_cases(check_forward);
}

static void test_backward_data_agrees_with_reference(void **state)
{
    (void)state;
    for_all_cases(check_backward_data);
}

static void test_backward_weights_agree_with_reference(void **state)
{
    (void)state;
    for_all_cases(check_backward_weights);
}

static void test_first_layer_works_without_input_gradient(void **state)
{
    (void)state;
    setup s;
    begin(&s, &cases[0], false);
    check_forward(&s, cases[0].batch);
    check_backward_weights(&s, cases[0].tail);
    end(&s);
}

static void test_export_returns_imported_weights(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        setup s;
        begin(&s, &cases[i], true);
        float *oihw = calloc(s.weights, sizeof *oihw);
        assert_non_null(oihw);
        OK(cnn_conv2d_export(s.conv, s.device_w, oihw));
        for (size_t k = 0; k < s.weights; k++)
            assert_true((double)oihw[k] == s.w[k]);
        free(oihw);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_agrees_with_reference),
        cmocka_unit_test(test_backward_data_agrees_with_reference),
        cmocka_unit_test(test_backward_weights_agree_with_reference),
        cmocka_unit_test(test_first_layer_works_without_input_gradient),
        cmocka_unit_test(test_export_returns_imported_weights),
    };
    return cmocka_run_group_tests_name("ops: conv2d", tests, NULL, NULL);
}
