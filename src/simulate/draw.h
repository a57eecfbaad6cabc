/* SPDX-License-Identifier: Apache-2.0 */
/** What a simulated run comes to: a pure function of the truth, the job's seed and the names and
 *  numbers of the run's node, device, block and place. Nothing is remembered between runs, and all
 *  runs of a device share its effect, because they draw it from the same counter.
 *
 *  A normal value z of (key, component, index): Philox (base/philox.h) at key = seed, purpose
 *  CNN_RANDOM_SIMULATE, epoch = component, index gives words w0..w3;
 *      u = (w0 2^32 + w1 + 0.5) / 2^64, v = (w2 2^32 + w3 + 0.5) / 2^64,
 *      z = sqrt(-2 ln u) cos(2 pi v)                              (Box and Muller 1958)
 *  and one of Student's t with df degrees of freedom, scaled to a variance of 1,
 *      z = sqrt(df (u^(-2/df) - 1)) cos(2 pi v) sqrt((df - 2)/df)         (Bailey 1994)
 *  A share is v. Names become an index by FNV-1a over their bytes, each with its closing NUL.
 *
 *      ln seconds = ln(median ratio) + drift * order
 *                   + node z(node) + device z(node, device)
 *                   + device_framework z(node, device, framework)
 *                   + block z(block) + residual z(run) [+ ln factor, of an outlier]
 *      test error = mean + effect + the same of its own components + seed z(seed) + residual
 *  z(cell, seed), cut at 0 and 1
 *
 *  where the last index is the run where training is not deterministic. Node and devices draw under
 *  machine_seed, everything else under the job's seed. */
#ifndef CNN_SIMULATE_DRAW_H
#define CNN_SIMULATE_DRAW_H

#include "simulate/simulation.h"

/** How an attempt ends. */
typedef enum {
    CNN_SIMULATED_DONE,
    CNN_SIMULATED_DIVERGED, /* a result: the loss of the last epoch is not finite */
    CNN_SIMULATED_ERROR,    /* an error event, exit code 1 */
    CNN_SIMULATED_EXIT,     /* exit code 9 without one */
    CNN_SIMULATED_SIGNAL,   /* SIGKILL */
    CNN_SIMULATED_HANG,     /* no further event */
} cnn_simulated_end;

typedef struct {
    cnn_simulated_end end;
    int epochs;           /* that are reported, the diverging one included */
    double epoch_seconds; /* of each; the whole run has as many as are planned */
    double test_error;    /* after the last planned epoch */
    char checksum[17];    /* of the final weights: equal where cell, seed and test error are */
} cnn_simulated_result;

/** Draws an attempt. framework: the level's name; run: row of the results file; seed: the run's;
 *  epochs: as planned. */
cnn_simulated_result cnn_simulate_run(const cnn_simulation *simulation, const char *framework,
                                      int run, uint32_t seed, int epochs);

/** Test error after an epoch (from 0): falls from 1 in equal steps to the last epoch's. */
double cnn_simulated_error(const cnn_simulated_result *result, int epoch, int epochs);
/** A loss in nats for a test error: ln(10) at 0.9, the error of guessing among ten classes. */
double cnn_simulated_loss(double error);

#endif
