/* SPDX-License-Identifier: Apache-2.0 */
/** When a device is to blame for its failing runs. */
#include "mpi/dispatch/consecutive_failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_failures_of_three_cells_is_bad(void **state)
{
    (void)state;
    cnn_consecutive_failures s = {0};
    cnn_consecutive_failures_add(&s, 4, 10, true, "first");
    cnn_consecutive_failures_add(&s, 5, 10, true, "second");
    assert_false(cnn_consecutive_failures_blame_device(&s));
    cnn_consecutive_failures_add(&s, 1, 11, true, "third");
    assert_true(cnn_consecutive_failures_blame_device(&s));
    assert_string_equal(s.reason, "third");
    assert_int_equal(s.block_count, 2);
    assert_int_equal(s.blocks[0], 10);
    assert_int_equal(s.blocks[1], 11);
    cnn_consecutive_failures_free(&s);
}

static void test_failures_of_fewer_cells_is_not(void **state)
{
    (void)state;
    cnn_consecutive_failures s = {0};
    for (int i = 0; i < 100; i++)
        cnn_consecutive_failures_add(&s, i % 2, i / 2, true, "again");
    assert_false(cnn_consecutive_failures_blame_device(&s));
    assert_int_equal(s.block_count, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(s.blocks[i], i);
    cnn_consecutive_failures_free(&s);
}

static void test_failures_end_with_a_good_run(void **state)
{
    (void)state;
    cnn_consecutive_failures s = {0};
    for (int i = 0; i < 2; i++)
        cnn_consecutive_failures_add(&s, i, i, true, "again");
    cnn_consecutive_failures_add(&s, 2, 2, false, "");
    for (int i = 3; i < 5; i++)
        cnn_consecutive_failures_add(&s, i, i, true, "again");
    assert_false(cnn_consecutive_failures_blame_device(&s));
    assert_int_equal(s.block_count, 2);
    assert_int_equal(s.blocks[0], 3);
    cnn_consecutive_failures_add(&s, 5, 5, true, "again");
    assert_true(cnn_consecutive_failures_blame_device(&s));
    cnn_consecutive_failures_clear(&s);
    assert_false(cnn_consecutive_failures_blame_device(&s));
    cnn_consecutive_failures_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_of_three_cells_is_bad),
        cmocka_unit_test(test_failures_of_fewer_cells_is_not),
        cmocka_unit_test(test_failures_end_with_a_good_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
