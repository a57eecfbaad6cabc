/* SPDX-License-Identifier: Apache-2.0 */
/* The interval for devices like these covers the true ratio where frameworks differ from device to
 * device (sd 0.5 %), with 4, 8 and 20 devices, and its verdict is false in at most alpha of the
 * studies: 2,000 each, of one combination with two blocks a device. The interval for these devices
 * alone does not cover it. Bounds come from the binomial distribution (bounds.h). */
#include "bounds.h"
#include "truth.h"

#include "analysis/analysis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STUDIES = 2000 };
#define LEVEL 0.95

typedef struct {
    int covered, false_verdicts, covered_by_blocks;
} counts;

static counts judge(int devices, int blocks, double first_slower)
{
    const cnn_truth_setting setting = {.name = "devices",
                                       .title = "device x framework",
                                       .devices = devices,
                                       .levels = 2,
                                       .noise = CNN_NOISE_NORMAL,
                                       .first_slower = first_slower,
                                       .device_level_sd = 0.005};
    const cnn_truth_of_levels truth = {.spread = 1, .time_sd = 0.003, .with_times = true};
    cnn_truth_plan *plan = NULL;
    counts c = {0};
    assert_int_equal(cnn_truth_plan_create(&setting, 1, blocks, 0, &plan), CNN_OK);
    for (uint32_t study = 0; study < STUDIES; study++) {
        cnn_analysis *a = NULL;
        if (cnn_analysis_create_verdicts(cnn_truth_draw(plan, &truth, study), 1, false, &a) !=
            CNN_OK)
            fail_msg("%s", cnn_error_message());
        const cnn_comparison *x = cnn_analysis_comparison(a, 0, CNN_MEASURE_TRAIN_SECONDS);
        assert_int_equal(x->device_units, devices);
        c.covered += x->device_lower <= 0 && 0 <= x->device_upper;
        c.covered_by_blocks += x->paired_lower <= 0 && 0 <= x->paired_upper;
        c.false_verdicts +=
            x->device_verdict == CNN_VERDICT_FASTER || x->device_verdict == CNN_VERDICT_SLOWER;
        cnn_analysis_destroy(&a);
    }
    cnn_truth_plan_destroy(&plan);
    return c;
}

static void test_intervals_for_devices_like_these_cover(void **state)
{
    (void)state;
    static const int devices[] = {4, 8, 20};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        const counts c = judge(devices[i], 2 * devices[i], 0);
        print_message("%d devices: covered %.1f %%, false verdicts %.1f %%; interval for these "
                      "devices covers %.1f %%\n",
                      devices[i], 100.0 * c.covered / STUDIES, 100.0 * c.false_verdicts / STUDIES,
                      100.0 * c.covered_by_blocks / STUDIES);
        assert_true(cnn_at_least(c.covered, STUDIES, LEVEL));
        assert_true(cnn_at_most(c.covered, STUDIES, LEVEL));
        assert_true(cnn_at_most(c.false_verdicts, STUDIES, 1 - LEVEL));
        assert_false(cnn_at_least(c.covered_by_blocks, STUDIES, LEVEL));
    }
}

/** Three or four blocks a device, or one or two, have unequal orders, and the first run is slower. */
static void test_positions_within_devices_cost_no_coverage(void **state)
{
    (void)state;
    for (int devices = 4; devices <= 8; devices *= 2) {
        const counts c = judge(devices, 15, 0.02);
        print_message("%d devices, 15 blocks: covered %.1f %%, false verdicts %.1f %%\n", devices,
                      100.0 * c.covered / STUDIES, 100.0 * c.false_verdicts / STUDIES);
        assert_true(cnn_at_least(c.covered, STUDIES, LEVEL));
        assert_true(cnn_at_most(c.covered, STUDIES, LEVEL));
        assert_true(cnn_at_most(c.false_verdicts, STUDIES, 1 - LEVEL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals_for_devices_like_these_cover),
        cmocka_unit_test(test_positions_within_devices_cost_no_coverage),
    };
    return cmocka_run_group_tests_name("device scope", tests, NULL, NULL);
}
