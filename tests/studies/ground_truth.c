/* SPDX-License-Identifier: Apache-2.0 */
/** How often the verdicts of the analysis are false, and how often its intervals cover the truth,
 *  in studies whose truth is known, under the noise that real machines make.
 *
 *      ground_truth                     the rows marked for a check, 1,000 studies each
 *      ground_truth --all               every row, 10,000 studies each
 *      ground_truth [--all] --part I/N  every N-th row from the I-th (from 1): for several cores
 *      ground_truth --row TEXT          rows whose name, as "/faster/normal/8/", contains TEXT
 *      ground_truth --studies N         another number of studies, for trials: nothing is judged
 *      ground_truth --list              the rows and their numbers of studies
 *
 *  scripts/ground_truth.py puts the whole table into docs/analysis.md.
 *
 *  A row is a verdict, a setting and a number of blocks n. Studies have 6 combinations, analysed as
 *  `cnnmpi report` does. Rows of one setting and n draw the same noise. Exit status 1: a row failed.
 *
 *  Judgement. False claims: with k of N studies false, a row fails if P(K >= k) < 0.01 / A under
 *  "rate = alpha", A being the number of assertions of the run; with at least 10,000 studies also if
 *  k / N > 1.2 alpha. Coverage likewise: P(K <= k) under 95 %, and below 94 %. A row between 0.01 / A
 *  and 0.01 is repeated with four times the studies, which include the first ones, and judged by
 *  them. Settings beyond the assumptions of the tests are printed, not judged. Withheld: more than 20 % of the comparisons without a verdict, by the rules of the
 *  analysis, fail for normal noise and n >= 8. */
#include "truth.h"

#include "analysis/analysis.h"
#include "analysis/pool.h"
#include "base/text.h"
#include "stats/dist.h"
#include "stats/equivalence.h"
#include "stats/multiple.h"
#include "stats/t_tests.h"
#include "stats/variance_tests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA         0.05
#define REFUSED       0.01 /* over the number of assertions: one-sided p of a failure */
#define EXCESS        1.2
#define MOST_WITHHELD 0.2
#define COUNT(array)  ((int)(sizeof(array) / sizeof *(array)))
#define MARGIN_TIME   0.01
#define MARGIN_ERROR  0.001
enum { COMBINATIONS = 6, LEAST_FOR_EXCESS = 10000, LEAST_FOR_WITHHELD = 8, AGAIN = 4 };
enum { CHECK = 1000, ALL = 10000, POWER_SHARE = 10 };

/* ---- the table ------------------------------------------------------------------------------- */

typedef enum {
    FASTER,       /* faster or slower, though the ratio is 1 */
    EQUIVALENT,   /* of times, though the ratio is exactly at the margin */
    VARIES,       /* less or more, though the spreads are equal */
    ERROR_LOWER,  /* lower or higher, though the errors are equal */
    ERROR_VARIES, /* the error over seeds varies less or more, though the spreads are equal */
    ERROR_EQUAL,  /* equivalent errors, though the difference is exactly at the margin */
    DEVICES,      /* faster or slower for devices like these, though their mean ratio is 1 */
    REPORT,       /* any difference of any measure, of means or spreads: printed, not judged */
    VERDICTS,
} verdict;

static const struct {
    const char *name, *title;
} verdicts[] = {
    [FASTER] = {"faster", "faster or slower"},
    [EQUIVALENT] = {"equivalent", "equivalent times"},
    [VARIES] = {"varies", "varies less or more"},
    [ERROR_LOWER] = {"error", "error lower or higher"},
    [ERROR_VARIES] = {"varies-error", "error varies less or more"},
    [ERROR_EQUAL] = {"equal-error", "equivalent errors"},
    [DEVICES] = {"devices-like-these", "faster or slower, devices like these"},
    [REPORT] = {"report", "any difference in the report"},
};

