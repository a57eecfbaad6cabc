/* SPDX-License-Identifier: Apache-2.0 */
/** What squeue's answers say of an allocation's end. */
#include "mpi/dispatch/allocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void test_allocation_end_is_local_time(void **state)
{
    (void)state;
    double end = 0;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_true(cnn_allocation_parse("2026-11-24T23:10:05\n", &end));
    assert_true(end == 1795561805); /* date -u -d 2026-11-24T23:10:05 +%s */
    setenv("TZ", "XYZ-2", 1);       /* two hours east of Greenwich */
    tzset();
    assert_true(cnn_allocation_parse("  2026-11-24T23:10:05 ", &end));
    assert_true(end == 1795561805 - 7200);
}

static void test_allocation_end_after_warnings(void **state)
{
    (void)state;
    double end = 0;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_true(cnn_allocation_parse("squeue: something is odd\n2026-11-24T23:10:05", &end));
    assert_true(end == 1795561805);
}

static void test_allocation_without_an_end(void **state)
{
    (void)state;
    static const char *const answers[] = {"",
                                          "\n",
                                          "N/A",
                                          "NONE\n",
                                          "Unknown",
                                          "slurm_load_jobs error: Invalid job id specified",
                                          "2026-11-24",
                                          "2026-11-24T23:10:05 and more",
                                          "at 2026-11-24T23:10:05"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        double end = -1;
        assert_false(cnn_allocation_parse(answers[i], &end));
        assert_true(end == -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation_end_is_local_time),
        cmocka_unit_test(test_allocation_end_after_warnings),
        cmocka_unit_test(test_allocation_without_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
