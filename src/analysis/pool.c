/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/pool.h"

#include "analysis/pool_check.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A file while the pool is made. */
typedef struct {
    const cnn_results *results;
    const char *path;
    double first_start;
    int place; /* in the order given */
} member;

static double first_start_of(const cnn_results *r)
{
    double first = NAN;
    for (int i = 0; i < r->run_count; i++)
        first = fmin(first, r->measured[i].start_time); /* passes over NaN */
    return first;
}

/** By first start, those that have not started last. */
static int by_first_start(const void *a, const void *b)
{
    const member *x = a, *y = b;
    const double sx = isnan(x->first_start) ? INFINITY : x->first_start;
    const double sy = isnan(y->first_start) ? INFINITY : y->first_start;
    if (sx != sy)
        return sx < sy ? -1 : 1;
    return x->place - y->place;
}

static int last_repeat(const cnn_results *r)
{
    int last = -1;
    for (int i = 0; i < r->run_count; i++)
        last = r->planned[i].repeat > last ? r->planned[i].repeat : last;
    return last;
}

/* ---- what all files share ------------------------------------------------------------------ */

static cnn_status copy_text(const char *from, char **to)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((*to = cnn_strdup(from ? from : "")) != NULL, CNN_ENOMEM, "a text of the pool");
done:
    return st;
}

static cnn_status copy_factors(const cnn_results *from, cnn_results *to)
{
    cnn_status st = CNN_OK;
    to->factors = calloc((size_t)from->factor_count, sizeof *to->factors);
    CNN_CHECK(to->factors, CNN_ENOMEM, "%d factors", from->factor_count);
    to->factor_count = from->factor_count;
    for (int f = 0; f < from->factor_count; f++) {
        const cnn_results_factor *theirs = &from->factors[f];
        cnn_results_factor *ours = &to->factors[f];
        CNN_TRY(copy_text(theirs->name, &ours->name));
        ours->labels = calloc((size_t)theirs->level_count, sizeof *ours->labels);
        CNN_CHECK(ours->labels, CNN_ENOMEM, "levels of %s", theirs->name);
        ours->level_count = theirs->level_count;
        ours->kind = theirs->kind;
        for (int l = 0; l < theirs->level_count; l++)
            CNN_TRY(copy_text(theirs->labels[l], &ours->labels[l]));
    }
done:
    return st;
}

static cnn_status copy_experiment(const cnn_results *from, cnn_results *to)
{
    cnn_status st = CNN_OK;
    const size_t levels = (size_t)from->cell_count * (size_t)from->factor_count;
    to->layout_version = from->layout_version;
    to->contrast = from->contrast;
    to->metric_count = from->metric_count;
    memcpy(to->metrics, from->metrics, sizeof to->metrics);
    to->is_measurement = from->is_measurement;
    to->cell_count = from->cell_count;
    to->combination_count = from->combination_count;
    to->level_count = from->level_count;
    to->margin_time = from->margin_time;
    to->margin_error = from->margin_error;
    to->alpha = from->alpha;
    memcpy(to->primary, from->primary, sizeof to->primary);
    CNN_TRY(copy_text(from->job_name, &to->job_name));
    CNN_TRY(copy_text(from->job_text, &to->job_text));
    CNN_TRY(copy_text(from->overrides, &to->overrides));
    CNN_TRY(copy_text(from->plan, &to->plan));
    CNN_TRY(copy_text(from->created, &to->created));
    CNN_TRY(copy_text(from->backend, &to->backend));
    CNN_TRY(copy_factors(from, to));
    to->cell_levels = calloc(levels, sizeof *to->cell_levels);
    CNN_CHECK(to->cell_levels, CNN_ENOMEM, "%d cells", from->cell_count);
    memcpy(to->cell_levels, from->cell_levels, levels * sizeof *to->cell_levels);
done:
    return st;
}

/* ---- runs ---------------------------------------------------------------------------------- */