/* Settings: X(constant, name, title, members that differ from the default) */
#define SETTINGS(X)                                                                                \
    X(NORMAL, "normal", "normal", .devices = 4)                                                    \
    X(T5, "t5", "t with 5 df", .noise = CNN_NOISE_T5)                                              \
    X(T3, "t3", "t with 3 df", .noise = CNN_NOISE_T3)                                              \
    X(LOGNORMAL, "lognormal", "lognormal", .noise = CNN_NOISE_LOGNORMAL)                           \
    X(OUTLIERS_2, "outliers-2", "2 % of runs x 1.5", .outlier_probability = 0.02,                  \
      .outlier_size = 0.405465108108164)                                                           \
    X(TWICE_2, "twice-2", "2 % of runs x 2", .outlier_probability = 0.02,                          \
      .outlier_size = 0.693147180559945)                                                           \
    X(OUTLIERS_5, "outliers-5", "5 % of runs 5 % slower", .outlier_probability = 0.05,             \
      .outlier_size = 0.048790164169432)                                                           \
    X(AR1, "ar1", "AR(1) 0.8 on a device", .noise = CNN_NOISE_AR1)                                 \
    X(DRIFT, "drift", "drift of 1 % a run", .drift = 0.01)                                         \
    X(SLOW_DRIFT, "slow-drift", "drift of 0.01 % a run", .drift = 0.0001)                          \
    X(POSITION, "position", "first run of a block 2 % slower", .first_slower = 0.02)               \
    X(POSITION_3, "position-3", "three levels, first run of a block 2 % slower",                   \
      .first_slower = 0.02, .levels = 3)                                                           \
    X(DEVICES_1, "devices-1", "1 device, sd 2 %", .devices = 1, .device_sd = 0.02)                 \
    X(DEVICES_4, "devices-4", "4 devices, sd 2 %", .device_sd = 0.02)                              \
    X(DEVICES_20, "devices-20", "20 devices, sd 2 %", .devices = 20, .device_sd = 0.02)            \
    X(INTERACTION, "interaction", "device x framework 0.5 %, 0 on average", .device_sd = 0.02,     \
      .device_level_sd = 0.005, .on_average_equal = true)                                          \
    X(LIKE_4, "random-4", "4 devices, device x framework 0.5 %", .device_sd = 0.02,                \
      .device_level_sd = 0.005)                                                                    \
    X(LIKE_8, "random-8", "8 devices, device x framework 0.5 %", .devices = 8, .device_sd = 0.02,  \
      .device_level_sd = 0.005)                                                                    \
    X(LIKE_20, "random-20", "20 devices, device x framework 0.5 %", .devices = 20,                 \
      .device_sd = 0.02, .device_level_sd = 0.005)                                                 \
    X(UNBALANCED, "failures", "10 % of runs fail", .failure_probability = 0.1)                     \
    X(UNBALANCED_T3, "failures-t3", "10 % of runs fail, t with 3 df", .failure_probability = 0.1,  \
      .noise = CNN_NOISE_T3)                                                                       \
    X(UNBALANCED_OUTLIERS, "failures-outliers", "10 % of runs fail, 2 % x 1.5",                    \
      .failure_probability = 0.1, .outlier_probability = 0.02, .outlier_size = 0.405465108108164)  \
    X(LEVELS_3, "levels-3", "three levels", .levels = 3)                                           \
    X(CROSSED, "crossed", "n crossed seeds on 4 devices", .crossed = true)                         \
    X(POOLED, "pooled", "two files of n blocks pooled", .pooled = true)                            \
    X(CROSSED_POOLED, "crossed-pooled", "two files of the same n crossed seeds", .crossed = true,  \
      .pooled = true)                                                                              \
    X(LOOKS, "looks", "looks at 33, 67 and 100 %", .looks = true)                                  \
    X(FEW_IMAGES, "few-images", "200 test images", .test_images = 200)                             \
    X(SMALL, "small", "normal; power for 1.45 %", .log_ratio = 0.014395890214)                     \
    X(SMALL_POSITION, "small-position", "first run of a block 2 % slower; power for 1.45 %",       \
      .log_ratio = 0.014395890214, .first_slower = 0.02)                                           \
    X(DEVICES_8, "devices-8", "8 devices, sd 2 %", .devices = 8, .device_sd = 0.02)                \
    X(DEVICES_8_T3, "devices-8-t3", "8 devices, sd 2 %, t with 3 df", .devices = 8,                \
      .device_sd = 0.02, .noise = CNN_NOISE_T3)                                                    \
    X(DEVICES_8_TWICE, "devices-8-twice", "8 devices, sd 2 %, 2 % of runs x 2", .devices = 8,      \
      .device_sd = 0.02, .outlier_probability = 0.02, .outlier_size = 0.693147180559945)           \
    X(T2, "t2", "t with 2 df (no variance)", .noise = CNN_NOISE_T2, .seed = 1)                     \
    X(EXPONENTIAL, "exponential", "exponential", .noise = CNN_NOISE_EXPONENTIAL, .seed = 2)        \
    X(OUTLIERS_20, "outliers-20", "20 % of runs x 1.5", .outlier_probability = 0.2,                \
      .outlier_size = 0.405465108108164, .seed = 3)                                                \
    X(CLOCKS, "clocks", "devices change between two clocks, 3 % apart", .two_clocks = 0.03,        \
      .device_sd = 0.02, .seed = 4)                                                                \
    X(RAMP, "ramp", "later runs of a block 0 to 4 % slower, by block", .ramp = 0.02, .seed = 5,    \
      .is_beyond = true)                                                                           \
    X(SESSIONS, "sessions", "second half of the runs 3 % slower", .session_shift = 0.03,           \
      .seed = 6)                                                                                   \
    X(SEASON, "season", "load of 3 % with a period of 7 runs", .season = 0.03, .seed = 7)          \
    X(WALK, "walk", "random walk of a device, 0.5 % a run", .walk = 0.005, .seed = 8)              \
    X(NOISY, "noisy-device", "one of 4 devices with 6 times the sd", .noisy_device = 6,            \
      .device_sd = 0.02, .seed = 9)                                                                \
    X(UNEQUAL_SPREAD, "unequal-spread", "sd of the levels 1 : 3", .level_spread = 3, .seed = 10)   \
    X(UNEQUAL_SKEW, "unequal-skew", "lognormal, sd of the levels 1 : 3", .level_spread = 3,        \
      .noise = CNN_NOISE_LOGNORMAL, .seed = 11, .is_beyond = true)                                 \
    X(LEVEL_FAILS, "level-fails", "20 % of the second level's runs fail", .level_fails = 0.2,      \
      .seed = 12)

#define SETTING_CONSTANT(constant, ...) constant,
enum { SETTINGS(SETTING_CONSTANT) SETTING_COUNT };
#define SETTING_ROW(constant, short, long, ...)                                                    \
    [constant] = {.name = short, .title = long, .devices = 4, .levels = 2, __VA_ARGS__},
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const cnn_truth_setting settings[] = {SETTINGS(SETTING_ROW)};
#pragma GCC diagnostic pop

/* Rows: X(verdict, setting, studies by n = 3, 8, 15, 30: in every check, and of them all).
 * 0: the row does not apply; device effects, drift, order and memory are of times alone. */
#define N_VALUES                                                                                   \
    {                                                                                              \
        3, 8, 15, 30, 20                                                                           \
    }
enum { N_COUNT = 5 };
#define EVERY_N                                                                                    \
    {                                                                                              \
        ALL, ALL, ALL, ALL, 0                                                                      \
    }
#define NO_N                                                                                       \
    {                                                                                              \
        0, 0, 0, 0, 0                                                                              \
    }
#define ONE(n0, n1, n2, n3)                                                                        \
    {                                                                                              \
        n0, n1, n2, n3, 0                                                                          \
    }
#define ONLY_20                                                                                    \
    {                                                                                              \
        0, 0, 0, 0, ALL                                                                            \
    }
