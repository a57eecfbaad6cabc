/* SPDX-License-Identifier: Apache-2.0 */
/* The fit as callers see it: estimates in the units of y, intervals, tests. */
#include "stats/mixed/internal.h"

#include "stats/dist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A fit under way. */
typedef struct {
    cnn_mixed_model *model;
    cnn_mixed_space *space;
    double *reml, *ml, *x; /* [count of the space] estimates, scratch */
    cnn_mixed_optimum reml_optimum, ml_optimum;
    int saturated_degrees; /* of freedom, left by the fit of all effects as fixed ones */
    cnn_mixed_fit *fit;
} work;

static const cnn_mixed_estimate unknown = {.variance = NAN,
                                           .sd = NAN,
                                           .share = NAN,
                                           .ml_variance = NAN,
                                           .low = NAN,
                                           .high = NAN,
                                           .statistic = NAN,
                                           .p = NAN};

static cnn_status fit_alloc(const cnn_mixed_data *data, cnn_mixed_fit **out)
{
    cnn_status st = CNN_OK;
    const size_t levels = (size_t)data->level_count;
    cnn_mixed_fit *f = calloc(1, sizeof *f);
    CNN_CHECK(f, CNN_ENOMEM, "mixed model: fit");
    f->level_count = data->level_count;
    f->mean = calloc(levels, sizeof *f->mean);
    f->covariance = calloc(levels * levels, sizeof *f->covariance);
    f->residual = calloc(levels, sizeof *f->residual);
    CNN_CHECK(f->mean && f->covariance && f->residual, CNN_ENOMEM, "mixed model: fit");
    for (size_t i = 0; i < levels; i++) {
        f->mean[i] = NAN;
        f->residual[i] = unknown;
    }
    for (size_t i = 0; i < levels * levels; i++)
        f->covariance[i] = NAN;
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        f->component[k] = unknown;
    f->residual_statistic = f->residual_p = f->total_variance = NAN;
    f->reml_log_likelihood = f->ml_log_likelihood = NAN;
    *out = f;
    f = NULL;
done:
    cnn_mixed_fit_destroy(&f);
    return st;
}

void cnn_mixed_fit_destroy(cnn_mixed_fit **fit)
{
    if (!fit || !*fit)
        return;
    free((*fit)->mean);
    free((*fit)->covariance);
    free((*fit)->residual);
    free(*fit);
    *fit = NULL;
}

/** Squares of a level's runs about their means on each device. */
static double squares_within_devices(const cnn_mixed_model *m, int level)
{
    double squares = 0;
    for (int d = 0; d < m->devices; d++) {
        double runs = 0, sum = 0, about_centre = m->device_within[d * m->levels + level];
        for (int k = m->first_kind[d]; k < m->first_kind[d + 1]; k++) {
            const double in_block = m->kind_runs[k * m->levels + level];
            runs += in_block * m->kind_blocks[k];
            sum += in_block * m->kind_mean[k * m->levels + level];
            about_centre += in_block * m->kind_spread[(k * m->levels + level) * m->levels + level];
        }
        squares += runs > 0 ? about_centre - sum * sum / runs : 0;
    }
    return squares;
}

/** Squares of the differences of two levels in a block about their means on each device; *degrees:
 *  blocks that have both, less devices that do. */
static double squares_of_differences(const cnn_mixed_model *m, int i, int j, double *degrees)
{
    double squares = 0;
    *degrees = 0;
    for (int d = 0; d < m->devices; d++) {
        double blocks = 0, sum = 0, about_centre = 0;
        for (int k = m->first_kind[d]; k < m->first_kind[d + 1]; k++) {
            const double *runs = m->kind_runs + k * m->levels, *mean = m->kind_mean + k * m->levels;
            if (runs[i] == 0 || runs[j] == 0)
                continue;
            blocks += m->kind_blocks[k];
            sum += mean[i] - mean[j];
            about_centre += m->kind_spread[(k * m->levels + i) * m->levels + j];
        }
        squares += blocks > 0 ? about_centre - sum * sum / blocks : 0;
        *degrees += blocks > 0 ? blocks - 1 : 0;
    }
    return squares;
}

/** Is there a level whose runs are the same on every device, though they are repeated there, or a
 *  pair of levels that differs by the same amount in every block? Residual variances would go to
 *  zero, and the likelihood to infinity. */
