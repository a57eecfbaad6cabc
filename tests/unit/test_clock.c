/* SPDX-License-Identifier: Apache-2.0 */
/* Times and durations for people. */
#include "base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void assert_time(double wall, const char *text)
{
    char s[32] = "";
    cnn_clock_format(wall, s, sizeof s);
    assert_string_equal(s, text);
}

static void test_times(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01 00:00:00");
    assert_time(1527854096.9, "2018-06-01 11:54:56");
    assert_time(253402300799, "9999-12-31 23:59:59");
}

static void test_what_is_no_time(void **state)
{
    (void)state;
    assert_time(NAN, "?");
    assert_time(INFINITY, "?");
    assert_time(-INFINITY, "?");
    assert_time(-1, "?");
    assert_time(1e300, "?");
    assert_time(253402300800, "?");
}

static void assert_duration(double seconds, const char *text)
{
    char s[32] = "";
    cnn_clock_format_duration(seconds, s, sizeof s);
    assert_string_equal(s, text);
}

static void test_durations(void **state)
{
    (void)state;
    assert_duration(3.2, "3.2 s");
    assert_duration(245, "4:05");
    assert_duration(7390, "2:03:10");
    assert_duration(-1, "?");
    assert_duration(NAN, "?");
    assert_duration(INFINITY, "?");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_what_is_no_time),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
