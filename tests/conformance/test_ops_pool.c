/* SPDX-License-Identifier: Apache-2.0 */
/* Pools against the double-precision reference, ties included. */
#include "reference.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double tolerance = 1e-6; /* sums of at most 25 values */

typedef struct {
    cnn_shape in;
    int window, stride;
    bool same;
    int batch, tail;
} pool_case;

static const pool_case cases[] = {
    {{28, 28, 16}, 2, 2, true, 4, 3},  {{14, 14, 32}, 2, 2, true, 4, 1},
    {{50, 50, 16}, 2, 2, true, 2, 1},  {{25, 25, 32}, 2, 2, true, 3, 2}, /* -> 13x13 */
    {{25, 25, 17}, 2, 2, false, 2, 1}, {{7, 9, 1}, 3, 3, true, 2, 1},
    {{9, 7, 3}, 3, 2, true, 2, 1},     {{8, 10, 5}, 3, 1, true, 2, 1},
    {{10, 8, 17}, 5, 2, false, 2, 1},  {{6, 6, 4}, 1, 2, true, 2, 1},
    {{5, 6, 16}, 2, 1, true, 2, 1},    {{2, 2, 3}, 2, 2, true, 5, 2},
};
enum { CASES = sizeof cases / sizeof cases[0] };

typedef struct {
    rig rig;
    cnn_layer layer;
    cnn_pool *pool;
} setup;

static void begin(setup *s, cnn_layer_kind kind, const pool_case *c)
{
    rig_open(&s->rig, c->batch, c->tail);
    snprintf(s->rig.context, sizeof s->rig.context, "%s %dx%dx%d, window %d, stride %d, %s",
             cnn_layer_kind_name(kind), c->in.h, c->in.w, c->in.c, c->window, c->stride,
             c->same ? "same" : "valid");
    s->layer = rig_layer(
        (cnn_layer){.kind = kind, .kernel = c->window, .stride = c->stride, .same = c->same},
        c->in);
    OK(cnn_pool_create(s->rig.ops, &s->layer, &s->pool));
}

static void end(setup *s)
{
    cnn_pool_destroy(&s->pool);
    assert_null(s->pool);
    rig_close(&s->rig);
}

/* Forward in training, forward in inference on other values, then backward: of the former. */
static void check(setup *s, int n, const double *x)
{
    rig *r = &s->rig;
    size_t in = (size_t)n * (size_t)cnn_shape_size(s->layer.in);
    size_t out = (size_t)n * (size_t)cnn_shape_size(s->layer.out);
    double *y = rig_zeros(r, out), *dx = rig_zeros(r, in), *dy = rig_random(r, 2, out, -1, 1);
    double *other = rig_random(r, 3, in, -1, 1), *other_y = rig_zeros(r, out);
    float *dev_x = rig_upload(r, x, in), *dev_y = rig_garbage(r, out);
    float *dev_dx = rig_garbage(r, in), *dev_other_y = rig_garbage(r, out);
    int32_t *argmax = calloc(out, sizeof *argmax);
    assert_non_null(argmax);

    OK(cnn_pool_forward(s->pool, n, true, dev_x, dev_y));
    OK(cnn_pool_forward(s->pool, n, false, rig_upload(r, other, in), dev_other_y));
    OK(cnn_pool_backward(s->pool, n, rig_upload(r, dy, out), dev_dx));
    ref_pool_forward(&s->layer, n, other, other_y, NULL);
    ref_pool_forward(&s->layer, n, x, y, argmax);
    ref_pool_backward(&s->layer, n, argmax, dy, dx);
    rig_compare(r, "y", y, dev_y, out, tolerance);
    rig_compare(r, "y in inference", other_y, dev_other_y, out, tolerance);
    rig_compare(r, "dx", dx, dev_dx, in, tolerance);
    free(argmax);
}

static void check_all(cnn_layer_kind kind, bool ties)
{
    for (int i = 0; i < CASES; i++) {
        setup s;
        begin(&s, kind, &cases[i]);
        size_t in = (size_t)cases[i].batch * (size_t)cnn_shape_size(s.layer.in);
        double *x = rig_random(&s.rig, 1, in, -1, 1);
        for (size_t k = 0; ties && k < in; k++)
            x[k] = floor(x[k] * 1.5); /* -2, -1, 0, 1: nearly every window has equal maxima */
        check(&s, cases[i].batch, x);
        if (cases[i].tail)
            check(&s, cases[i].tail, x);
        check(&s, cases[i].batch, x);
        end(&s);
    }
}

static void test_maxpool_agrees_with_reference(void **state)
{
    (void)state;
    check_all(CNN_LAYER_MAXPOOL, false);
}

static void test_maxpool_takes_first_of_equal_maxima(void **state)
{
    (void)state;
    check_all(CNN_LAYER_MAXPOOL, true);
}

static void test_avgpool_agrees_with_reference(void **state)
{
    (void)state;
    check_all(CNN_LAYER_AVGPOOL, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maxpool_agrees_with_reference),
        cmocka_unit_test(test_maxpool_takes_first_of_equal_maxima),
        cmocka_unit_test(test_avgpool_agrees_with_reference),
    };
    return cmocka_run_group_tests_name("ops: pools", tests, NULL, NULL);
}