static bool has_constant_level(const cnn_mixed_model *m)
{
    const double tiny = 1e-14; /* of the variance within levels */
    for (int i = 0; i < m->levels; i++) {
        if (m->level_runs[i] > m->devices && squares_within_devices(m, i) < tiny * m->level_runs[i])
            return true;
        for (int j = 0; j < i; j++) {
            double degrees = 0;
            const double squares = squares_of_differences(m, i, j, &degrees);
            if (degrees > 0 && squares < tiny * degrees)
                return true;
        }
    }
    return false;
}

/* A common one is never estimated below the saturated mean square, nor is the end of its interval
 * far from it; one level's may be zero, and so may the common one of a design that leaves the
 * saturated fit no degrees of freedom. A mean square that is tiny by chance, of few degrees, makes
 * no floor at which the likelihood is nothing but rounding. */
cnn_status cnn_mixed_residual_floor(cnn_mixed_model *m, const cnn_mixed_design *design,
                                    bool per_level, double *out)
{
    cnn_status st = CNN_OK;
    double saturated = 0;
    int degrees = 0;
    CNN_TRY(cnn_mixed_saturated(m, design, &saturated, &degrees));
    saturated /= m->runs;
    *out = degrees == 0 ? 1e-6
           : per_level  ? fmax(1e-6 * saturated, fmin(1e-8, 1e-3 * saturated))
                        : 1e-3 * saturated;
done:
    return st;
}

/** Whether there is something to fit; else state has the reason. */
static cnn_status prepare(work *w, const cnn_mixed_data *data, bool *ready)
{
    cnn_status st = CNN_OK;
    cnn_mixed_fit *f = w->fit;
    double saturated = 0, floor = 0;
    int degrees = 0;
    bool varies = false;
    *ready = false;
    CNN_TRY(cnn_mixed_design_of(w->model, data->residual_per_level, &f->design));
    if (data->n <= w->model->levels || f->design.reason[CNN_MIXED_RESIDUAL]) {
        f->state = CNN_MIXED_TOO_FEW_RUNS;
        goto done;
    }
    CNN_TRY(cnn_mixed_model_sums(w->model, data->y, &varies));
    if (!varies) {
        f->state = CNN_MIXED_NO_VARIANCE;
        goto done;
    }
    CNN_TRY(cnn_mixed_saturated(w->model, &f->design, &saturated, &degrees));
    w->saturated_degrees = degrees;
    if (degrees > 0 && saturated < 1e-14 * data->n) {
        f->state = CNN_MIXED_NO_RESIDUAL;
        goto done;
    }
    if (f->design.residual_per_level == CNN_REASON_NONE && has_constant_level(w->model))
        f->design.residual_per_level = CNN_REASON_CONSTANT_LEVEL;
    const bool per_level = f->design.residual_per_level == CNN_REASON_NONE;
    CNN_TRY(cnn_mixed_residual_floor(w->model, &f->design, per_level, &floor));
    CNN_TRY(cnn_mixed_space_create(w->model, &f->design, per_level, floor, &w->space));
    w->reml = calloc(3 * (size_t)w->space->count, sizeof *w->reml);
    CNN_CHECK(w->reml, CNN_ENOMEM, "mixed model: fit");
    w->ml = w->reml + w->space->count;
    w->x = w->reml + 2 * w->space->count;
    *ready = true;
done:
    return st;
}

static void worse_state(cnn_mixed_fit *f, cnn_mixed_state state)
{
    if (state > f->state)
        f->state = state;
}

/** Where effects, taken as fixed ones, explain all values, the likelihood may be the highest with a
 *  residual of zero; that says nothing of the runs. */
static bool has_zero_residual(const work *w)
{
    int residuals = 0, zeros = 0;
    for (int k = 0; k < w->space->count; k++)
        if (w->space->index[k] >= CNN_MIXED_FIRST_RESIDUAL) {
            residuals++;
            zeros += w->reml[k] <= w->space->floor[k];
        }
    return zeros == residuals || (w->saturated_degrees == 0 && zeros > 0);
}

