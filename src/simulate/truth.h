/* SPDX-License-Identifier: Apache-2.0 */
/** The stated truth of a simulated framework: `simulate:` of a job file, from which the times and
 *  test errors of its runs are drawn (simulate/draw.h). docs/job-files.md describes every key. */
#ifndef CNN_SIMULATE_TRUTH_H
#define CNN_SIMULATE_TRUTH_H

#include "base/text.h"
#include "base/yaml.h"

/** Standard deviations of normal effects, 0 where there is none. Each is drawn once for what it is
 *  named after, so that all runs of a node, say, share its effect. */
typedef struct {
    double node;
    double device;           /* within its node */
    double device_framework; /* of one framework on one device */
    double block;
    double seed;     /* of the run's seed; test error only */
    double residual; /* of the run */
    double df;       /* of Student's t for the residual, above 2; 0: normal. Its standard deviation
                        is `residual` all the same */
} cnn_components;

typedef struct {
    struct {
        double run;        /* median seconds of a run; 0: see epoch */
        double epoch;      /* median seconds of an epoch; 0: see run */
        double ratio;      /* factor on both: the effect of this level */
        double drift;      /* of log time, from each run of a device to its next */
        cnn_components sd; /* of log time */
        double outlier_probability, outlier_factor; /* of runs whose time is multiplied */
    } time;
    struct {
        double mean;   /* of test error, 0 to 1 */
        double effect; /* of this level: added to the mean */
        cnn_components sd;
    } error;
    double failures, hangs; /* probabilities of an attempt */
    double divergence;      /* probability of a run */
    double nondeterminism;  /* share of runs whose result is not a function of cell and seed */
    int devices_per_node; /* ranks stand for devices of nodes of so many; 0: for what they run on */
    int machine_seed;     /* of the effects of nodes and devices; -1: the job's seed */
    double sleep;         /* real seconds for each simulated one */
    struct {
        int parameters, train_images, test_images;
        int threads; /* 0: those of the specification */
    } reports;       /* what the trainer says of itself, whatever it simulates */
} cnn_truth;

/** No effects at all; 1 second a run, a test error of 0.1. */
cnn_truth cnn_truth_defaults(void);

/** Reads the mapping into *out, defaults first; errors go into y. */
void cnn_truth_read(cnn_yaml *y, struct fy_node *node, cnn_truth *out);
/** Appends the JSON object that cnn_truth_read reads back unchanged. */
void cnn_truth_write_json(const cnn_truth *truth, cnn_text *out);

#endif
