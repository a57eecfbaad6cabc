/* SPDX-License-Identifier: Apache-2.0 */
/* The sd of few blocks is uncertain: the number of blocks that a plan takes from a pilot must have
 * the stated power on average over pilots, for a difference of the margin and for equivalence. Each
 * of 400 pilots gives a number of blocks, whose true power is computed. */
#include "analysis/parts.h"
#include "base/philox.h"
#include "stats/crossover.h"
#include "stats/moments.h"
#include "stats/power.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PILOTS = 400, MOST_BLOCKS = 16 };
#define SD     0.015
#define MARGIN 0.01

static double uniform(uint64_t pilot, uint64_t i)
{
    return (cnn_philox_at(pilot, CNN_RANDOM_SIMULATE, 0, i).w[0] + 0.5) / 4294967296.0;
}

/** An sd with `df` degrees of freedom. */
static double pilot_sd(int pilot, int df)
{
    double x[MOST_BLOCKS];
    const int blocks = df + 1;
    for (int i = 0; i < blocks; i++)
        x[i] = SD * sqrt(-2 * log(uniform((uint64_t)pilot, (uint64_t)(2 * i)))) *
               cos(6.283185307179586 * uniform((uint64_t)pilot, (uint64_t)(2 * i + 1)));
    return sqrt(cnn_variance(x, blocks));
}

typedef struct {
    double differ, equal, naive; /* mean power; naive: with the pilot's sd as it is */
} powers;

/** adjusted: for the positions of two levels. */
static powers mean_power(int blocks, bool adjusted, double alpha)
{
    powers sum = {0};
    const int parameters = adjusted ? 2 : 1;
    for (int i = 0; i < PILOTS; i++) {
        const double sd = pilot_sd(i, blocks - parameters);
        const cnn_block_design d = {.blocks = blocks,
                                    .information = blocks,
                                    .parameters = parameters,
                                    .sd = sd,
                                    .sd_df = blocks - parameters,
                                    .is_adjusted = adjusted,
                                    .levels = adjusted ? 2 : 1,
                                    .apart = 1};
        const cnn_block_power p = cnn_analysis_power(&d, MARGIN, alpha);
        const int naive =
            cnn_paired_blocks_needed(parameters, MARGIN / sd, alpha, CNN_ANALYSIS_POWER);
        assert_true(!adjusted || p.blocks_needed >= CNN_CROSSOVER_LEAST_BLOCKS);
        sum.differ += cnn_paired_power(p.blocks_needed, parameters, MARGIN / SD, alpha) / PILOTS;
        sum.naive += cnn_paired_power(naive, parameters, MARGIN / SD, alpha) / PILOTS;
        sum.equal +=
            cnn_tost_paired_power(p.blocks_equivalence, parameters, 0, SD, -MARGIN, MARGIN, alpha) /
            PILOTS;
    }
    return sum;
}

static void test_the_mean_power_is_the_stated_one(void **state)
{
    (void)state;
    static const int blocks[] = {2, 4, 8, 15};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        for (int family = 1; family <= 6; family += 5) {
            const bool adjusted = blocks[i] >= CNN_CROSSOVER_LEAST_BLOCKS;
            const powers p = mean_power(blocks[i], adjusted, 0.05 / family);
            print_message("%d blocks, family of %d: to differ %.3f, to be equal %.3f, by the sd as "
                          "it is %.3f\n",
                          blocks[i], family, p.differ, p.equal, p.naive);
            assert_true(p.differ >= CNN_ANALYSIS_POWER && p.equal >= CNN_ANALYSIS_POWER);
            assert_true(p.naive < CNN_ANALYSIS_POWER);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mean_power_is_the_stated_one),
    };
    return cmocka_run_group_tests_name("planning", tests, NULL, NULL);
}
