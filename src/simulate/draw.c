/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/draw.h"

#include "base/checksum.h"
#include "base/philox.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/** What a value is drawn for: the epoch word of the counter. Those of the test error are the ones
 *  of time plus MEASURE. */
typedef enum {
    DRAW_NODE,
    DRAW_DEVICE,
    DRAW_DEVICE_FRAMEWORK,
    DRAW_BLOCK,
    DRAW_RESIDUAL,
    DRAW_SEED,
    DRAW_RUN_RESIDUAL, /* of a test error that is no function of cell and seed */
    MEASURE = 16,
    DRAW_OUTLIER = 32,
    DRAW_DIVERGENCE,
    DRAW_NONDETERMINISM,
    DRAW_FAILURE,
    DRAW_HANG,
    DRAW_END, /* how an attempt fails, and after which epoch */
} draw_for;

typedef struct {
    double u, v; /* uniform in (0, 1) */
} pair;

static pair draw(uint32_t seed, int component, uint64_t index)
{
    const cnn_philox p = cnn_philox_at(seed, CNN_RANDOM_SIMULATE, (uint32_t)component, index);
    return (pair){((double)p.w[0] * 0x1p32 + p.w[1] + 0.5) * 0x1p-64,
                  ((double)p.w[2] * 0x1p32 + p.w[3] + 0.5) * 0x1p-64};
}

static double share(uint32_t seed, int component, uint64_t index)
{
    return draw(seed, component, index).v;
}

/** Standard deviation 1; df 0: normal. */
static double standard(uint32_t seed, int component, uint64_t index, double df)
{
    const pair p = draw(seed, component, index);
    const double angle = cos(2 * 3.14159265358979323846 * p.v);
    if (df > 0)
        return sqrt(df * (pow(p.u, -2 / df) - 1)) * angle * sqrt((df - 2) / df);
    return sqrt(-2 * log(p.u)) * angle;
}

static uint64_t add_name(uint64_t sum, const char *name)
{
    return cnn_checksum(sum, name, strlen(name) + 1);
}

/** Sum of the effects that both measures have but for the residual: node, device, block. */
static double shared_effects(const cnn_simulation *s, const char *framework,
                             const cnn_components *sd, int measure)
{
    const uint32_t machine =
        s->truth.machine_seed >= 0 ? (uint32_t)s->truth.machine_seed : s->job_seed;
    const uint64_t node = add_name(CNN_CHECKSUM_START, s->node), device = add_name(node, s->device);
    return sd->node * standard(machine, measure + DRAW_NODE, node, 0) +
           sd->device * standard(machine, measure + DRAW_DEVICE, device, 0) +
           sd->device_framework *
               standard(machine, measure + DRAW_DEVICE_FRAMEWORK, add_name(device, framework), 0) +
           sd->block * standard(s->job_seed, measure + DRAW_BLOCK, (uint64_t)s->block, 0);
}

static double draw_seconds(const cnn_simulation *s, const char *framework, int run, int epochs)
{
    const cnn_truth *t = &s->truth;
    const double median = t->time.run > 0 ? t->time.run : t->time.epoch * epochs;
    double x = log(median * t->time.ratio) + t->time.drift * s->order;
    x += shared_effects(s, framework, &t->time.sd, 0);
    x += t->time.sd.residual * standard(s->job_seed, DRAW_RESIDUAL, (uint64_t)run, t->time.sd.df);
    if (share(s->job_seed, DRAW_OUTLIER, (uint64_t)run) < t->time.outlier_probability)
        x += log(t->time.outlier_factor);
    return exp(x);
}

/** The cell with the seed. */
static uint64_t result_index(const cnn_simulation *s, uint32_t seed)
{
    const uint64_t cell = add_name(CNN_CHECKSUM_START, s->cell);
    return cnn_checksum(cell, &seed, sizeof seed);
}

static double draw_error(const cnn_simulation *s, const char *framework, int run, uint32_t seed,
                         bool deterministic)
{
    const cnn_components *sd = &s->truth.error.sd;
    const int residual = deterministic ? DRAW_RESIDUAL : DRAW_RUN_RESIDUAL;
    const uint64_t index = deterministic ? result_index(s, seed) : (uint64_t)run;
    const double x = s->truth.error.mean + s->truth.error.effect +
                     shared_effects(s, framework, sd, MEASURE) +
                     sd->seed * standard(s->job_seed, MEASURE + DRAW_SEED, seed, 0) +
                     sd->residual * standard(s->job_seed, MEASURE + residual, index, sd->df);
    return fmin(fmax(x, 0), 1);
}

/** The same weights err alike: the error is part of what the checksum is taken of. */
static void set_checksum(const cnn_simulation *s, int run, uint32_t seed, bool deterministic,
                         cnn_simulated_result *r)
{
    uint64_t sum = result_index(s, seed);
    sum = cnn_checksum(sum, &r->test_error, sizeof r->test_error);
    if (!deterministic)
        sum = cnn_checksum(sum, &run, sizeof run);
    snprintf(r->checksum, sizeof r->checksum, "%016" PRIx64, sum);
}

/** One of n: 0 .. n - 1. */
static int choose(double u, int n)
{
    const int i = (int)(u * n);
    return i < n ? i : n - 1;
}

/** How the attempt ends, and how many epochs it reports before. */
static void decide_end(const cnn_simulation *s, int run, int epochs, cnn_simulated_result *r)
{
    static const cnn_simulated_end failures[] = {CNN_SIMULATED_ERROR, CNN_SIMULATED_EXIT,
                                                 CNN_SIMULATED_SIGNAL};
    const uint64_t attempt = (uint64_t)run << 32 | (uint32_t)s->attempt;
    const pair way = draw(s->job_seed, DRAW_END, attempt);
    const pair divergence = draw(s->job_seed, DRAW_DIVERGENCE, (uint64_t)run);
    r->end = CNN_SIMULATED_DONE;
    r->epochs = epochs;
    if (share(s->job_seed, DRAW_FAILURE, attempt) < s->truth.failures) {
        r->end = failures[choose(way.u, 3)];
        r->epochs = choose(way.v, epochs);
    } else if (share(s->job_seed, DRAW_HANG, attempt) < s->truth.hangs) {
        r->end = CNN_SIMULATED_HANG;
        r->epochs = choose(way.v, epochs);
    } else if (divergence.v < s->truth.divergence) {
        r->end = CNN_SIMULATED_DIVERGED;
        r->epochs = 1 + choose(divergence.u, epochs);
    }
}

cnn_simulated_result cnn_simulate_run(const cnn_simulation *s, const char *framework, int run,
                                      uint32_t seed, int epochs)
{
    cnn_simulated_result r = {0};
    const bool deterministic =
        share(s->job_seed, DRAW_NONDETERMINISM, (uint64_t)run) >= s->truth.nondeterminism;
    r.epoch_seconds = draw_seconds(s, framework, run, epochs) / epochs;
    r.test_error = draw_error(s, framework, run, seed, deterministic);
    set_checksum(s, run, seed, deterministic, &r);
    decide_end(s, run, epochs, &r);
    return r;
}

double cnn_simulated_error(const cnn_simulated_result *r, int epoch, int epochs)
{
    const double left = (double)(epochs - 1 - epoch) / epochs;
    return r->test_error + (1 - r->test_error) * left;
}

double cnn_simulated_loss(double error)
{
    return error * 2.302585092994045684 / 0.9;
}