/** REML and ML estimates. */
static cnn_status estimate(work *w)
{
    cnn_status st = CNN_OK;
    for (int k = 0; k < w->space->count; k++)
        w->reml[k] = 1.0 / w->space->count;
    CNN_TRY(cnn_mixed_search_all(w->space, true, -1, w->reml, &w->reml_optimum));
    memcpy(w->ml, w->reml, (size_t)w->space->count * sizeof *w->ml);
    CNN_TRY(cnn_mixed_search_all(w->space, false, -1, w->ml, &w->ml_optimum));
    worse_state(w->fit, w->reml_optimum.state);
    worse_state(w->fit, w->ml_optimum.state);
    if (has_zero_residual(w))
        worse_state(w->fit, CNN_MIXED_ZERO_RESIDUAL);
done:
    return st;
}

/** Where parameter k of the space goes. */
static cnn_mixed_estimate *estimate_of(const work *w, int k)
{
    const int index = w->space->index[k];
    if (index < CNN_MIXED_FIRST_RESIDUAL || w->space->common_residual)
        return &w->fit->component[index];
    for (int l = 0; l < w->model->level_count; l++)
        if (w->model->used[l] == index - CNN_MIXED_FIRST_RESIDUAL)
            return &w->fit->residual[l];
    return NULL;
}

static void store_means(const work *w)
{
    cnn_mixed_fit *f = w->fit;
    const cnn_mixed_model *m = w->model;
    cnn_mixed_space_deviance(w->space, w->reml, true, NULL, NULL);
    for (int a = 0; a < m->level_count; a++) {
        if (m->used[a] < 0)
            continue;
        f->mean[a] = m->level_mean[m->used[a]] + m->scale * m->mean[m->used[a]];
        for (int b = 0; b < m->level_count; b++)
            if (m->used[b] >= 0)
                f->covariance[a * m->level_count + b] =
                    m->scale * m->scale * m->covariance[m->used[a] * m->levels + m->used[b]];
    }
}

static void store_variances(const work *w)
{
    const double unit = w->model->scale * w->model->scale;
    cnn_mixed_estimate *residual = &w->fit->component[CNN_MIXED_RESIDUAL];
    double sum = 0;
    for (int k = 0; k < w->space->count; k++) {
        cnn_mixed_estimate *e = estimate_of(w, k);
        e->identified = true;
        e->at_zero = w->reml[k] <= w->space->floor[k];
        e->variance = e->at_zero ? 0 : unit * w->reml[k];
        e->sd = sqrt(e->variance);
        e->ml_variance = w->ml[k] <= w->space->floor[k] ? 0 : unit * w->ml[k];
        sum += w->space->index[k] >= CNN_MIXED_FIRST_RESIDUAL ? e->variance : 0;
    }
    if (!w->space->common_residual) {
        residual->identified = true;
        residual->variance = sum / w->model->levels;
        residual->sd = sqrt(residual->variance);
    }
}

static void store_shares(cnn_mixed_fit *f)
{
    double total = 0;
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        total += f->component[k].identified ? f->component[k].variance : 0;
    f->total_variance = total;
    for (int k = 0; k < CNN_MIXED_COMPONENT_COUNT; k++)
        f->component[k].share = f->component[k].variance / total;
    const double others = total - f->component[CNN_MIXED_RESIDUAL].variance;
    for (int l = 0; l < f->level_count; l++)
        f->residual[l].share = f->residual[l].variance / (others + f->residual[l].variance);
}

static void store_likelihoods(const work *w)
{
    const cnn_mixed_model *m = w->model;
    const double log_unit = log(m->scale);
    w->fit->reml_log_likelihood = -w->reml_optimum.deviance / 2 - (m->runs - m->levels) * log_unit;
    w->fit->ml_log_likelihood = -w->ml_optimum.deviance / 2 - m->runs * log_unit;
}

/** Intervals of all parameters; again from the start where a profile comes upon a better optimum.
 */
static cnn_status intervals(work *w, double confidence)
{
    cnn_status st = CNN_OK;
    int restarts = 0;
    for (int k = 0; k < w->space->count; k++) {
        double low = NAN, high = NAN;
        bool better = false;
        CNN_TRY(cnn_mixed_profile(w->space, k, confidence, w->ml, &w->ml_optimum.deviance, &low,
                                  &high, &better));
        if (better && restarts++ < 3) {
            CNN_TRY(cnn_mixed_search_all(w->space, false, -1, w->ml, &w->ml_optimum));
            k = -1;
            continue;
        }
        cnn_mixed_estimate *e = estimate_of(w, k);
        e->low = w->model->scale * low;
        e->high = w->model->scale * high;
        if (isnan(low) || isnan(high))
            worse_state(w->fit, CNN_MIXED_FLAT);
    }
done:
    return st;
}

