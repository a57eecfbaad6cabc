/* SPDX-License-Identifier: Apache-2.0 */
/** When an attempt has taken too long. */
#include "mpi/worker/limit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char why[128];

static void test_limit_first_run_of_a_cell_may_take_many_hours(void **state)
{
    (void)state;
    /* The study's arch2 on MNIST, one core: 20 epochs of 11 minutes. */
    const cnn_limit l = cnn_limit_of(0, 0);
    assert_false(cnn_limit_is_passed(&l, 20 * 660, 660, why, sizeof why));
    assert_false(cnn_limit_is_passed(&l, 7 * 24 * 3600, 3500, why, sizeof why));
    assert_true(cnn_limit_is_passed(&l, 5 * 3600, 3700, why, sizeof why));
    assert_non_null(strstr(why, "no event for 3600 s"));
}

static void test_limit_later_runs_are_measured_by_the_longest(void **state)
{
    (void)state;
    const cnn_limit l = cnn_limit_of(0, 100), quick = cnn_limit_of(0, 0.01);
    assert_false(cnn_limit_is_passed(&l, 499, 499, why, sizeof why));
    assert_true(cnn_limit_is_passed(&l, 501, 0, why, sizeof why));
    assert_non_null(strstr(why, "longer than the time limit of 500 s"));
    assert_false(cnn_limit_is_passed(&quick, 59, 59, why, sizeof why));
    assert_true(cnn_limit_is_passed(&quick, 61, 0, why, sizeof why));
}

static void test_limit_of_the_job_comes_first(void **state)
{
    (void)state;
    const cnn_limit l = cnn_limit_of(7200, 1), first = cnn_limit_of(2, 0);
    assert_false(cnn_limit_is_passed(&l, 7199, 7199, why, sizeof why));
    assert_true(cnn_limit_is_passed(&l, 7201, 0, why, sizeof why));
    assert_true(cnn_limit_is_passed(&first, 2.1, 0, why, sizeof why));
    assert_non_null(strstr(why, "longer than the time limit of 2 s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_first_run_of_a_cell_may_take_many_hours),
        cmocka_unit_test(test_limit_later_runs_are_measured_by_the_longest),
        cmocka_unit_test(test_limit_of_the_job_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