static cnn_status allocate_runs(const member *members, int n, cnn_results *to)
{
    cnn_status st = CNN_OK;
    size_t runs = 0, sessions = 0, environments = 0;
    for (int f = 0; f < n; f++) {
        const cnn_results *r = members[f].results;
        runs += (size_t)r->run_count;
        sessions += (size_t)r->session_count;
        environments += (size_t)r->environment_count;
        to->epoch_count = r->epoch_count > to->epoch_count ? r->epoch_count : to->epoch_count;
        if (r->attempts_per_run > to->attempts_per_run)
            to->attempts_per_run = r->attempts_per_run;
    }
    CNN_CHECK(runs < INT_MAX / 64 && sessions < INT_MAX && environments < INT_MAX, CNN_EUSAGE,
              "%zu runs are too many", runs);
    to->status = calloc(runs + 1, sizeof *to->status);
    to->planned = calloc(runs + 1, sizeof *to->planned);
    to->measured = calloc(runs + 1, sizeof *to->measured);
    to->epochs = calloc(runs * (size_t)to->epoch_count + 1, sizeof *to->epochs);
    to->attempts = calloc(runs * (size_t)to->attempts_per_run + 1, sizeof *to->attempts);
    to->sessions = calloc(sessions + 1, sizeof *to->sessions);
    to->quarantines = calloc(sessions + 1, sizeof *to->quarantines);
    to->environments = calloc(environments + 1, sizeof *to->environments);
    CNN_CHECK(to->status && to->planned && to->measured && to->epochs && to->attempts &&
                  to->sessions && to->quarantines && to->environments,
              CNN_ENOMEM, "%zu runs", runs);
done:
    return st;
}

/** One run with its epochs and attempts, as the next of the pool. first_run: of its file; repeats:
 *  of the files before. */
static void append_run(const cnn_results *from, int i, int first_run, int repeats, cnn_results *to)
{
    const int run = to->run_count++;
    to->status[run] = from->status[i];
    to->planned[run] = from->planned[i];
    to->planned[run].block += first_run;
    if (!from->planned[i].warmup)
        to->planned[run].repeat += repeats;
    to->measured[run] = from->measured[i];
    if (from->measured[i].session >= 0)
        to->measured[run].session += to->session_count;
    if (from->measured[i].environment >= 0)
        to->measured[run].environment += to->environment_count;
    for (int e = 0; e < to->epoch_count; e++)
        to->epochs[run * to->epoch_count + e] = e < from->epoch_count
                                                    ? from->epochs[i * from->epoch_count + e]
                                                    : cnn_epoch_row_unknown();
    for (int k = 0; k < to->attempts_per_run; k++) {
        cnn_attempt *attempt = &to->attempts[run * to->attempts_per_run + k];
        *attempt = k < from->attempts_per_run ? from->attempts[i * from->attempts_per_run + k]
                                              : cnn_attempt_unknown();
        if (attempt->attempt_session >= 0)
            attempt->attempt_session += to->session_count;
    }
}

static cnn_status append_file(const member *m, int repeats, cnn_results *to,
                              cnn_pool_source *source)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = m->results;
    source->first_run = to->run_count;
    source->runs = r->run_count;
    source->first_start = m->first_start;
    CNN_TRY(copy_text(m->path, &source->path));
    CNN_TRY(copy_text(r->created, &source->created));
    for (int i = 0; i < r->run_count; i++)
        append_run(r, i, source->first_run, repeats, to);
    for (int e = 0; e < r->environment_count; e++)
        to->environments[to->environment_count++] = r->environments[e];
    for (int s = 0; s < r->session_count; s++) {
        if (r->quarantines)
            to->quarantines[to->session_count] = r->quarantines[s];
        to->sessions[to->session_count++] = r->sessions[s];
    }
done:
    return st;
}

/* ---- repeated seeds ----------------------------------------------------------------- */

typedef struct {
    int combination;
    int64_t seed;
    int source, block;
} seeded_block;

static int by_seed_then_source(const void *a, const void *b)
{
    const seeded_block *x = a, *y = b;
    if (x->combination != y->combination)
        return x->combination < y->combination ? -1 : 1;
    if (x->seed != y->seed)
        return x->seed < y->seed ? -1 : 1;
    if (x->source != y->source)
        return x->source - y->source;
    return (x->block > y->block) - (x->block < y->block);
}

