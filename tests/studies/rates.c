/* SPDX-License-Identifier: Apache-2.0 */
#include "rates.h"

#include "stats/crossover.h"
#include "stats/equivalence.h"
#include "stats/multiple.h"
#include "stats/permutation.h"
#include "stats/rank_tests.h"
#include "stats/t_tests.h"
#include "stats/variance_tests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_SETTINGS = 8 };

cnn_status cnn_study_job(const cnn_study_setting *settings, int count, double ratio, cnn_job **out)
{
    cnn_status st = CNN_OK;
    char sets[2 * MOST_SETTINGS + 1][96];
    const char *list[2 * MOST_SETTINGS + 2] = {NULL};
    int n = 0;
    CNN_CHECK(count <= MOST_SETTINGS, CNN_EINVAL, "%d settings of a study", count);
    for (int i = 0; i < count; i++)
        for (int framework = 0; framework < 2; framework++) {
            snprintf(sets[n], sizeof sets[n], "factors.framework.%d.simulate.time.%s=%.17g",
                     framework, settings[i].key, settings[i].value);
            list[n] = sets[n];
            n++;
        }
    snprintf(sets[n], sizeof sets[n], "factors.framework.1.simulate.time.ratio=%.17g", ratio);
    list[n] = sets[n];
    CNN_TRY(cnn_job_read(CNN_STUDY_JOB, list, out));
done:
    return st;
}

/* ---- samples ------------------------------------------------------------------------------- */

cnn_status cnn_sample_take(const cnn_results *r, int combination, cnn_sample *out)
{
    cnn_status st = CNN_OK;
    *out = (cnn_sample){0};
    const size_t room = (size_t)r->run_count;
    out->a = calloc(room, sizeof *out->a);
    out->b = calloc(room, sizeof *out->b);
    out->at_a = calloc(room, sizeof *out->at_a);
    out->at_b = calloc(room, sizeof *out->at_b);
    CNN_CHECK(out->a && out->b && out->at_a && out->at_b, CNN_ENOMEM, "sample of %d runs",
              r->run_count);
    /* runs are ordered by block, then level */
    for (int i = 0; i + 1 < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        if (p->combination != combination || p->warmup || p->level != 0 ||
            r->status[i] != CNN_RUN_DONE || r->status[i + 1] != CNN_RUN_DONE)
            continue;
        out->at_a[out->n] = p->position;
        out->at_b[out->n] = r->planned[i + 1].position;
        out->a[out->n] = log(r->measured[i].train_seconds);
        out->b[out->n++] = log(r->measured[i + 1].train_seconds);
    }
done:
    return st;
}

void cnn_sample_free(cnn_sample *sample)
{
    free(sample->a);
    free(sample->b);
    free(sample->at_a);
    free(sample->at_b);
    *sample = (cnn_sample){0};
}

/* ---- rates --------------------------------------------------------------------------------- */

/** Tests over the two orders: of first minus second run. */
static cnn_status test_orders(const cnn_sample *s, double *flip_p, double *rank_p)
{
    cnn_status st = CNN_OK;
    cnn_sign_flip flip;
    cnn_rank_test ranks;
    int nx = 0, ny = 0;
    double *x = calloc((size_t)s->n + 1, sizeof *x), *y = calloc((size_t)s->n + 1, sizeof *y);
    CNN_CHECK(x && y, CNN_ENOMEM, "orders of %d blocks", s->n);
    for (int i = 0; i < s->n; i++)
        if (s->at_a[i] == 0)
            x[nx++] = s->a[i] - s->b[i];
        else
            y[ny++] = s->b[i] - s->a[i];
    CNN_TRY(cnn_two_sample_permutation(x, nx, y, ny, &flip));
    CNN_TRY(cnn_mann_whitney(x, nx, y, ny, &ranks));
    *flip_p = flip.p;
    *rank_p = ranks.p;
done:
    free(x);
    free(y);
    return st;
}

