/* SPDX-License-Identifier: Apache-2.0 */
#include "study.h"

#include "base/philox.h"
#include "simulate/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { START = 1600000000, DRAW_LENT = 64 /* which device a cell gets; draw.c uses others */ };

typedef struct {
    const cnn_job *job;
    const cnn_design *design;
    cnn_results *r;
    int devices_per_node;
} study;

/** Where and when a run is done. */
typedef struct {
    int device;
    int order;     /* among the runs of the device */
    int block;     /* that it shares its effect with */
    double *clock; /* of the device; moved on */
} place;

/* ---- the experiment ------------------------------------------------------------------------ */

static char **copy_labels(const cnn_factor *factor)
{
    char **labels = calloc((size_t)factor->level_count, sizeof *labels);
    for (int l = 0; labels && l < factor->level_count; l++)
        labels[l] = cnn_strdup(factor->labels[l]);
    return labels;
}

static cnn_status copy_factors(const cnn_job *job, cnn_results *r)
{
    cnn_status st = CNN_OK;
    r->factor_count = job->factor_count;
    r->contrast = job->contrast;
    r->factors = calloc((size_t)job->factor_count, sizeof *r->factors);
    CNN_CHECK(r->factors, CNN_ENOMEM, "factors of a study");
    for (int f = 0; f < job->factor_count; f++) {
        r->factors[f] = (cnn_results_factor){.name = cnn_strdup(job->factors[f].name),
                                             .level_count = job->factors[f].level_count,
                                             .kind = (int)job->factors[f].kind,
                                             .labels = copy_labels(&job->factors[f])};
        CNN_CHECK(r->factors[f].name && r->factors[f].labels, CNN_ENOMEM, "factors of a study");
    }
done:
    return st;
}

static int most_epochs(const cnn_job *job, const cnn_design *design)
{
    int most = 1;
    for (int c = 0; c < design->cell_count; c++) {
        const int epochs = cnn_job_treatment(job, design->cells[c].levels).train.epochs;
        most = epochs > most ? epochs : most;
    }
    return most;
}

static cnn_status allocate(study *s)
{
    cnn_status st = CNN_OK;
    const cnn_design *d = s->design;
    cnn_results *r = s->r;
    const size_t runs = (size_t)d->run_count;
    r->run_count = d->run_count;
    r->cell_count = d->cell_count;
    r->combination_count = d->combination_count;
    r->level_count = d->level_count;
    r->epoch_count = most_epochs(s->job, d);
    r->attempts_per_run = 1 + s->job->limits.retries;
    r->session_count = 1;
    r->cell_levels = calloc((size_t)(d->cell_count * d->factor_count), sizeof *r->cell_levels);
    r->status = calloc(runs, sizeof *r->status);
    r->planned = calloc(runs, sizeof *r->planned);
    r->measured = calloc(runs, sizeof *r->measured);
    r->epochs = calloc(runs * (size_t)r->epoch_count, sizeof *r->epochs);
    r->attempts = calloc(runs * (size_t)r->attempts_per_run, sizeof *r->attempts);
    r->sessions = calloc(1, sizeof *r->sessions);
    r->job_name = cnn_strdup(s->job->name);
    r->job_text = cnn_strdup(s->job->text);
    r->overrides = cnn_strdup(s->job->overrides);
    r->plan = cnn_strdup("");
    r->created = cnn_strdup("simulated in memory");
    CNN_CHECK(r->cell_levels && r->status && r->planned && r->measured && r->epochs &&
                  r->attempts && r->sessions && r->job_name && r->job_text && r->overrides &&
                  r->plan && r->created,
              CNN_ENOMEM, "study of %zu runs", runs);
done:
    return st;
}

static cnn_planned planned_row(const cnn_design *d, const cnn_run *run)
{
    const cnn_block *block = &d->blocks[run->block];
    return (cnn_planned){.cell = run->cell,
                         .combination = d->cells[run->cell].combination,
                         .level = run->level,
                         .repeat = block->repeat,
                         .block = run->block,
                         .position = run->position,
                         .warmup = block->warmup,
                         .seed = block->seed,
                         .planned_device = block->device,
                         .planned_turn = block->queue_position};
}

