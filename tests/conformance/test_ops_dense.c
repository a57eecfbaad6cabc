/* SPDX-License-Identifier: Apache-2.0 */
/* Dense layers against the double-precision reference. */
#include "reference.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

static const double tolerance = 1e-5; /* sums of up to 5,408 products */

typedef struct {
    cnn_shape in;
    int units, batch, tail;
} dense_case;

static const dense_case cases[] = {
    {{7, 7, 32}, 10, 32, 16}, {{13, 13, 32}, 2, 32, 22}, {{7, 7, 16}, 10, 5, 1},
    {{1, 1, 17}, 3, 4, 3},    {{1, 5, 1}, 1, 2, 1},      {{3, 2, 5}, 17, 3, 2},
    {{1, 1, 1}, 2, 1, 0},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* Everything of one layer at one batch size. */
static void check_batch(rig *r, const cnn_layer *layer, cnn_dense *dense, int n)
{
    const size_t in = (size_t)n * (size_t)cnn_shape_size(layer->in);
    const size_t out = (size_t)n * (size_t)layer->out.c, bias = (size_t)layer->out.c;
    const size_t weights = (size_t)layer->parameters - bias, size = cnn_dense_weights_size(dense);
    assert_true(size >= weights);
    double *x = rig_random(r, 1, in, -1, 1), *dy = rig_random(r, 2, out, -1, 1);
    double *w = rig_random(r, 3, weights, -0.3, 0.3), *b = rig_random(r, 4, bias, -1, 1);
    double *y = rig_zeros(r, out), *dx = rig_zeros(r, in);
    double *dw = rig_zeros(r, weights), *db = rig_zeros(r, bias);
    float *canonical = calloc(weights, sizeof *canonical);
    assert_non_null(canonical);

    float *dev_x = rig_upload(r, x, in), *dev_dy = rig_upload(r, dy, out);
    float *dev_w = rig_upload(r, rig_zeros(r, size), size), *dev_b = rig_upload(r, b, bias);
    float *dev_y = rig_garbage(r, out), *dev_dx = rig_garbage(r, in);
    float *dev_dw = rig_garbage(r, size), *dev_db = rig_garbage(r, bias);
    for (size_t i = 0; i < weights; i++)
        canonical[i] = (float)w[i];
    OK(cnn_dense_import(dense, canonical, dev_w));
    OK(cnn_dense_forward(dense, n, dev_x, dev_w, dev_b, dev_y));
    OK(cnn_dense_backward_data(dense, n, dev_dy, dev_w, dev_dx));
    OK(cnn_dense_backward_weights(dense, n, dev_x, dev_dy, dev_dw, dev_db));
    OK(cnn_ops_sync(r->ops));

    ref_conv_forward(layer, n, x, w, b, y);
    ref_conv_backward_data(layer, n, dy, w, dx);
    ref_conv_backward_weights(layer, n, x, dy, dw, db);
    rig_compare(r, "y", y, dev_y, out, tolerance);
    rig_compare(r, "dx", dx, dev_dx, in, tolerance);
    rig_compare(r, "dbias", db, dev_db, bias, tolerance);
    OK(cnn_dense_export(dense, dev_dw, canonical));
    rig_compare_host(r, "dweights", dw, canonical, weights, tolerance);
    OK(cnn_dense_export(dense, dev_w, canonical));
    rig_compare_host(r, "weights", w, canonical, weights, 0);
    free(canonical);
}

static void test_dense_agrees_with_reference(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const dense_case *c = &cases[i];
        rig r;
        cnn_dense *dense = NULL;
        rig_open(&r, c->batch, c->tail);
        snprintf(r.context, sizeof r.context, "dense %dx%dx%d -> %d", c->in.h, c->in.w, c->in.c,
                 c->units);
        cnn_layer layer = rig_layer((cnn_layer){.kind = CNN_LAYER_DENSE, .units = c->units}, c->in);
        OK(cnn_dense_create(r.ops, &layer, true, &dense));
        check_batch(&r, &layer, dense, c->batch);
        if (c->tail)
            check_batch(&r, &layer, dense, c->tail);
        check_batch(&r, &layer, dense, c->batch);
        cnn_dense_destroy(&dense);
        assert_null(dense);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_agrees_with_reference),
    };
    return cmocka_run_group_tests_name("ops: dense", tests, NULL, NULL);
}