#define ONLY_15 ONE(0, 0, ALL, 0)
#define ROWS(X)                                                                                    \
    X(FASTER, NORMAL, ONE(CHECK, CHECK, CHECK, 0), EVERY_N)                                        \
    X(FASTER, T5, NO_N, EVERY_N)                                                                   \
    X(FASTER, T3, ONE(0, 0, CHECK, 0), EVERY_N)                                                    \
    X(FASTER, LOGNORMAL, ONE(0, CHECK, 0, 0), EVERY_N)                                             \
    X(FASTER, OUTLIERS_2, ONE(0, 0, CHECK, 0), EVERY_N)                                            \
    X(FASTER, TWICE_2, NO_N, EVERY_N)                                                              \
    X(FASTER, OUTLIERS_5, NO_N, EVERY_N)                                                           \
    X(FASTER, AR1, ONE(0, CHECK, 0, 0), EVERY_N)                                                   \
    X(FASTER, DRIFT, ONE(0, 0, CHECK, 0), EVERY_N)                                                 \
    X(FASTER, SLOW_DRIFT, NO_N, EVERY_N)                                                           \
    X(FASTER, POSITION, ONE(0, CHECK, CHECK, 0), EVERY_N)                                          \
    X(FASTER, POSITION_3, ONE(0, CHECK, 0, 0), EVERY_N)                                            \
    X(FASTER, DEVICES_1, NO_N, EVERY_N)                                                            \
    X(FASTER, DEVICES_4, NO_N, EVERY_N)                                                            \
    X(FASTER, DEVICES_20, NO_N, EVERY_N)                                                           \
    X(FASTER, INTERACTION, ONE(0, CHECK, 0, 0), EVERY_N)                                           \
    X(FASTER, UNBALANCED, ONE(0, CHECK, 0, 0), EVERY_N)                                            \
    X(FASTER, LEVELS_3, NO_N, EVERY_N)                                                             \
    X(FASTER, CROSSED, NO_N, ONE(ALL, ALL, 0, 0))                                                  \
    X(FASTER, POOLED, NO_N, ONE(ALL, ALL, ALL, 0))                                                 \
    X(FASTER, LOOKS, ONE(0, 0, CHECK, 0), EVERY_N)                                                 \
    X(FASTER, SMALL, NO_N, ONLY_20)                                                                \
    X(FASTER, SMALL_POSITION, NO_N, ONLY_20)                                                       \
    X(FASTER, DEVICES_8, NO_N, ONLY_15)                                                            \
    X(FASTER, DEVICES_8_T3, NO_N, ONLY_15)                                                         \
    X(FASTER, DEVICES_8_TWICE, NO_N, ONLY_15)                                                      \
    X(FASTER, T2, NO_N, EVERY_N)                                                                   \
    X(FASTER, EXPONENTIAL, NO_N, EVERY_N)                                                          \
    X(FASTER, OUTLIERS_20, NO_N, EVERY_N)                                                          \
    X(FASTER, CLOCKS, NO_N, EVERY_N)                                                               \
    X(FASTER, RAMP, NO_N, EVERY_N)                                                                 \
    X(FASTER, SESSIONS, NO_N, EVERY_N)                                                             \
    X(FASTER, SEASON, NO_N, EVERY_N)                                                               \
    X(FASTER, WALK, NO_N, EVERY_N)                                                                 \
    X(FASTER, NOISY, NO_N, EVERY_N)                                                                \
    X(FASTER, UNEQUAL_SPREAD, NO_N, EVERY_N)                                                       \
    X(FASTER, UNEQUAL_SKEW, NO_N, EVERY_N)                                                         \
    X(FASTER, LEVEL_FAILS, NO_N, EVERY_N)                                                          \
    X(EQUIVALENT, NORMAL, ONE(CHECK, CHECK, CHECK, 0), EVERY_N)                                    \
    X(EQUIVALENT, T5, NO_N, EVERY_N)                                                               \
    X(EQUIVALENT, T3, ONE(0, 0, CHECK, 0), EVERY_N)                                                \
    X(EQUIVALENT, LOGNORMAL, NO_N, EVERY_N)                                                        \
    X(EQUIVALENT, OUTLIERS_2, NO_N, EVERY_N)                                                       \
    X(EQUIVALENT, OUTLIERS_5, NO_N, EVERY_N)                                                       \
    X(EQUIVALENT, AR1, NO_N, EVERY_N)                                                              \
    X(EQUIVALENT, DRIFT, NO_N, EVERY_N)                                                            \
    X(EQUIVALENT, POSITION, NO_N, EVERY_N)                                                         \
    X(EQUIVALENT, POSITION_3, ONE(0, CHECK, 0, 0), EVERY_N)                                        \
    X(EQUIVALENT, DEVICES_1, NO_N, EVERY_N)                                                        \
    X(EQUIVALENT, DEVICES_4, NO_N, EVERY_N)                                                        \
    X(EQUIVALENT, DEVICES_20, NO_N, EVERY_N)                                                       \
    X(EQUIVALENT, INTERACTION, NO_N, EVERY_N)                                                      \
    X(EQUIVALENT, UNBALANCED, NO_N, EVERY_N)                                                       \
    X(EQUIVALENT, LEVELS_3, NO_N, EVERY_N)                                                         \
    X(EQUIVALENT, POOLED, NO_N, ONE(ALL, ALL, ALL, 0))                                             \
    X(EQUIVALENT, LOOKS, NO_N, EVERY_N)                                                            \
    X(EQUIVALENT, T2, NO_N, EVERY_N)                                                               \
    X(EQUIVALENT, EXPONENTIAL, NO_N, EVERY_N)                                                      \
    X(EQUIVALENT, OUTLIERS_20, NO_N, EVERY_N)                                                      \
    X(EQUIVALENT, CLOCKS, NO_N, EVERY_N)                                                           \
    X(EQUIVALENT, RAMP, NO_N, EVERY_N)                                                             \
    X(EQUIVALENT, SESSIONS, NO_N, EVERY_N)                                                         \
    X(EQUIVALENT, SEASON, NO_N, EVERY_N)                                                           \
    X(EQUIVALENT, WALK, NO_N, EVERY_N)                                                             \
    X(EQUIVALENT, NOISY, NO_N, EVERY_N)                                                            \
    X(EQUIVALENT, UNEQUAL_SPREAD, NO_N, EVERY_N)                                                   \
    X(EQUIVALENT, UNEQUAL_SKEW, NO_N, EVERY_N)                                                     \
    X(EQUIVALENT, LEVEL_FAILS, NO_N, EVERY_N)                                                      \
    X(VARIES, NORMAL, ONE(CHECK, CHECK, CHECK, 0), EVERY_N)                                        \
    X(VARIES, T5, ONE(0, 0, CHECK, 0), EVERY_N)                                                    \
    X(VARIES, T3, ONE(0, CHECK, CHECK, 0), EVERY_N)                                                \
    X(VARIES, LOGNORMAL, ONE(0, 0, CHECK, 0), EVERY_N)                                             \
    X(VARIES, OUTLIERS_2, ONE(0, CHECK, CHECK, 0), EVERY_N)                                        \
    X(VARIES, TWICE_2, NO_N, EVERY_N)                                                              \
    X(VARIES, OUTLIERS_5, ONE(0, 0, CHECK, 0), EVERY_N)                                            \
    X(VARIES, AR1, ONE(0, 0, CHECK, 0), EVERY_N)                                                   \
    X(VARIES, DRIFT, NO_N, EVERY_N)                                                                \
    X(VARIES, POSITION, NO_N, EVERY_N)                                                             \
    X(VARIES, POSITION_3, NO_N, EVERY_N)                                                           \
    X(VARIES, DEVICES_1, NO_N, EVERY_N)                                                            \
    X(VARIES, DEVICES_4, NO_N, EVERY_N)                                                            \
    X(VARIES, DEVICES_20, ONE(0, 0, CHECK, 0), EVERY_N)                                            \
    X(VARIES, INTERACTION, ONE(0, 0, CHECK, 0), EVERY_N)                                           \
    X(VARIES, UNBALANCED, ONE(0, 0, CHECK, 0), EVERY_N)                                            \
    X(VARIES, UNBALANCED_T3, NO_N, EVERY_N)                                                        \
    X(VARIES, UNBALANCED_OUTLIERS, NO_N, EVERY_N)                                                  \
    X(VARIES, LEVELS_3, NO_N, EVERY_N)                                                             \
    X(VARIES, POOLED, NO_N, ONE(ALL, ALL, ALL, 0))                                                 \
    X(VARIES, LOOKS, NO_N, EVERY_N)                                                                \
    X(VARIES, T2, NO_N, EVERY_N)                                                                   \
    X(VARIES, EXPONENTIAL, NO_N, EVERY_N)                                                          \
    X(VARIES, OUTLIERS_20, NO_N, EVERY_N)                                                          \
    X(VARIES, CLOCKS, NO_N, EVERY_N)                                                               \
    X(VARIES, RAMP, NO_N, EVERY_N)                                                                 \
    X(VARIES, SESSIONS, NO_N, EVERY_N)                                                             \
    X(VARIES, SEASON, NO_N, EVERY_N)                                                               \
    X(VARIES, WALK, NO_N, EVERY_N)                                                                 \
    X(VARIES, NOISY, NO_N, EVERY_N)                                                                \
    X(VARIES, LEVEL_FAILS, NO_N, EVERY_N)                                                          \
    X(ERROR_LOWER, NORMAL, ONE(CHECK, CHECK, CHECK, 0), EVERY_N)                                   \
    X(ERROR_LOWER, T5, NO_N, EVERY_N)                                                              \
    X(ERROR_LOWER, T3, NO_N, EVERY_N)                                                              \
    X(ERROR_LOWER, LOGNORMAL, NO_N, EVERY_N)                                                       \
    X(ERROR_LOWER, OUTLIERS_2, NO_N, EVERY_N)                                                      \
    X(ERROR_LOWER, OUTLIERS_5, NO_N, EVERY_N)                                                      \
    X(ERROR_LOWER, UNBALANCED, NO_N, EVERY_N)                                                      \
    X(ERROR_LOWER, LEVELS_3, ONE(0, CHECK, 0, 0), EVERY_N)                                         \
    X(ERROR_LOWER, CROSSED, ONE(CHECK, CHECK, 0, 0), ONE(ALL, ALL, ALL, 0))                        \
    X(ERROR_LOWER, POOLED, NO_N, ONE(ALL, ALL, ALL, 0))                                            \
    X(ERROR_LOWER, LOOKS, NO_N, EVERY_N)                                                           \
    X(ERROR_LOWER, CROSSED_POOLED, ONE(CHECK, 0, 0, 0), ONE(ALL, ALL, 0, 0))                       \
    X(ERROR_LOWER, FEW_IMAGES, NO_N, EVERY_N)                                                      \
    X(ERROR_LOWER, T2, NO_N, EVERY_N)                                                              \
    X(ERROR_LOWER, EXPONENTIAL, NO_N, EVERY_N)                                                     \
    X(ERROR_LOWER, OUTLIERS_20, NO_N, EVERY_N)                                                     \
    X(ERROR_LOWER, UNEQUAL_SPREAD, NO_N, EVERY_N)                                                  \
    X(ERROR_LOWER, UNEQUAL_SKEW, NO_N, EVERY_N)                                                    \
    X(ERROR_LOWER, LEVEL_FAILS, NO_N, EVERY_N)                                                     \
    X(ERROR_VARIES, NORMAL, ONE(0, CHECK, CHECK, 0), EVERY_N)                                      \
    X(ERROR_VARIES, T3, NO_N, EVERY_N)                                                             \
    X(ERROR_VARIES, LOGNORMAL, NO_N, EVERY_N)                                                      \
    X(ERROR_VARIES, OUTLIERS_2, NO_N, EVERY_N)                                                     \
    X(ERROR_VARIES, UNBALANCED, NO_N, EVERY_N)                                                     \
    X(ERROR_VARIES, CROSSED, NO_N, ONE(ALL, ALL, ALL, 0))                                          \
    X(ERROR_VARIES, T2, NO_N, EVERY_N)                                                             \
    X(ERROR_VARIES, EXPONENTIAL, NO_N, EVERY_N)                                                    \
    X(ERROR_VARIES, OUTLIERS_20, NO_N, EVERY_N)                                                    \
    X(ERROR_VARIES, LEVEL_FAILS, NO_N, EVERY_N)                                                    \
    X(ERROR_EQUAL, NORMAL, ONE(CHECK, CHECK, 0, 0), EVERY_N)                                       \
    X(ERROR_EQUAL, T3, NO_N, EVERY_N)                                                              \
    X(ERROR_EQUAL, CROSSED, ONE(0, CHECK, 0, 0), ONE(ALL, ALL, ALL, 0))                            \
    X(ERROR_EQUAL, CROSSED_POOLED, NO_N, ONE(ALL, ALL, 0, 0))                                      \
    X(ERROR_EQUAL, FEW_IMAGES, ONE(CHECK, CHECK, 0, 0), EVERY_N)                                   \
    X(ERROR_EQUAL, T2, NO_N, EVERY_N)                                                              \
    X(ERROR_EQUAL, EXPONENTIAL, NO_N, EVERY_N)                                                     \
    X(ERROR_EQUAL, UNEQUAL_SPREAD, NO_N, EVERY_N)                                                  \
    X(ERROR_EQUAL, UNEQUAL_SKEW, NO_N, EVERY_N)                                                    \
    X(ERROR_EQUAL, LEVEL_FAILS, NO_N, EVERY_N)                                                     \
    X(DEVICES, NORMAL, NO_N, ONE(0, ALL, ALL, ALL))                                                \
    X(DEVICES, T3, NO_N, ONE(0, ALL, ALL, ALL))                                                    \
    X(DEVICES, POSITION, NO_N, ONE(0, ALL, ALL, ALL))                                              \
    X(DEVICES, LIKE_4, ONE(0, 0, CHECK, 0), ONE(0, ALL, ALL, ALL))                                 \
    X(DEVICES, LIKE_8, ONE(0, CHECK, CHECK, 0), ONE(0, ALL, ALL, ALL))                             \
    X(DEVICES, LIKE_20, NO_N, ONE(0, 0, 0, ALL))                                                   \
    X(DEVICES, CLOCKS, NO_N, ONE(0, ALL, ALL, ALL))                                                \
    X(DEVICES, RAMP, NO_N, ONE(0, ALL, ALL, ALL))                                                  \
    X(DEVICES, NOISY, NO_N, ONE(0, ALL, ALL, ALL))                                                 \
    X(DEVICES, UNBALANCED, NO_N, ONE(0, ALL, ALL, ALL))                                            \
    X(REPORT, NORMAL, ONE(0, CHECK, 0, 0), EVERY_N)                                                \
    X(REPORT, OUTLIERS_2, NO_N, EVERY_N)                                                           \
    X(REPORT, CROSSED, NO_N, ONE(ALL, ALL, 0, 0))