static cnn_status test_sample(const cnn_results *r, const cnn_sample *s, int tests,
                              double p[CNN_RATE_COUNT])
{
    cnn_status st = CNN_OK;
    cnn_crossover paired;
    const double level = 1 - r->alpha;
    CNN_TRY(cnn_crossover_fit(s->a, s->b, s->at_a, s->at_b, s->n, 2, level, NULL, &paired));
    p[CNN_RATE_STUDY] = p[CNN_RATE_WELCH] = cnn_t_welch(s->a, s->n, s->b, s->n, level).p;
    p[CNN_RATE_PAIRED] = paired.t.p;
    if (tests <= CNN_RATE_PAIRED + 1)
        goto done;
    CNN_TRY(test_orders(s, &p[CNN_RATE_SIGN_FLIP], &p[CNN_RATE_WILCOXON]));
    p[CNN_RATE_PITMAN_MORGAN] = cnn_pitman_morgan(s->a, s->b, s->n, level).p;
    p[CNN_RATE_TOST] = cnn_tost_ratio(&paired.t, r->margin_time, r->alpha).p;
done:
    return st;
}

static cnn_status judge_combination(const cnn_results *r, int combination, int tests,
                                    cnn_rates *out)
{
    cnn_status st = CNN_OK;
    cnn_sample s;
    double p[CNN_RATE_COUNT];
    CNN_TRY(cnn_sample_take(r, combination, &s));
    CNN_TRY(test_sample(r, &s, tests, p));
    const cnn_t_result welch = cnn_t_welch(s.a, s.n, s.b, s.n, 1 - r->alpha);
    for (int test = 0; test < tests; test++) {
        const bool found =
            test == CNN_RATE_STUDY ? cnn_study_significant(&welch) : p[test] <= r->alpha;
        out->found[test] += found;
        out->faster[test] += found && welch.difference < 0; /* on whole blocks that of all tests */
        out->p[test][out->comparisons] = p[test];
    }
    out->comparisons++;
done:
    cnn_sample_free(&s);
    return st;
}

/** Whether any of the study's comparisons (the last n) is found after correction. */
static cnn_status judge_family(int n, double alpha, int found_before, cnn_rate_test test,
                               cnn_rates *out)
{
    cnn_status st = CNN_OK;
    bool any = false;
    int left_out = 0;
    double *adjusted = calloc((size_t)n, sizeof *adjusted);
    CNN_CHECK(adjusted, CNN_ENOMEM, "family of %d tests", n);
    CNN_TRY(cnn_holm(out->p[test] + out->comparisons - n, n, adjusted, &left_out));
    for (int i = 0; i < n; i++)
        any |= adjusted[i] <= alpha;
    out->holm[test] += test == CNN_RATE_STUDY ? out->found[test] > found_before : any;
done:
    free(adjusted);
    return st;
}

static cnn_status judge_study(const cnn_results *r, int tests, cnn_rates *out)
{
    cnn_status st = CNN_OK;
    const int before = out->found[CNN_RATE_STUDY];
    for (int c = 0; c < r->combination_count; c++)
        CNN_TRY(judge_combination(r, c, tests, out));
    for (int test = 0; test < tests; test++)
        CNN_TRY(judge_family(r->combination_count, r->alpha, before, (cnn_rate_test)test, out));
    out->studies++;
done:
    return st;
}

cnn_status cnn_rates_find(cnn_job *job, int devices, cnn_study_order order, int first_seed,
                          int studies, int tests, cnn_rates *out)
{
    cnn_status st = CNN_OK;
    cnn_design *design = NULL;
    cnn_results *results = NULL;
    *out = (cnn_rates){0};
    for (int s = 0; s < studies; s++) {
        job->seed = (uint32_t)(first_seed + s);
        CNN_TRY(cnn_design_create(job, devices, &design));
        for (int test = 0; s == 0 && test < tests; test++) {
            const size_t room = (size_t)studies * (size_t)design->combination_count;
            out->p[test] = calloc(room, sizeof *out->p[test]);
            CNN_CHECK(out->p[test], CNN_ENOMEM, "p values of %d studies", studies);
        }
        CNN_TRY(cnn_study_run(job, design, order, &results));
        CNN_TRY(judge_study(results, tests, out));
        cnn_results_free(&results);
        cnn_design_destroy(&design);
    }
done:
    cnn_results_free(&results);
    cnn_design_destroy(&design);
    return st;
}

void cnn_rates_free(cnn_rates *rates)
{
    for (int test = 0; test < CNN_RATE_COUNT; test++)
        free(rates->p[test]);
    *rates = (cnn_rates){0};
}