static void fill_plan(study *s)
{
    const cnn_design *d = s->design;
    cnn_results *r = s->r;
    r->layout_version = CNN_LAYOUT_VERSION;
    r->margin_time = s->job->analysis.margin_time;
    r->margin_error = s->job->analysis.margin_error;
    r->alpha = s->job->analysis.alpha;
    cnn_copy_string(r->primary, sizeof r->primary, cnn_job_measure_names[s->job->analysis.primary]);
    r->look_count = s->job->analysis.look_count;
    memcpy(r->looks, s->job->analysis.looks, sizeof r->looks);
    r->sessions[0] = (cnn_session){START, d->device_count};
    for (int c = 0; c < d->cell_count; c++)
        memcpy(r->cell_levels + c * d->factor_count, d->cells[c].levels,
               (size_t)d->factor_count * sizeof *r->cell_levels);
    for (int i = 0; i < d->run_count; i++) {
        r->planned[i] = planned_row(d, &d->runs[i]);
        r->measured[i] = cnn_measured_unknown();
        for (int e = 0; e < r->epoch_count; e++)
            r->epochs[i * r->epoch_count + e] = cnn_epoch_row_unknown();
        for (int a = 0; a < r->attempts_per_run; a++)
            r->attempts[i * r->attempts_per_run + a] = cnn_attempt_unknown();
    }
}

/* ---- a run --------------------------------------------------------------------------------- */

static cnn_outcome outcome_of(cnn_simulated_end end)
{
    static const cnn_outcome outcomes[] = {
        [CNN_SIMULATED_DONE] = CNN_OUTCOME_DONE,
        [CNN_SIMULATED_DIVERGED] = CNN_OUTCOME_DIVERGED,
        [CNN_SIMULATED_ERROR] = CNN_OUTCOME_ERROR,
        [CNN_SIMULATED_EXIT] = CNN_OUTCOME_EXIT,
        [CNN_SIMULATED_SIGNAL] = CNN_OUTCOME_SIGNAL,
        [CNN_SIMULATED_HANG] = CNN_OUTCOME_TIMEOUT,
    };
    return outcomes[end];
}

static bool is_good(cnn_simulated_end end)
{
    return end == CNN_SIMULATED_DONE || end == CNN_SIMULATED_DIVERGED;
}

static double fill_epochs(study *s, int run, int epochs, const cnn_simulated_result *result)
{
    cnn_measured *m = &s->r->measured[run];
    double sum = 0;
    for (int e = 0; e < result->epochs; e++) {
        const bool diverged = result->end == CNN_SIMULATED_DIVERGED && e == result->epochs - 1;
        const double error = cnn_simulated_error(result, e, epochs);
        const double loss = diverged ? NAN : cnn_simulated_loss(error);
        s->r->epochs[run * s->r->epoch_count + e] =
            (cnn_epoch_row){.epoch_seconds = result->epoch_seconds,
                            .epoch_train_loss = loss,
                            .epoch_test_loss = loss,
                            .epoch_test_error = error,
                            .epoch_evaluation_seconds = 0};
        sum += result->epoch_seconds;
        m->train_loss = m->test_loss = loss;
        m->test_error = error;
    }
    m->epochs_done = result->epochs;
    return sum;
}

static void fill_measured(study *s, int run, const cnn_simulation *sim, const place *where)
{
    cnn_measured *m = &s->r->measured[run];
    *m = cnn_measured_unknown();
    m->session = 0;
    m->rank = where->device;
    m->threads = sim->truth.reports.threads ? sim->truth.reports.threads : 1;
    m->shared_device = 0;
    m->parameters = sim->truth.reports.parameters;
    m->train_images = sim->truth.reports.train_images;
    m->test_images = sim->truth.reports.test_images;
    m->setup_seconds = m->evaluation_seconds = 0;
    cnn_copy_string(m->host, sizeof m->host, sim->node);
    cnn_copy_string(m->device, sizeof m->device, sim->device);
    cnn_copy_string(m->device_model, sizeof m->device_model, "simulated");
    cnn_copy_string(m->backend, sizeof m->backend, "simulate");
    cnn_copy_string(m->versions, sizeof m->versions, "in memory");
}

static void fill_attempt(study *s, int run, int attempt, const cnn_simulated_result *result,
                         double life)
{
    cnn_attempt *a = &s->r->attempts[run * s->r->attempts_per_run + attempt];
    const cnn_measured *m = &s->r->measured[run];
    a->attempt_outcome = (int8_t)outcome_of(result->end);
    a->attempt_session = 0;
    a->attempt_rank = m->rank;
    cnn_copy_string(a->attempt_device, sizeof a->attempt_device, m->device);
    a->attempt_start_time = m->start_time;
    a->attempt_life_seconds = life;
    a->attempt_exit_code = is_good(result->end) ? 0 : 1;
    if (is_good(result->end))
        a->attempt_train_seconds = life;
    else
        cnn_copy_string(a->attempt_reason, sizeof a->attempt_reason, "simulated failure");
}

