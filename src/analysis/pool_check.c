/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/pool_check.h"

#include "analysis/stored_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Two files that are to be one study. */
typedef struct {
    const cnn_results *a, *b;
    const char *path_a, *path_b;
} couple;

#define CANNOT_POOL "'%s' and '%s' are no parts of one study: "

static cnn_status check_factors(const couple *c)
{
    cnn_status st = CNN_OK;
    const cnn_results *a = c->a, *b = c->b;
    CNN_CHECK(a->factor_count == b->factor_count, CNN_EUSAGE, CANNOT_POOL "%d and %d factors",
              c->path_a, c->path_b, a->factor_count, b->factor_count);
    for (int f = 0; f < a->factor_count; f++) {
        const cnn_results_factor *x = &a->factors[f], *y = &b->factors[f];
        CNN_CHECK(!strcmp(x->name, y->name), CNN_EUSAGE, CANNOT_POOL "factor %d is %s and %s",
                  c->path_a, c->path_b, f + 1, x->name, y->name);
        CNN_CHECK(x->level_count == y->level_count, CNN_EUSAGE,
                  CANNOT_POOL "factor %s has %d and %d levels", c->path_a, c->path_b, x->name,
                  x->level_count, y->level_count);
        for (int l = 0; l < x->level_count; l++)
            CNN_CHECK(!strcmp(x->labels[l], y->labels[l]), CNN_EUSAGE,
                      CANNOT_POOL "level %d of %s is %s and %s", c->path_a, c->path_b, l + 1,
                      x->name, x->labels[l], y->labels[l]);
    }
    CNN_CHECK(a->metric_count == b->metric_count && a->is_measurement == b->is_measurement,
              CNN_EUSAGE, CANNOT_POOL "their metrics or their kinds differ", c->path_a, c->path_b);
    for (int m = 0; m < a->metric_count; m++)
        CNN_CHECK(!strcmp(a->metrics[m].name, b->metrics[m].name) &&
                      a->metrics[m].is_ratio == b->metrics[m].is_ratio &&
                      !strcmp(a->metrics[m].units, b->metrics[m].units) &&
                      a->metrics[m].better == b->metrics[m].better &&
                      (a->metrics[m].margin == b->metrics[m].margin ||
                       (isnan(a->metrics[m].margin) && isnan(b->metrics[m].margin))),
                  CNN_EUSAGE,
                  CANNOT_POOL "metric %d is %s and %s, or their unit, comparison, margin or better "
                              "direction differ",
                  c->path_a, c->path_b, m + 1, a->metrics[m].name, b->metrics[m].name);
    CNN_CHECK(a->contrast == b->contrast, CNN_EUSAGE, CANNOT_POOL "their contrasts are %s and %s",
              c->path_a, c->path_b, a->factors[a->contrast].name, b->factors[b->contrast].name);
done:
    return st;
}

static cnn_status check_number(const couple *c, const char *what, double a, double b)
{
    if (a == b)
        return CNN_OK;
    return cnn_error_set(CNN_EUSAGE, CANNOT_POOL "%s is %g and %g", c->path_a, c->path_b, what, a,
                         b);
}

static cnn_status check_numbers(const couple *c)
{
    cnn_status st = CNN_OK;
    const cnn_results *a = c->a, *b = c->b;
    const char *on_a = a->backend ? a->backend : "", *on_b = b->backend ? b->backend : "";
    CNN_CHECK(!strcmp(on_a, on_b), CNN_EUSAGE, CANNOT_POOL "their backends are %s and %s",
              c->path_a, c->path_b, on_a, on_b);
    CNN_TRY(check_number(c, "alpha", a->alpha, b->alpha));
    CNN_TRY(check_number(c, "margin_time", a->margin_time, b->margin_time));
    CNN_TRY(check_number(c, "margin_error", a->margin_error, b->margin_error));
    CNN_CHECK(a->cell_count == b->cell_count && a->combination_count == b->combination_count &&
                  !memcmp(a->cell_levels, b->cell_levels,
                          (size_t)a->cell_count * (size_t)a->factor_count * sizeof *a->cell_levels),
              CNN_EUSAGE, CANNOT_POOL "their cells are others", c->path_a, c->path_b);
done:
    return st;
}

static cnn_status refuse_training(const couple *c, const char *a, const char *b)
{
    cnn_text in_a = {0}, in_b = {0};
    cnn_job_first_difference(a, b, &in_a, &in_b);
    cnn_error_set(CNN_EUSAGE, CANNOT_POOL "their runs are trained otherwise, %s and %s", c->path_a,
                  c->path_b, in_a.s ? in_a.s : "", in_b.s ? in_b.s : "");
    cnn_text_free(&in_a);
    cnn_text_free(&in_b);
    return CNN_EUSAGE;
}