static const int n_values[N_COUNT] = N_VALUES;

static const struct {
    verdict verdict;
    int setting;
    int check[N_COUNT], all[N_COUNT];
} rows[] = {
#define TABLE_ROW(of, setting, check, all) {of, setting, check, all},
    ROWS(TABLE_ROW)
#undef TABLE_ROW
};

static bool is_of_error(verdict v)
{
    return v == ERROR_LOWER || v == ERROR_EQUAL || v == ERROR_VARIES;
}

static bool is_of_spread(verdict v)
{
    return v == VARIES || v == ERROR_VARIES;
}

/** Residual sds for which the verdict's tests have power. Errors of few images hardly vary: the case
 *  in which rounding decides. */
static cnn_truth_of_levels truth_of(verdict v, int setting, bool is_null)
{
    const bool is_error = is_of_error(v);
    cnn_truth_of_levels t = {.spread = 1,
                             .time_sd = v == EQUIVALENT ? 0.003 : 0.01,
                             .error_sd = v == ERROR_EQUAL        ? 0.0003
                                         : setting == FEW_IMAGES ? 0.0005
                                                                 : 0.002,
                             .with_times = !is_error,
                             .with_errors = is_error || v == REPORT};
    if (is_null) {
        t.log_ratio = v == EQUIVALENT ? log1p(MARGIN_TIME) : 0;
        t.error = v == ERROR_EQUAL ? MARGIN_ERROR : 0;
    } else {
        t.log_ratio = v == FASTER || v == DEVICES ? 0.01 : 0;
        t.error = v == ERROR_LOWER ? 0.002 : 0;
        t.spread = is_of_spread(v) ? 2 : 1;
    }
    if (settings[setting].level_spread > 0)
        t.spread = settings[setting].level_spread;
    if (!is_null && settings[setting].log_ratio > 0)
        t.log_ratio = settings[setting].log_ratio;
    return t;
}