/** Attempts until one is good, or no more are left. */
static void do_run(study *s, int run, const place *where)
{
    const cnn_design *d = s->design;
    const cnn_run *planned = &d->runs[run];
    const cnn_treatment t = cnn_job_treatment(s->job, d->cells[planned->cell].levels);
    const int epochs = t.train.epochs;
    char node[CNN_SIMULATED_NAME], device[CNN_SIMULATED_NAME];
    cnn_simulated_names(s->devices_per_node, where->device, node, device);
    cnn_simulation sim = {.truth = t.framework->truth,
                          .job_seed = s->job->seed,
                          .cell = d->cells[planned->cell].label,
                          .node = node,
                          .device = device,
                          .block = where->block,
                          .order = where->order};
    cnn_measured *m = &s->r->measured[run];
    for (; sim.attempt < s->r->attempts_per_run; sim.attempt++) {
        const cnn_simulated_result result =
            cnn_simulate_run(&sim, t.framework->name, run, d->blocks[planned->block].seed, epochs);
        fill_measured(s, run, &sim, where);
        m->attempts = sim.attempt + 1;
        m->start_time = *where->clock;
        m->life_seconds = fill_epochs(s, run, epochs, &result);
        fill_attempt(s, run, sim.attempt, &result, m->life_seconds);
        *where->clock += m->life_seconds;
        s->r->status[run] = (int8_t)(result.end == CNN_SIMULATED_DONE       ? CNN_RUN_DONE
                                     : result.end == CNN_SIMULATED_DIVERGED ? CNN_RUN_DIVERGED
                                                                            : CNN_RUN_FAILED);
        if (!is_good(result.end))
            continue;
        m->train_seconds = m->life_seconds;
        cnn_copy_string(m->weight_checksum, sizeof m->weight_checksum, result.checksum);
        return;
    }
}

/* ---- orders -------------------------------------------------------------------------------- */

/** Every block on its device (where the plan names none: in turn), back to back. */
static void run_blocks(study *s, double *clocks)
{
    const cnn_design *d = s->design;
    for (int q = 0; q < d->block_count; q++) {
        const int b = d->queue[q];
        const cnn_block *block = &d->blocks[b];
        const int device =
            block->device >= 0 ? block->device : block->queue_position % d->device_count;
        for (int position = 0; position < d->level_count; position++) {
            const place where = {.device = device,
                                 .order = block->queue_position * d->level_count + position,
                                 .block = b,
                                 .clock = &clocks[device]};
            do_run(s, cnn_block_run(block, cnn_block_level(d, block, position)), &where);
        }
    }
}

/** Level after level, combination after combination, each on the device that is lent for it. Runs
 *  follow each other on one clock, and none shares a block's effect with another. */
static void run_cells(study *s, double *clocks)
{
    const cnn_design *d = s->design;
    int order = 0;
    for (int level = 0; level < d->level_count; level++)
        for (int c = 0; c < d->combination_count; c++) {
            const uint32_t lent = cnn_random_word(s->job->seed, CNN_RANDOM_SIMULATE, DRAW_LENT,
                                                  (uint64_t)(level * d->combination_count + c));
            for (int b = 0; b < d->block_count; b++) {
                const int run = cnn_block_run(&d->blocks[b], level);
                const place where = {.device = (int)(lent % (uint32_t)d->device_count),
                                     .order = order,
                                     .block = d->block_count + run,
                                     .clock = &clocks[0]};
                if (d->blocks[b].combination != c || d->blocks[b].warmup)
                    continue;
                do_run(s, run, &where);
                order++;
            }
        }
}

cnn_status cnn_study_plan(const cnn_job *job, const cnn_design *design, cnn_results **out)
{
    cnn_status st = CNN_OK;
    study s = {.job = job, .design = design};
    s.r = calloc(1, sizeof *s.r);
    CNN_CHECK(s.r, CNN_ENOMEM, "study");
    CNN_TRY(copy_factors(job, s.r));
    CNN_TRY(allocate(&s));
    fill_plan(&s);
    *out = s.r;
    s.r = NULL;
done:
    cnn_results_free(&s.r);
    return st;
}

cnn_status cnn_study_run(const cnn_job *job, const cnn_design *design, cnn_study_order order,
                         cnn_results **out)
{
    cnn_status st = CNN_OK;
    study s = {.job = job, .design = design};
    double *clocks = calloc((size_t)design->device_count, sizeof *clocks);
    CNN_CHECK(cnn_job_is_simulated(job), CNN_EUSAGE,
              "a study in memory needs simulated frameworks: {name: ..., simulate: {...}}");
    s.devices_per_node = job->frameworks[0].truth.devices_per_node;
    if (s.devices_per_node == 0)
        s.devices_per_node = design->device_count;
    CNN_CHECK(clocks, CNN_ENOMEM, "clocks of %d devices", design->device_count);
    CNN_TRY(cnn_study_plan(job, design, &s.r));
    for (int d = 0; d < design->device_count; d++)
        clocks[d] = START;
    if (order == CNN_STUDY_BLOCKS)
        run_blocks(&s, clocks);
    else
        run_cells(&s, clocks);
    *out = s.r;
    s.r = NULL;
done:
    free(clocks);
    cnn_results_free(&s.r);
    return st;
}
