/* SPDX-License-Identifier: Apache-2.0 */
#include "truth.h"

#include "base/philox.h"
#include "job/looks.h"
#include "study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START = 1600000000, SEED = 20261129, MOST_LEVELS = 4 };
#define TWO_PI 6.283185307179586

/** A run's place on its device, in the order in which the device makes its runs. */
typedef struct {
    int run, device, order;
} place;

struct cnn_truth_plan {
    const cnn_truth_setting *setting;
    int8_t *ended; /* [run_count] the status that each run ends with */
    cnn_job *job;
    cnn_design *design;
    cnn_results *results;
    int file;
    place *places; /* [run_count] device by device */
};

/* ---- random numbers -------------------------------------------------------------------------- */

/** A stream of draws: counters of one key. */
typedef struct {
    uint32_t seed, study;
    uint64_t next;
} stream;

/** First numbers of the streams beside that of a file's times. */
enum { ERRORS_OF_SEED = 40, ERRORS_OF_RUN = 44, TIMES_OF_FILE = 48, BLOCKS = 52, RUNS = 56 };

static stream stream_of(const cnn_truth_setting *x, uint32_t study, int kind, uint64_t number)
{
    return (stream){SEED + x->seed, study, number << kind};
}

static stream stream_at(const cnn_truth_setting *x, uint32_t study, int kind, uint64_t number)
{
    return (stream){SEED + x->seed, study, (1ull << kind) + number};
}

static cnn_philox draw(stream *s)
{
    return cnn_philox_at(s->seed, CNN_RANDOM_SIMULATE, s->study, s->next++);
}

/** Box and Muller (1958); with df, Bailey (1994), scaled to a variance of 1. */
static double draw_noise(stream *s, cnn_noise noise)
{
    const cnn_philox w = draw(s);
    const double u = cnn_random_unit(w.w[0]), angle = cos(TWO_PI * cnn_random_unit(w.w[1]));
    const double df = noise == CNN_NOISE_T5 ? 5 : 3;
    if (noise == CNN_NOISE_T5 || noise == CNN_NOISE_T3)
        return sqrt(df * (pow(u, -2 / df) - 1)) * angle * sqrt((df - 2) / df);
    if (noise == CNN_NOISE_T2)
        return sqrt(2 / u - 2) * angle * 0.6744897501960817 / 0.816496580927726;
    if (noise == CNN_NOISE_EXPONENTIAL)
        return -log(u) - 1;
    const double z = sqrt(-2 * log(u)) * angle;
    if (noise == CNN_NOISE_LOGNORMAL) /* exp(z) has mean sqrt(e) and variance e (e - 1) */
        return (exp(z) - exp(0.5)) / sqrt(exp(1) * expm1(1));
    return z;
}

static double draw_normal(stream *s)
{
    return draw_noise(s, CNN_NOISE_NORMAL);
}

static bool draw_event(stream *s, double probability)
{
    return probability > 0 && cnn_random_unit(draw(s).w[0]) < probability;
}

/* ---- the plan -------------------------------------------------------------------------------- */

static cnn_status read_job(const cnn_truth_setting *s, int combinations, int n, cnn_job **out)
{
    cnn_text text = {0};
    cnn_text_printf(&text, "seed: 1\nlimits: {retries: 0}\ntrain: {epochs: 1}\n");
    if (s->crossed)
        cnn_text_printf(&text, "seeds: {crossed: %d}\n", n);
    else
        cnn_text_printf(&text, "repeats: %d\n", n);
    if (s->looks)
        cnn_text_append(&text, "analysis: {looks: [0.33, 0.67, 1]}\n");
    cnn_text_append(&text, "factors:\n  framework:\n");
    for (int l = 0; l < s->levels; l++)
        cnn_text_printf(&text, "    - {name: level%d, simulate: {time: {run: 300}}}\n", l);
    cnn_text_append(&text, "  architecture: [arch1]\n  dataset: [mnist]\n  batch_size: [");
    for (int c = 0; c < combinations; c++)
        cnn_text_printf(&text, "%s%d", c ? ", " : "", 16 * (c + 1));
    cnn_text_append(&text, "]\n");
    cnn_status st = cnn_text_status(&text);
    if (st == CNN_OK)
        st = cnn_job_parse("truth.yaml", text.s, NULL, out);
    cnn_text_free(&text);
    return st;
}