static cnn_status check_cell(const couple *c, const cnn_job *a, const cnn_job *b, int cell,
                             bool *other_split)
{
    cnn_status st = CNN_OK;
    const int *levels = &c->a->cell_levels[cell * c->a->factor_count];
    const cnn_treatment x = cnn_job_treatment(a, levels), y = cnn_job_treatment(b, levels);
    cnn_text as_a = {0}, as_b = {0};
    cnn_job_describe_treatment(&x, &as_a);
    cnn_job_describe_treatment(&y, &as_b);
    cnn_job_describe_environment(a, &as_a);
    cnn_job_describe_environment(b, &as_b);
    CNN_TRY(cnn_text_status(&as_a));
    CNN_TRY(cnn_text_status(&as_b));
    if (strcmp(as_a.s, as_b.s) != 0)
        CNN_TRY(refuse_training(c, as_a.s, as_b.s));
    /* idx files come divided; only a limit draws from them */
    if ((x.source->type != CNN_SOURCE_IDX || x.source->limit || x.source->test_limit) &&
        x.source->split_seed != y.source->split_seed)
        *other_split = true;
done:
    cnn_text_free(&as_a);
    cnn_text_free(&as_b);
    return st;
}

static bool is_named(char *const *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (; *pool; pool++)
        if (!strcmp(*pool, slash ? slash + 1 : path))
            return true;
    return false;
}

/** Files of the pool that both jobs name before their first run. */
static int count_named(const couple *c, const cnn_job *a, const cnn_job *b)
{
    char *const *in_a = a->analysis.pool, *const *in_b = b->analysis.pool;
    int n = 0;
    if (!in_a || !in_b || !is_named(in_a, c->path_a) || !is_named(in_a, c->path_b))
        return 0;
    while (in_a[n] && in_b[n] && !strcmp(in_a[n], in_b[n]))
        n++;
    return in_a[n] || in_b[n] ? 0 : n;
}

static cnn_status check_training(const couple *c, bool *other_split, int *named)
{
    cnn_status st = CNN_OK;
    cnn_job *a = NULL, *b = NULL;
    CNN_TRY(cnn_stored_job(c->a, c->path_a, &a));
    CNN_TRY(cnn_stored_job(c->b, c->path_b, &b));
    CNN_CHECK(memcmp(a->compare.allow, b->compare.allow, sizeof a->compare.allow) == 0, CNN_EUSAGE,
              CANNOT_POOL "their jobs allow levels to differ in other conditions (compare)",
              c->path_a, c->path_b);
    for (int cell = 0; cell < c->a->cell_count; cell++)
        CNN_TRY(check_cell(c, a, b, cell, other_split));
    *named = count_named(c, a, b);
done:
    cnn_job_destroy(&a);
    cnn_job_destroy(&b);
    return st;
}

cnn_status cnn_pool_check_jobs(const cnn_results *a, const char *path_a, const cnn_results *b,
                               const char *path_b, bool *other_split, int *named)
{
    cnn_status st = CNN_OK;
    const couple c = {a, b, path_a, path_b};
    *other_split = false;
    CNN_TRY(check_factors(&c));
    CNN_TRY(check_numbers(&c));
    CNN_TRY(check_training(&c, other_split, named));
done:
    return st;
}

/* ---- runs ---------------------------------------------------------------------------------- */

typedef struct {
    const cnn_measured *measured;
    int file;
} started_run;

static int by_start(const void *a, const void *b)
{
    const cnn_measured *x = ((const started_run *)a)->measured;
    const cnn_measured *y = ((const started_run *)b)->measured;
    if (x->start_time != y->start_time)
        return x->start_time < y->start_time ? -1 : 1;
    const int host = strcmp(x->host, y->host);
    return host ? host : strcmp(x->device, y->device);
}

cnn_status cnn_pool_check_runs(const cnn_results *const *files, const char *const *paths, int n)
{
    cnn_status st = CNN_OK;
    size_t all = 0, count = 0;
    for (int f = 0; f < n; f++)
        all += (size_t)files[f]->run_count;
    started_run *runs = calloc(all + 1, sizeof *runs);
    CNN_CHECK(runs, CNN_ENOMEM, "%zu runs", all);
    for (int f = 0; f < n; f++)
        for (int i = 0; i < files[f]->run_count; i++)
            if (isfinite(files[f]->measured[i].start_time))
                runs[count++] = (started_run){&files[f]->measured[i], f};
    qsort(runs, count, sizeof *runs, by_start);
    for (size_t i = 1; i < count; i++)
        CNN_CHECK(runs[i].file == runs[i - 1].file || by_start(&runs[i], &runs[i - 1]) != 0,
                  CNN_EUSAGE, "'%s' and '%s' hold the same runs: give each study once",
                  paths[runs[i - 1].file], paths[runs[i].file]);
done:
    free(runs);
    return st;
}
