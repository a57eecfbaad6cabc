/* SPDX-License-Identifier: Apache-2.0 */
/* The pools' own kernels: the 2x2 kernel beside the general one, and values that are no numbers. */
#include "cpu/kernels/blocked.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { IN_H = 5, IN_W = 7, OUT_H = 3, OUT_W = 4, MOST_LANES = 32 };
enum { IN = IN_H * IN_W * MOST_LANES, OUT = OUT_H * OUT_W * MOST_LANES };

/* 2x2, stride 2, the surplus at the bottom and right. */
static const cnn_window window = {IN_H, IN_W, OUT_H, OUT_W, 2, 2, 0, 0};

typedef struct {
    float x[IN], y[OUT], dy[OUT], dx[IN];
} arrays;

/* Few different values, so that windows have equal maxima and some are not above 0. */
static void fill(arrays *a, int seed)
{
    uint32_t word = (uint32_t)seed;
    for (int i = 0; i < IN; i++) {
        word = word * 1664525u + 1013904223u;
        a->x[i] = (float)((int)(word >> 24) % 5 - 3);
    }
    for (int i = 0; i < OUT; i++)
        a->dy[i] = (float)(i + 1);
}

static void test_pair_does_what_the_general_kernel_does(void **state)
{
    (void)state;
    const int lanes[] = {1, 3, 8, 16, 24, 32};
    arrays *pair = malloc(sizeof *pair), *general = malloc(sizeof *general);
    assert_true(pair && general);
    for (int k = 0; k < 12; k++) {
        const int count = lanes[k / 2];
        const bool relu = k % 2 != 0;
        uint8_t corner[OUT];
        int32_t where[OUT];
        fill(pair, k);
        *general = *pair;
        cnn_kernel_pool_2x2_forward(&window, count, relu, pair->x, pair->y, corner);
        cnn_kernel_pool_2x2_backward(&window, count, pair->dy, corner, pair->dx);
        cnn_kernel_max_forward(&window, count, relu, general->x, general->y, where);
        cnn_kernel_max_backward(&window, count, general->dy, where, general->dx);
        for (int i = 0; i < OUT_H * OUT_W * count; i++)
            assert_true(pair->y[i] == general->y[i]);
        for (int i = 0; i < IN_H * IN_W * count; i++)
            assert_true(pair->dx[i] == general->dx[i]);
    }
    free(pair);
    free(general);
}

/* A training that diverged must not look finite again behind a pool. */
static void test_maxima_of_no_numbers_are_no_numbers(void **state)
{
    (void)state;
    const float values[] = {NAN, -INFINITY};
    for (int k = 0; k < 2; k++) {
        const cnn_window whole = {2, 2, 1, 1, 2, 2, 0, 0};
        const float x[4] = {values[k], values[k], values[k], values[k]};
        float pair = 0, general = 0;
        uint8_t corner;
        int32_t where;
        cnn_kernel_pool_2x2_forward(&whole, 1, false, x, &pair, &corner);
        cnn_kernel_max_forward(&whole, 1, false, x, &general, &where);
        assert_true(k == 0 ? isnan(pair) : pair == -INFINITY);
        assert_true(k == 0 ? isnan(general) : general == -INFINITY);
        assert_int_equal(where, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_does_what_the_general_kernel_does),
        cmocka_unit_test(test_maxima_of_no_numbers_are_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