/** Runs in the order of the devices' queues. */
static void list_places(cnn_truth_plan *p)
{
    const cnn_design *d = p->design;
    int n = 0;
    for (int device = 0; device < d->device_count; device++)
        for (int q = d->queue_start[device], order = 0; q < d->queue_start[device + 1]; q++) {
            const cnn_block *block = &d->blocks[d->queue[q]];
            for (int position = 0; position < d->level_count; position++)
                p->places[n++] = (place){cnn_block_run(block, cnn_block_level(d, block, position)),
                                         device, order++};
        }
}

/** Runs with equal numbers and levels train alike: of a crossed seed those on all devices and in all
 *  files, else each block its own. */
static uint64_t training_of(const cnn_truth_plan *p, const cnn_planned *planned)
{
    return p->setting->crossed ? (uint64_t)planned->seed
                               : (uint64_t)planned->block + ((uint64_t)p->file << 20);
}

/** The session of a run: blocks of a combination are dealt in the order of their repeats. */
static int session_of(const cnn_truth_plan *p, const cnn_planned *planned)
{
    const int sessions = p->setting->sessions > 1 ? p->setting->sessions : 1;
    return planned->repeat * sessions / cnn_design_repeats(p->design);
}

static void fill_constants(cnn_truth_plan *p)
{
    cnn_results *r = p->results;
    for (int i = 0; i < r->run_count; i++) {
        cnn_measured *m = &r->measured[p->places[i].run];
        m->session = session_of(p, &r->planned[p->places[i].run]);
        m->rank = p->places[i].device;
        m->attempts = 1;
        m->test_images = p->setting->test_images ? p->setting->test_images : 10000;
        cnn_copy_string(m->host, sizeof m->host, "host");
        snprintf(m->device, sizeof m->device, "device %d", p->places[i].device);
        const cnn_planned *planned = &r->planned[p->places[i].run];
        snprintf(m->weight_checksum, sizeof m->weight_checksum, "%d-%d-%llx", planned->combination,
                 planned->level, (unsigned long long)training_of(p, planned));
    }
}

cnn_status cnn_truth_plan_create(const cnn_truth_setting *setting, int combinations, int n,
                                 int file, cnn_truth_plan **out)
{
    cnn_status st = CNN_OK;
    cnn_truth_plan *p = calloc(1, sizeof *p);
    CNN_CHECK(p && setting->levels <= MOST_LEVELS, CNN_EINVAL, "plan of simulated studies");
    p->setting = setting;
    p->file = file;
    CNN_TRY(read_job(setting, combinations, n, &p->job));
    CNN_TRY(cnn_design_create(p->job, setting->devices, &p->design));
    CNN_TRY(cnn_study_plan(p->job, p->design, &p->results));
    p->places = calloc((size_t)p->design->run_count, sizeof *p->places);
    p->ended = calloc((size_t)p->design->run_count, sizeof *p->ended);
    CNN_CHECK(p->places && p->ended, CNN_ENOMEM, "places of %d runs", p->design->run_count);
    list_places(p);
    fill_constants(p);
    *out = p;
    p = NULL;
done:
    cnn_truth_plan_destroy(&p);
    return st;
}

void cnn_truth_plan_destroy(cnn_truth_plan **plan)
{
    cnn_truth_plan *p = *plan;
    if (!p)
        return;
    free(p->places);
    free(p->ended);
    cnn_results_free(&p->results);
    cnn_design_destroy(&p->design);
    cnn_job_destroy(&p->job);
    free(p);
    *plan = NULL;
}

/* ---- a study --------------------------------------------------------------------------------- */

/** Effects of devices on each level, [devices, levels]. */
static void draw_devices(const cnn_truth_plan *p, stream *s, double *effect)
{
    const cnn_truth_setting *x = p->setting;
    for (int d = 0; d < x->devices; d++) {
        const double device = x->device_sd > 0 ? x->device_sd * draw_normal(s) : 0;
        for (int l = 0; l < x->levels; l++)
            effect[d * x->levels + l] =
                device + (x->device_level_sd > 0 ? x->device_level_sd * draw_normal(s) : 0);
    }
}

