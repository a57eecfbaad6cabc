/* SPDX-License-Identifier: Apache-2.0 */
/* ReLU, dropout, optimisers and memory against the double-precision reference. */
#include "reference.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-6;
static const size_t sizes[] = {1, 3, 8, 17, 784, 25088, 100003};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- memory -------------------------------------------------------------------------------- */

static void test_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    rig r;
    rig_open(&r, 1, 0);
    for (int i = 0; i < SIZES; i++) {
        void *memory = NULL;
        float *host = calloc(sizes[i], sizeof *host);
        assert_non_null(host);
        OK(cnn_ops_alloc(r.ops, sizes[i] * sizeof *host, "a test's memory", &memory));
        assert_int_equal((uintptr_t)memory % 64, 0);
        host[0] = 1;
        OK(cnn_ops_download(r.ops, host, memory, sizes[i] * sizeof *host));
        for (size_t k = 0; k < sizes[i]; k++)
            assert_true(host[k] == 0);
        cnn_ops_free(r.ops, &memory);
        assert_null(memory);
        cnn_ops_free(r.ops, &memory); /* NULL is nothing to free */
        free(host);
    }
    rig_close(&r);
}

static void test_zero_clears_what_it_is_told(void **state)
{
    (void)state;
    rig r;
    rig_open(&r, 1, 0);
    double *values = rig_random(&r, 1, 100, 1, 2);
    float *device = rig_upload(&r, values, 100);
    OK(cnn_ops_zero(r.ops, device, 60 * sizeof *device));
    for (int i = 0; i < 60; i++)
        values[i] = 0;
    rig_compare(&r, "values", values, device, 100, 0);
    rig_close(&r);
}

static void test_impossible_allocation_is_an_error(void **state)
{
    (void)state;
    rig r;
    void *memory = NULL;
    rig_open(&r, 1, 0);
    assert_int_equal(cnn_ops_alloc(r.ops, (size_t)1 << 60, "far too much", &memory), CNN_ENOMEM);
    assert_non_null(strstr(cnn_error_message(), "far too much"));
    assert_null(memory);
    rig_close(&r);
}

static void test_device_describes_itself(void **state)
{
    (void)state;
    rig r;
    cnn_ops_info info;
    rig_open(&r, 7, 3);
    cnn_ops_describe(r.ops, &info);
    assert_true(info.backend[0] && info.version[0] && info.device[0]);
    assert_int_equal(info.threads, 2);
    assert_int_equal(cnn_ops_max_batch(r.ops), 7);
    rig_close(&r);
}

/* ---- relu ---------------------------------------------------------------------------------- */

static void test_relu_agrees_with_reference(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        rig r;
        size_t n = sizes[i];
        rig_open(&r, 1, 0);
        double *x = rig_random(&r, 1, n, -1, 1), *dy = rig_random(&r, 2, n, -1, 1);
        double *y = rig_zeros(&r, n), *dx = rig_zeros(&r, n);
        x[n / 2] = 0; /* the gradient at zero is zero */
        float *dev_x = rig_upload(&r, x, n), *dev_dy = rig_upload(&r, dy, n);
        float *dev_y = rig_garbage(&r, n), *dev_dx = rig_garbage(&r, n);
        OK(cnn_relu_forward(r.ops, n, dev_x, dev_y));
        OK(cnn_relu_backward(r.ops, n, dev_y, dev_dy, dev_dx));
        ref_relu_forward(n, x, y);
        ref_relu_backward(n, y, dy, dx);
        rig_compare(&r, "y", y, dev_y, n, 0);
        rig_compare(&r, "dx", dx, dev_dx, n, 0);
        OK(cnn_relu_forward(r.ops, n, dev_x, dev_x));
        OK(cnn_relu_backward(r.ops, n, dev_y, dev_dy, dev_dy));
        rig_compare(&r, "y in place", y, dev_x, n, 0);
        rig_compare(&r, "dx in place", dx, dev_dy, n, 0);
        rig_close(&r);
    }
}

/* ---- dropout ------------------------------------------------------------------------------- */