/** Measured blocks of each source, and those whose seed an earlier one has. */
static cnn_status count_blocks(cnn_pool *pool)
{
    cnn_status st = CNN_OK;
    const cnn_results *r = pool->results;
    int n = 0, earliest = 0;
    seeded_block *runs = calloc((size_t)r->run_count + 1, sizeof *runs);
    CNN_CHECK(runs, CNN_ENOMEM, "blocks of %d runs", r->run_count);
    for (int s = 0; s < pool->source_count; s++)
        for (int k = 0; k < pool->sources[s].runs; k++) {
            const cnn_planned *p = &r->planned[pool->sources[s].first_run + k];
            if (!p->warmup)
                runs[n++] = (seeded_block){p->combination, p->seed, s, p->block};
        }
    qsort(runs, (size_t)n, sizeof *runs, by_seed_then_source);
    for (int i = 0; i < n; i++) {
        const seeded_block *x = &runs[i];
        if (!i || x->combination != runs[i - 1].combination || x->seed != runs[i - 1].seed)
            earliest = x->source;
        if (i && by_seed_then_source(x, &runs[i - 1]) == 0)
            continue; /* another run of the block */
        pool->sources[x->source].blocks++;
        pool->sources[x->source].repeated_seeds += x->source > earliest;
    }
done:
    free(runs);
    return st;
}

/* ---- the pool ------------------------------------------------------------------------------ */

static cnn_status fill_pool(cnn_pool *pool, const member *members, int n)
{
    cnn_status st = CNN_OK;
    int repeats = 0;
    CNN_CHECK((pool->results = calloc(1, sizeof *pool->results)) != NULL, CNN_ENOMEM, "a pool");
    CNN_CHECK((pool->sources = calloc((size_t)n, sizeof *pool->sources)) != NULL, CNN_ENOMEM,
              "a pool of %d files", n);
    pool->source_count = n;
    pool->is_named = n > 1;
    for (int f = 1; f < n; f++) {
        int named = 0;
        CNN_TRY(cnn_pool_check_jobs(members[0].results, members[0].path, members[f].results,
                                    members[f].path, &pool->sources[f].other_split, &named));
        pool->is_named &= named == n;
    }
    CNN_TRY(copy_experiment(members[0].results, pool->results));
    CNN_TRY(allocate_runs(members, n, pool->results));
    for (int f = 0; f < n; f++) {
        CNN_TRY(append_file(&members[f], repeats, pool->results, &pool->sources[f]));
        repeats += last_repeat(members[f].results) + 1;
    }
    CNN_TRY(count_blocks(pool));
done:
    return st;
}

cnn_status cnn_pool_create(const cnn_results *const *files, const char *const *paths, int n,
                           cnn_pool **out)
{
    cnn_status st = CNN_OK;
    cnn_pool *pool = NULL;
    member *members = NULL;
    CNN_CHECK(files && paths && out && n > 0, CNN_EINVAL, "a pool needs files");
    CNN_TRY(cnn_pool_check_runs(files, paths, n));
    CNN_CHECK((members = calloc((size_t)n, sizeof *members)) != NULL, CNN_ENOMEM, "%d files", n);
    for (int f = 0; f < n; f++)
        members[f] = (member){files[f], paths[f], first_start_of(files[f]), f};
    qsort(members, (size_t)n, sizeof *members, by_first_start);
    CNN_CHECK((pool = calloc(1, sizeof *pool)) != NULL, CNN_ENOMEM, "a pool");
    CNN_TRY(fill_pool(pool, members, n));
    *out = pool;
    pool = NULL;
done:
    free(members);
    cnn_pool_destroy(&pool);
    return st;
}

void cnn_pool_destroy(cnn_pool **pool)
{
    cnn_pool *p = *pool;
    if (!p)
        return;
    for (int f = 0; p->sources && f < p->source_count; f++) {
        free(p->sources[f].path);
        free(p->sources[f].created);
    }
    free(p->sources);
    cnn_results_free(&p->results);
    free(p);
    *pool = NULL;
}