/** Mean over the blocks of each combination of every level's device effect, less that of level 0:
 *  [combinations, levels]. */
static void average_interactions(const cnn_truth_plan *p, const double *effect, double *mean)
{
    const cnn_design *d = p->design;
    const int levels = d->level_count;
    memset(mean, 0, (size_t)(d->combination_count * levels) * sizeof *mean);
    for (int b = 0; b < d->block_count; b++)
        for (int l = 0; l < levels; l++)
            mean[d->blocks[b].combination * levels + l] +=
                (effect[d->blocks[b].device * levels + l] - effect[d->blocks[b].device * levels]) /
                cnn_design_repeats(d);
}

enum { MOST_SESSIONS = 4, MOST_EFFECTS = 256, MOST_MEANS = 64 };

/** Effects of sessions on devices and levels, [sessions, devices, levels]. */
static void draw_sessions(const cnn_truth_plan *p, stream *s, double *effect)
{
    const cnn_truth_setting *x = p->setting;
    const int sessions = x->sessions > 1 ? x->sessions : 1;
    for (int k = 0; k < sessions; k++) {
        const double session = x->session_sd > 0 ? x->session_sd * draw_normal(s) : 0;
        double of_level[MOST_LEVELS] = {0};
        for (int l = 0; l < x->levels; l++)
            of_level[l] = x->level_session_sd > 0 ? x->level_session_sd * draw_normal(s) : 0;
        for (int d = 0; d < x->devices; d++) {
            const double device =
                x->device_session_sd > 0 ? x->device_session_sd * draw_normal(s) : 0;
            for (int l = 0; l < x->levels; l++)
                effect[(k * x->devices + d) * x->levels + l] =
                    session + of_level[l] + device +
                    (x->device_level_session_sd > 0 ? x->device_level_session_sd * draw_normal(s)
                                                    : 0);
        }
    }
}

/** What changed between the files. */
static double change_of(const cnn_truth_plan *p, const cnn_truth_of_levels *truth,
                        const cnn_planned *planned)
{
    return p->file > 0 && planned->level > 0 &&
                   (!truth->first_combination || planned->combination == 0)
               ? truth->change
               : 0;
}

static double draw_outlier(const cnn_truth_setting *x, stream *s)
{
    return draw_event(s, x->outlier_probability) ? x->outlier_size : 0;
}

/** What a device's state adds in time. */
typedef struct {
    bool slow;
    double walk;
} condition;

static double draw_condition(const cnn_truth_plan *p, const place *at, stream *s, condition *c)
{
    const cnn_truth_setting *x = p->setting;
    if (at->order == 0)
        *c = (condition){false, 0};
    if (x->two_clocks > 0)
        c->slow ^= draw_event(s, 0.3);
    if (x->walk > 0)
        c->walk += x->walk * draw_normal(s);
    const bool late = 2 * at->order * x->devices >= p->results->run_count;
    return x->two_clocks * c->slow + c->walk + x->session_shift * late +
           x->season * sin(TWO_PI * at->order / 7);
}

static double draw_ramp(const cnn_truth_setting *x, uint32_t study, const cnn_planned *planned)
{
    stream s = stream_at(x, study, BLOCKS, (uint64_t)planned->block);
    return x->ramp > 0 && planned->position > 0 ? x->ramp * 2 * cnn_random_unit(draw(&s).w[0]) : 0;
}

