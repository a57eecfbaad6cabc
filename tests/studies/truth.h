/* SPDX-License-Identifier: Apache-2.0 */
/** Studies with a known truth and realistic noise, drawn in memory: thousands a second. The plan is
 *  that of a real design; only what the runs measure is drawn. Everything is a pure function of the
 *  setting, the truth and the study's number. */
#ifndef CNN_TESTS_STUDIES_TRUTH_H
#define CNN_TESTS_STUDIES_TRUTH_H

#include "design/design.h"
#include "results/results.h"

#include <stdbool.h>

/** Distribution of a run's residual, scaled to a variance of 1; outliers are added to normal ones. */
typedef enum {
    CNN_NOISE_NORMAL,
    CNN_NOISE_T5,
    CNN_NOISE_T3,
    CNN_NOISE_LOGNORMAL,
    CNN_NOISE_AR1, /* normal, with a correlation of 0.8 between successive runs of a device */
    CNN_NOISE_T2,  /* without a variance: scaled to a normal's quartiles */
    CNN_NOISE_EXPONENTIAL,
} cnn_noise;

/** Log time = level's effect + device + device x level + drift * place on the device + position +
 *  residual + outlier, and effects of the session with level and device. Test error = level's effect + seed + residual, in steps of 1 / test_images. */
typedef struct {
    const char *name, *title;
    int devices, levels;
    cnn_noise noise;
    double device_sd, device_level_sd;
    bool on_average_equal; /* device x level effects cancel over the blocks of each combination */
    double drift;          /* per run */
    double first_slower;   /* added to the first run of each block */
    double outlier_probability,
        outlier_size;  /* of log time; of errors a quarter, in residual sds */
    double two_clocks; /* added while a device is in its slow state, which changes with probability
                          0.3 from run to run */
    double ramp; /* added to all but the first run of a block: times a draw of 0..2 for each */
    double session_shift; /* added to the second half of a device's runs */
    double season;        /* amplitude of a sine with a period of 7 runs */
    double walk;          /* sd of a step of a device's random walk, one step a run */
    double noisy_device;  /* factor of the residual sd of device 0; 0: 1 */
    double level_spread;  /* ratio of residual sds where spreads are not judged; 0: 1 */
    double level_fails;   /* share of the runs of levels above 0 that fail as well */
    double failure_probability;
    double log_ratio; /* true one in rows of power; 0: the verdict's own */
    uint32_t seed;    /* of the draws; 0: those of the first settings */
    bool is_beyond;   /* the tests' assumptions: printed, not judged */
    bool crossed;     /* crossed seeds: runs of one seed and level end in the same weights */
    bool pooled;      /* two files of half the blocks each; crossed: of the same seeds */
    bool looks;       /* declared, at 33 %, 67 % and all of the blocks: cnn_truth_look */
    int test_images;  /* 0: 10,000 */
    /* Two files of the same devices, measured at different times (cnn_truth_plan_create: file). */
    bool same_devices; /* effects of devices are those of the study, not of the file */
    int sessions;      /* of a file, over which its blocks are dealt; 0: one */
    double session_sd; /* of a session, shared by its runs */
    double level_session_sd, device_session_sd, device_level_session_sd;
} cnn_truth_setting;

/** What is true of level 1 and higher against level 0. */
typedef struct {
    double log_ratio; /* of times */
    double error;     /* difference of test errors */
    double spread;    /* ratio of the residual's sd */
    double time_sd;   /* residual sd of log time */
    double error_sd;  /* of test error */
    bool with_times, with_errors;
    double change;          /* of log time, of levels above 0 in files above 0 */
    bool first_combination; /* it is of combination 0 alone */
} cnn_truth_of_levels;

typedef struct cnn_truth_plan cnn_truth_plan;

/** The plan of studies of a setting with n blocks (crossed: n seeds on every device) of each of
 *  `combinations` combinations. file: 0, 1, ...: another file of the same plan, of which only the
 *  times differ where seeds are crossed. *out is owned by the caller. */
cnn_status cnn_truth_plan_create(const cnn_truth_setting *setting, int combinations, int n,
                                 int file, cnn_truth_plan **out);
void cnn_truth_plan_destroy(cnn_truth_plan **plan);

/** Draws study number `study` and returns its results, which stay the plan's and hold until the
 *  next call. */
const cnn_results *cnn_truth_draw(cnn_truth_plan *plan, const cnn_truth_of_levels *truth,
                                  uint32_t study);

/** Leaves of the study that was drawn last only the runs of look k (from 0): the others are not
 *  done yet. Later looks can follow, not earlier ones: draw again. */
enum { CNN_TRUTH_LOOKS = 3 };
const cnn_results *cnn_truth_look(cnn_truth_plan *plan, int k);

#endif