/* ---- studies --------------------------------------------------------------------------------- */

typedef struct {
    int studies, false_studies;         /* with any false claim */
    int comparisons, false_comparisons; /* that could be claimed falsely */
    int intervals, covered;
    int withheld; /* comparisons without a test, by a rule of the analysis */
    int alternatives, found, found_before; /* comparisons with a true difference; by today's test */
} tally;

static bool is_claim(verdict v, const cnn_comparison *x)
{
    switch (v) {
    case FASTER:
        return x->verdict == CNN_VERDICT_FASTER || x->verdict == CNN_VERDICT_SLOWER;
    case ERROR_LOWER:
        return x->verdict == CNN_VERDICT_LOWER || x->verdict == CNN_VERDICT_HIGHER;
    case VARIES:
    case ERROR_VARIES:
        return x->variance_verdict != CNN_VARIANCE_INCONCLUSIVE;
    case DEVICES:
        return x->device_verdict == CNN_VERDICT_FASTER || x->device_verdict == CNN_VERDICT_SLOWER;
    case REPORT:
        return x->variance_verdict != CNN_VARIANCE_INCONCLUSIVE ||
               (x->verdict != CNN_VERDICT_INCONCLUSIVE && x->verdict != CNN_VERDICT_EQUIVALENT);
    default:
        return x->verdict == CNN_VERDICT_EQUIVALENT;
    }
}