static void check_dropout(size_t n, double rate, int layer, uint32_t step)
{
    rig r;
    rig_open(&r, 1, 0);
    snprintf(r.context, sizeof r.context, "%zu values, rate %g", n, rate);
    const uint64_t seed = 0x123456789abcdef;
    double *x = rig_random(&r, 1, n, 1, 2), *y = rig_zeros(&r, n);
    float *dev_x = rig_upload(&r, x, n), *dev_y = rig_garbage(&r, n);
    OK(cnn_dropout_apply(r.ops, n, rate, seed, layer, step, dev_x, dev_y));
    ref_dropout(n, rate, seed, layer, step, x, y);
    rig_compare(&r, "y", y, dev_y, n, tolerance);
    OK(cnn_dropout_apply(r.ops, n, rate, seed, layer, step, dev_x, dev_x));
    rig_compare(&r, "y in place", y, dev_x, n, tolerance);
    rig_close(&r);
}

static void test_dropout_agrees_with_reference(void **state)
{
    (void)state;
    const double rates[] = {0, 0.1, 0.5, 0.9};
    for (int i = 0; i < SIZES; i++)
        for (int k = 0; k < 4; k++)
            check_dropout(sizes[i], rates[k], i, (uint32_t)(1000 * k + i));
}

/* ---- optimisers ---------------------------------------------------------------------------- */

static void check_sgd(size_t n, double momentum)
{
    rig r;
    rig_open(&r, 1, 0);
    snprintf(r.context, sizeof r.context, "%zu values, momentum %g", n, momentum);
    double *w = rig_random(&r, 1, n, -1, 1), *v = momentum != 0 ? rig_zeros(&r, n) : NULL;
    float *dev_w = rig_upload(&r, w, n), *dev_v = v ? rig_upload(&r, v, n) : NULL;
    for (uint32_t step = 0; step < 5; step++) {
        double *g = rig_random(&r, 2 + step, n, -1, 1);
        OK(cnn_sgd_update(r.ops, n, 0.01, momentum, rig_upload(&r, g, n), dev_v, dev_w));
        ref_sgd_update(n, 0.01, momentum, g, v, w);
        rig_compare(&r, "weights", w, dev_w, n, tolerance);
    }
    if (v)
        rig_compare(&r, "velocity", v, dev_v, n, tolerance);
    rig_close(&r);
}

static void test_sgd_agrees_with_reference(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        check_sgd(sizes[i], 0);
        check_sgd(sizes[i], 0.9);
    }
}

static void check_adam(size_t n, double scale)
{
    rig r;
    rig_open(&r, 1, 0);
    snprintf(r.context, sizeof r.context, "%zu values, gradients of %g", n, scale);
    double *w = rig_random(&r, 1, n, -1, 1), *m = rig_zeros(&r, n), *v = rig_zeros(&r, n);
    float *dev_w = rig_upload(&r, w, n);
    float *dev_m = rig_upload(&r, m, n), *dev_v = rig_upload(&r, v, n);
    for (uint32_t step = 1; step <= 5; step++) {
        double *g = rig_random(&r, 1 + step, n, -scale, scale);
        OK(cnn_adam_update(r.ops, n, 0.01, (int64_t)step, rig_upload(&r, g, n), dev_m, dev_v,
                           dev_w));
        ref_adam_update(n, 0.01, (int64_t)step, g, m, v, w);
        rig_compare(&r, "weights", w, dev_w, n, tolerance);
    }
    rig_compare(&r, "first moment", m, dev_m, n, tolerance);
    rig_compare(&r, "second moment", v, dev_v, n, tolerance);
    rig_close(&r);
}

static void test_adam_agrees_with_reference(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        check_adam(sizes[i], 1);
}

/* Gradients as small as epsilon: where epsilon stands matters. */
static void test_adam_adds_epsilon_outside_the_root(void **state)
{
    (void)state;
    check_adam(784, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_zero_clears_what_it_is_told),
        cmocka_unit_test(test_impossible_allocation_is_an_error),
        cmocka_unit_test(test_device_describes_itself),
        cmocka_unit_test(test_relu_agrees_with_reference),
        cmocka_unit_test(test_dropout_agrees_with_reference),
        cmocka_unit_test(test_sgd_agrees_with_reference),
        cmocka_unit_test(test_adam_agrees_with_reference),
        cmocka_unit_test(test_adam_adds_epsilon_outside_the_root),
    };
    return cmocka_run_group_tests_name("ops: elementwise", tests, NULL, NULL);
}