/** One component left out at a time. */
static cnn_status component_tests(work *w)
{
    cnn_status st = CNN_OK;
    for (int k = 0; k < w->space->count; k++) {
        if (w->space->index[k] >= CNN_MIXED_FIRST_RESIDUAL)
            continue;
        cnn_mixed_optimum without;
        cnn_mixed_estimate *e = estimate_of(w, k);
        memcpy(w->x, w->reml, (size_t)w->space->count * sizeof *w->x);
        w->x[k] = 0;
        CNN_TRY(cnn_mixed_search_all(w->space, true, k, w->x, &without));
        worse_state(w->fit, without.state == CNN_MIXED_NOT_CONVERGED ? CNN_MIXED_NOT_CONVERGED
                                                                     : CNN_MIXED_CONVERGED);
        e->statistic = e->at_zero ? 0 : fmax(0, without.deviance - w->reml_optimum.deviance);
        e->p = e->statistic > 0 ? cnn_chi_squared_sf(e->statistic, 1) / 2 : 1;
    }
done:
    return st;
}

/** Are the levels' residual variances equal? */
static cnn_status residual_test(work *w)
{
    cnn_status st = CNN_OK;
    cnn_mixed_space *equal = NULL;
    cnn_mixed_optimum optimum;
    const int last = w->space->count - w->model->levels; /* where the common one is */
    double mean = 0;
    if (w->space->common_residual)
        goto done;
    CNN_TRY(
        cnn_mixed_space_create(w->model, &w->fit->design, false, w->space->floor[last], &equal));
    memcpy(w->x, w->reml, (size_t)equal->count * sizeof *w->x);
    for (int k = last; k < w->space->count; k++)
        mean += w->reml[k] / w->model->levels;
    w->x[last] = mean;
    CNN_TRY(cnn_mixed_search_all(equal, true, -1, w->x, &optimum));
    w->fit->residual_statistic = fmax(0, optimum.deviance - w->reml_optimum.deviance);
    w->fit->residual_p = cnn_chi_squared_sf(w->fit->residual_statistic, w->model->levels - 1);
done:
    cnn_mixed_space_destroy(&equal);
    return st;
}

cnn_status cnn_mixed_fit_create(const cnn_mixed_data *data, cnn_mixed_options options,
                                cnn_mixed_fit **out)
{
    cnn_status st = CNN_OK;
    work w = {0};
    bool ready = false;
    CNN_CHECK(data && out, CNN_EINVAL, "mixed model: data and out must not be NULL");
    CNN_CHECK(options.confidence >= 0 && options.confidence < 1, CNN_EINVAL,
              "mixed model: confidence %g is not in 0..1", options.confidence);
    CNN_TRY(cnn_mixed_model_create(data, &w.model));
    for (int i = 0; i < data->n; i++)
        CNN_CHECK(isfinite(data->y[i]), CNN_EINVAL, "mixed model: run %d has no finite value", i);
    CNN_TRY(fit_alloc(data, &w.fit));
    CNN_TRY(prepare(&w, data, &ready));
    if (ready) {
        CNN_TRY(estimate(&w));
        if (options.confidence > 0)
            CNN_TRY(intervals(&w, options.confidence));
        store_variances(&w);
        store_shares(w.fit);
        store_likelihoods(&w);
        store_means(&w);
        if (options.tests) {
            CNN_TRY(component_tests(&w));
            CNN_TRY(residual_test(&w));
        }
    }
    if (!ready || w.space->common_residual) {
        free(w.fit->residual);
        w.fit->residual = NULL;
    }
    w.fit->evaluations = w.model->evaluations;
    *out = w.fit;
    w.fit = NULL;
done:
    free(w.reml);
    cnn_mixed_fit_destroy(&w.fit);
    cnn_mixed_space_destroy(&w.space);
    cnn_mixed_model_destroy(&w.model);
    return st;
}

double cnn_mixed_difference(const cnn_mixed_fit *fit, int a, int b, double *standard_error)
{
    const int n = fit->level_count;
    const bool known = a >= 0 && a < n && b >= 0 && b < n;
    *standard_error = known ? sqrt(fit->covariance[a * n + a] + fit->covariance[b * n + b] -
                                   2 * fit->covariance[a * n + b])
                            : NAN;
    return known ? fit->mean[a] - fit->mean[b] : NAN;
}