/** Whether the analysis gave no verdict by a rule: a test that it does not make. */
static bool is_withheld(verdict v, const cnn_comparison *x)
{
    const int reason = is_of_spread(v) ? x->variance_reason
                       : v == DEVICES  ? x->device_reason
                                       : x->verdict_reason;
    return !is_claim(v, x) && reason != CNN_REASON_NONE && reason != CNN_REASON_NO_MARGIN;
}

static cnn_interval interval_of(verdict v, const cnn_comparison *x)
{
    if (v == DEVICES)
        return (cnn_interval){x->device_lower, x->device_upper};
    if (is_of_spread(v))
        return (cnn_interval){x->spread_lower, x->spread_upper};
    return (cnn_interval){x->paired_lower, x->paired_upper};
}

static cnn_measure measure_of(verdict v)
{
    return is_of_error(v) ? CNN_MEASURE_TEST_ERROR : CNN_MEASURE_TRAIN_SECONDS;
}

/** Whether the comparison's claim would be false: levels above 0 are alike, so that they are
 *  equivalent in truth. */
static bool can_be_false(verdict v, const cnn_pair *pair)
{
    return pair->a == 0 || (v != EQUIVALENT && v != ERROR_EQUAL);
}

/** Marks the comparisons that this look claims. */
static void mark_claims(verdict v, const cnn_analysis *a, bool *claimed)
{
    for (int i = 0; i < a->comparison_count; i++)
        for (int m = 0; m < CNN_MEASURE_COUNT; m++)
            if (v == REPORT || m == (int)measure_of(v))
                claimed[i] |= is_claim(v, cnn_analysis_comparison(a, i, (cnn_measure)m));
}

/** Counts a study by its last look; claimed: by any look. */
static void count_study(verdict v, const cnn_analysis *a, const cnn_truth_of_levels *truth,
                        const bool *claimed, tally *t)
{
    int claims = 0;
    for (int i = 0; i < a->comparison_count; i++) {
        const cnn_comparison *x = cnn_analysis_comparison(a, i, measure_of(v));
        const cnn_interval interval = interval_of(v, x);
        const double effect =
            measure_of(v) == CNN_MEASURE_TRAIN_SECONDS ? truth->log_ratio : truth->error;
        /* rounding may put an interval's end beside a truth that it equals */
        const double value = is_of_spread(v) ? 1 : a->pairs[i].a == 0 ? -effect : 0, slack = 1e-12;
        if (v != REPORT && !isnan(interval.low) && !isnan(interval.high)) {
            t->intervals++;
            t->covered += interval.low <= value + slack && value - slack <= interval.high;
        }
        t->withheld += is_withheld(v, x);
        t->comparisons += can_be_false(v, &a->pairs[i]);
        claims += claimed[i] && can_be_false(v, &a->pairs[i]);
    }
    t->studies++;
    t->false_comparisons += claims;
    t->false_studies += claims > 0;
}

/** p of the tests on which verdicts rested before: of paired t, TOST and Pitman and Morgan, on all
 *  whole blocks. */
static double p_before(verdict v, const cnn_results *r, int combination, double *a, double *b)
{
    int n = 0;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        const int other = i + 1; /* runs are numbered by block, then level */
        if (p->combination != combination || p->level != 0 || r->status[i] != CNN_RUN_DONE ||
            r->status[other] != CNN_RUN_DONE)
            continue;
        const bool is_error = measure_of(v) == CNN_MEASURE_TEST_ERROR;
        a[n] = is_error ? r->measured[i].test_error : log(r->measured[i].train_seconds);
        b[n++] = is_error ? r->measured[other].test_error : log(r->measured[other].train_seconds);
    }
    if (is_of_spread(v))
        return cnn_pitman_morgan(a, b, n, 1 - ALPHA).p;
    const cnn_t_result t = cnn_t_paired(a, b, n, 1 - ALPHA);
    if (v == FASTER || v == ERROR_LOWER || v == DEVICES)
        return t.p;
    const double margin = v == EQUIVALENT ? log1p(MARGIN_TIME) : MARGIN_ERROR;
    return cnn_tost_difference(&t, -margin, margin, ALPHA).p;
}

static cnn_status count_power(verdict v, const cnn_analysis *a, const cnn_results *r,
                              const bool *claimed, tally *t)
{
    cnn_status st = CNN_OK;
    double p[COMBINATIONS];
    double *x = calloc((size_t)r->run_count, sizeof *x),
           *y = calloc((size_t)r->run_count, sizeof *y);
    CNN_CHECK(x && y, CNN_ENOMEM, "values of %d runs", r->run_count);
    for (int k = 0; k < a->combination_count; k++)
        p[k] = p_before(v, r, k, x, y);
    CNN_TRY(cnn_holm(p, a->combination_count, p, NULL));
    for (int k = 0; k < a->combination_count; k++) {
        t->alternatives++;
        t->found += claimed[k * a->pair_count];
        t->found_before += p[k] <= ALPHA;
    }
done:
    free(x);
    free(y);
    return st;
}