static void draw_times(cnn_truth_plan *p, const cnn_truth_of_levels *truth, stream *s)
{
    const cnn_truth_setting *x = p->setting;
    stream of_states = stream_at(x, s->study, RUNS, (uint64_t)p->file << 32);
    condition state_of_device = {false, 0};
    double effect[MOST_EFFECTS] = {0}, mean[MOST_MEANS] = {0}, state = 0, clock = START;
    double of_session[MOST_SESSIONS * MOST_EFFECTS] = {0};
    stream of_study = stream_at(x, s->study, RUNS, 0);
    draw_devices(p, x->same_devices ? &of_study : s, effect);
    draw_sessions(p, s, of_session);
    if (x->on_average_equal)
        average_interactions(p, effect, mean);
    for (int i = 0; i < p->results->run_count; i++) {
        const place *at = &p->places[i];
        const cnn_planned *planned = &p->results->planned[at->run];
        const int level = planned->level;
        double z = draw_noise(s, x->noise);
        if (x->noise == CNN_NOISE_AR1) {
            z = at->order ? 0.8 * state + 0.6 * z : z;
            state = z;
        }
        if (x->noisy_device > 0 && at->device == 0)
            z *= x->noisy_device;
        cnn_measured *m = &p->results->measured[at->run];
        const double log_seconds =
            log(300) + (level ? truth->log_ratio : 0) + effect[at->device * x->levels + level] -
            mean[planned->combination * x->levels + level] + x->drift * at->order +
            (planned->position == 0 ? x->first_slower : 0) + change_of(p, truth, planned) +
            of_session[(m->session * x->devices + at->device) * x->levels + level] +
            draw_ramp(x, s->study, planned) + draw_condition(p, at, &of_states, &state_of_device) +
            truth->time_sd * (level ? truth->spread : 1) * z + draw_outlier(x, s);
        clock = at->order ? clock : START + 1e7 * p->file;
        m->start_time = clock;
        m->train_seconds = exp(log_seconds);
        clock += m->train_seconds;
    }
}

/** What a run's error adds to its level's: with crossed seeds a function of seed and level. */
static void draw_errors(cnn_truth_plan *p, const cnn_truth_of_levels *truth, uint32_t study)
{
    const cnn_truth_setting *x = p->setting;
    const double images = (double)p->results->measured[0].test_images;
    for (int i = 0; i < p->results->run_count; i++) {
        const cnn_planned *planned = &p->results->planned[i];
        cnn_measured *m = &p->results->measured[i];
        const uint64_t same = training_of(p, planned);
        stream of_seed = stream_at(x, study, ERRORS_OF_SEED, same << 4);
        stream of_run =
            stream_at(x, study, ERRORS_OF_RUN, (same << 8) + ((uint64_t)planned->level << 4));
        const double seed = truth->error_sd * draw_normal(&of_seed);
        const double z =
            draw_noise(&of_run, x->noise == CNN_NOISE_AR1 ? CNN_NOISE_NORMAL : x->noise);
        const double outlier = draw_event(&of_run, x->outlier_probability)
                                   ? 25 * x->outlier_size * truth->error_sd
                                   : 0;
        const double error = 0.2 + (planned->level ? truth->error : 0) + seed +
                             truth->error_sd * (planned->level ? truth->spread : 1) * z + outlier;
        /* rounded at random, so that the mean is that of the unrounded error */
        m->test_error = floor(error * images + cnn_random_unit(draw(&of_run).w[0])) / images;
        m->test_error = fmin(1, fmax(0, m->test_error));
        m->test_loss = -log1p(-fmin(m->test_error, 0.999));
    }
}

const cnn_results *cnn_truth_draw(cnn_truth_plan *plan, const cnn_truth_of_levels *truth,
                                  uint32_t study)
{
    stream s = stream_of(plan->setting, study, TIMES_OF_FILE, (uint64_t)plan->file);
    cnn_results *r = plan->results;
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].train_seconds = r->measured[i].test_error = r->measured[i].test_loss = NAN;
    if (truth->with_times)
        draw_times(plan, truth, &s);
    if (truth->with_errors)
        draw_errors(plan, truth, study);
    for (int i = 0; i < r->run_count; i++) {
        const cnn_truth_setting *x = plan->setting;
        const bool failed = draw_event(&s, x->failure_probability) ||
                            (r->planned[i].level && draw_event(&s, x->level_fails));
        r->status[i] = plan->ended[i] = failed ? CNN_RUN_FAILED : CNN_RUN_DONE;
    }
    return r;
}

const cnn_results *cnn_truth_look(cnn_truth_plan *plan, int k)
{
    cnn_results *r = plan->results;
    const int planned = cnn_design_repeats(plan->design);
    const int step = plan->setting->crossed ? plan->setting->devices : 1;
    const int blocks = cnn_look_blocks(r->looks[k], planned, step);
    for (int i = 0; i < r->run_count; i++)
        r->status[i] = r->planned[i].repeat < blocks ? plan->ended[i] : CNN_RUN_PLANNED;
    return r;
}