/** The results of a study: of the two plans, one file each, if the setting pools them. */
static cnn_status draw_study(cnn_truth_plan *const *plans, const cnn_truth_setting *s,
                             const cnn_truth_of_levels *truth, uint32_t study, cnn_pool **pool,
                             const cnn_results **out)
{
    static const char *const paths[] = {"first.h5", "second.h5"};
    cnn_status st = CNN_OK;
    *out = cnn_truth_draw(plans[0], truth, study);
    if (s->pooled) {
        const cnn_results *files[] = {*out, cnn_truth_draw(plans[1], truth, study)};
        CNN_TRY(cnn_pool_create(files, paths, 2, pool));
        *out = (*pool)->results;
    }
done:
    return st;
}

/** Draws a study and analyses it, look by look. */
static cnn_status analyse(cnn_truth_plan *const *plans, const cnn_truth_setting *s,
                          const cnn_truth_of_levels *truth, uint32_t study, bool is_null, verdict v,
                          tally *t)
{
    cnn_status st = CNN_OK;
    cnn_analysis *a = NULL;
    cnn_pool *pool = NULL;
    const cnn_results *r = NULL;
    bool claimed[COMBINATIONS * 3] = {false}; /* at most three pairs of levels */
    CNN_TRY(draw_study(plans, s, truth, study, &pool, &r));
    for (int k = s->looks ? 0 : CNN_TRUTH_LOOKS - 1; k < CNN_TRUTH_LOOKS; k++) {
        if (s->looks)
            r = cnn_truth_look(plans[0], k);
        cnn_analysis_destroy(&a);
        CNN_TRY(
            cnn_analysis_create_verdicts(r, s->pooled ? 2 : 1, is_of_spread(v) || v == REPORT, &a));
        mark_claims(v, a, claimed);
    }
    if (is_null)
        count_study(v, a, truth, claimed, t);
    else
        CNN_TRY(count_power(v, a, r, claimed, t));
done:
    cnn_pool_destroy(&pool);
    cnn_analysis_destroy(&a);
    return st;
}

static cnn_status run_row(int row, int n, int first, int studies, tally *t)
{
    cnn_status st = CNN_OK;
    const verdict v = rows[row].verdict;
    const cnn_truth_setting *s = &settings[rows[row].setting];
    const cnn_truth_of_levels null = truth_of(v, rows[row].setting, true);
    const cnn_truth_of_levels other = truth_of(v, rows[row].setting, false);
    cnn_truth_plan *plans[2] = {NULL, NULL};
    CNN_TRY(cnn_truth_plan_create(s, COMBINATIONS, n, 0, &plans[0]));
    if (s->pooled)
        CNN_TRY(cnn_truth_plan_create(s, COMBINATIONS, n, 1, &plans[1]));
    for (int i = first; i < studies; i++)
        CNN_TRY(analyse(plans, s, &null, (uint32_t)i, true, v, t));
    for (int i = 0; v != REPORT && first == 0 && i < studies / POWER_SHARE; i++)
        CNN_TRY(analyse(plans, s, &other, (uint32_t)i, false, v, t));
done:
    cnn_truth_plan_destroy(&plans[0]);
    cnn_truth_plan_destroy(&plans[1]);
    return st;
}

/* ---- judgement ------------------------------------------------------------------------------- */

/** Claims are counted by study, for equivalence by comparison. */
static bool by_study(verdict v)
{
    return v != EQUIVALENT && v != ERROR_EQUAL;
}

static double many_p(verdict v, const tally *t)
{
    const int k = by_study(v) ? t->false_studies : t->false_comparisons;
    return 1 - cnn_binomial_cdf(k - 1, by_study(v) ? t->studies : t->comparisons, ALPHA);
}

static double few_p(const tally *t)
{
    return cnn_binomial_cdf(t->covered, t->intervals, 1 - ALPHA);
}

static double share(int k, int n)
{
    return n > 0 ? (double)k / n : NAN;
}

static bool has_excess(verdict v, const tally *t)
{
    return t->studies >= LEAST_FOR_EXCESS &&
           (by_study(v) ? share(t->false_studies, t->studies)
                        : share(t->false_comparisons, t->comparisons)) > EXCESS * ALPHA;
}

static bool has_deficit(const tally *t)
{
    return t->studies >= LEAST_FOR_EXCESS && share(t->covered, t->intervals) < 1 - EXCESS * ALPHA;
}

/** Smallest p of the two, of claims and coverage. */
static double least_p(verdict v, const tally *t)
{
    const double many = many_p(v, t);
    return t->intervals ? fmin(many, few_p(t)) : many;
}

static bool is_normal(int setting)
{
    return settings[setting].noise == CNN_NOISE_NORMAL &&
           settings[setting].outlier_probability <= 0;
}

/** Why a row fails, "" if it does not. */
static void judge(int row, int n, int assertions, const tally *t, cnn_text *why)
{
    const verdict v = rows[row].verdict;
    if (v == REPORT)
        return;
    if (settings[rows[row].setting].is_beyond) {
        cnn_text_append(why, " (not judged)");
        return;
    }
    if (many_p(v, t) < REFUSED / assertions || has_excess(v, t))
        cnn_text_append(why, " FALSE CLAIMS");
    if (t->intervals && (few_p(t) < REFUSED / assertions || has_deficit(t)))
        cnn_text_append(why, " COVERAGE");
    if (n >= LEAST_FOR_WITHHELD && is_normal(rows[row].setting) &&
        share(t->withheld, t->comparisons) > MOST_WITHHELD)
        cnn_text_append(why, " WITHHELD");
}

/** P(a row of a test exactly at its level fails by chance): of claims and of coverage. */
static double false_alarm(int trials, int studies, int assertions)
{
    int k = (int)(trials * ALPHA);
    while (1 - cnn_binomial_cdf(k - 1, trials, ALPHA) >= REFUSED / assertions &&
           !(studies >= LEAST_FOR_EXCESS && k > EXCESS * ALPHA * trials))
        k++;
    return 1 - cnn_binomial_cdf(k - 1, trials, ALPHA);
}

/** Clopper and Pearson's interval of a share. */
static cnn_interval share_interval(int k, int n)
{
    return (cnn_interval){k > 0 ? cnn_beta_quantile(0.025, k, n - k + 1) : 0,
                          k < n ? cnn_beta_quantile(0.975, k + 1, n - k) : 1};
}

/* ---- output ---------------------------------------------------------------------------------- */

static void print_head(void)
{
    printf("%-24s %-16s %3s %7s  %-22s %8s %8s %8s %7s %7s\n", "verdict", "setting", "n", "studies",
           "false claims, %", "family", "covered", "withheld", "power", "before");
}

static void print_row(int row, int n, const tally *t, const char *why)
{
    const verdict v = rows[row].verdict;
    const int k = by_study(v) ? t->false_studies : t->false_comparisons;
    const int all = by_study(v) ? t->studies : t->comparisons;
    const cnn_interval i = share_interval(k, all);
    printf("%-24s %-16s %3d %7d  %5.2f [%5.2f, %5.2f] %9.2f %8.2f %8.2f %7.1f %7.1f%s\n",
           verdicts[v].name, settings[rows[row].setting].name, n, t->studies, 100 * share(k, all),
           100 * i.low, 100 * i.high, 100 * share(t->false_studies, t->studies),
           100 * share(t->covered, t->intervals), 100 * share(t->withheld, t->comparisons),
           100 * share(t->found, t->alternatives), 100 * share(t->found_before, t->alternatives),
           why);
    fflush(stdout);
}

typedef struct {
    bool all, list;
    int part, parts, studies;
    const char *row;
} options;

static int studies_of(const options *o, int row, int n)
{
    const int planned = o->all ? rows[row].all[n] : rows[row].check[n];
    return planned && o->studies ? o->studies : planned;
}

/** "/faster/normal/8/" */
static bool is_wanted(const options *o, int row, int n, int number)
{
    char name[96];
    snprintf(name, sizeof name, "/%s/%s/%d/", verdicts[rows[row].verdict].name,
             settings[rows[row].setting].name, n_values[n]);
    return studies_of(o, row, n) && number % o->parts == o->part - 1 &&
           (!o->row || strstr(name, o->row));
}

static bool is_judged(int row)
{
    return rows[row].verdict != REPORT && !settings[rows[row].setting].is_beyond;
}

static int count_assertions(const options *o)
{
    int assertions = 0;
    for (int row = 0; row < COUNT(rows); row++)
        for (int n = 0; n < N_COUNT; n++)
            assertions += is_judged(row) ? 2 * (studies_of(o, row, n) > 0) : 0;
    return assertions;
}

/** Runs a row, again with more studies where the first ones leave it at the edge. */
static cnn_status run_and_judge(int row, int n, int studies, int assertions, bool *failed)
{
    cnn_status st = CNN_OK;
    tally t = {0};
    cnn_text why = {0};
    CNN_TRY(run_row(row, n, 0, studies, &t));
    const double p = least_p(rows[row].verdict, &t);
    if (is_judged(row) && p < REFUSED && p >= REFUSED / assertions) {
        CNN_TRY(run_row(row, n, studies, AGAIN * studies, &t));
        cnn_text_append(&why, " (repeated)");
    }
    const size_t before = why.len;
    judge(row, n, assertions, &t, &why);
    *failed |= why.len > before && is_judged(row);
    print_row(row, n, &t, why.s ? why.s : "");
done:
    cnn_text_free(&why);
    return st;
}

static cnn_status run_rows(const options *o, bool *failed)
{
    cnn_status st = CNN_OK;
    const int assertions = count_assertions(o);
    double alarm = 0;
    int number = 0;
    if (!o->list)
        print_head();
    for (int row = 0; row < COUNT(rows); row++)
        for (int n = 0; n < N_COUNT; n++) {
            const int studies = studies_of(o, row, n);
            if (!studies)
                continue;
            if (is_wanted(o, row, n, number++)) {
                if (o->list)
                    printf("%s %s %d %d %s\n", verdicts[rows[row].verdict].name,
                           settings[rows[row].setting].name, n_values[n], studies,
                           settings[rows[row].setting].title);
                else
                    CNN_TRY(run_and_judge(row, n_values[n], studies, assertions, failed));
            }
            if (!is_judged(row))
                continue;
            alarm += false_alarm(by_study(rows[row].verdict) ? studies : COMBINATIONS * studies,
                                 studies, assertions) +
                     false_alarm(COMBINATIONS * studies, studies, assertions);
        }
    printf("%d assertions; probability that one fails by chance where every test is exactly at its "
           "level: at most %.2f %%\n",
           assertions, 100 * alarm);
done:
    return st;
}

/** An option with a value; false: there is none of this name, or it does not take this value. */
static bool take_value(options *o, const char *name, const char *value)
{
    if (!strcmp(name, "--row")) {
        o->row = value;
        return *value != '\0';
    }
    if (!strcmp(name, "--studies"))
        return (o->studies = atoi(value)) > 0;
    return !strcmp(name, "--part") && sscanf(value, "%d/%d", &o->part, &o->parts) == 2 &&
           o->part >= 1 && o->part <= o->parts;
}

static cnn_status read_options(int argc, char **argv, options *o)
{
    cnn_status st = CNN_OK;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--all"))
            o->all = true;
        else if (!strcmp(argv[i], "--list"))
            o->list = true;
        else if (take_value(o, argv[i], value))
            i++;
        else
            CNN_CHECK(false, CNN_EUSAGE, "'%s': see the head of tests/studies/ground_truth.c",
                      argv[i]);
    }
done:
    return st;
}

int main(int argc, char **argv)
{
    cnn_status st = CNN_OK;
    options o = {.part = 1, .parts = 1};
    bool failed = false;
    CNN_TRY(read_options(argc, argv, &o));
    CNN_TRY(run_rows(&o, &failed));
done:
    if (st != CNN_OK)
        fprintf(stderr, "%s\n", cnn_error_message());
    return st != CNN_OK ? 2 : failed && !o.studies;
}
