/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier file says of a plan: which cells it knows, their seconds, the time of the whole
 * and what its blocks would find, on files made by hand. */
#include "golden_csv.h"
#include "job_results.h"

#include "base/text.h"
#include "document/render.h"
#include "forecast/forecast.h"
#include "report/forecast.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JOB(repeats, train, factors, more)                                                         \
    "name: forecast\nrepeats: " repeats "\nseed: 1\ntrain: {" train "}\nfactors:\n" factors more   \
    "datasets:\n  toy: {type: synthetic, count: 100}\n  other: {type: synthetic, count: 100}\n"
#define STUDY                                                                                      \
    "  framework: [native, layered]\n  architecture: [arch1, arch2]\n  dataset: [toy]\n"           \
    "contrast: framework\n"
#define WARM  "schedule: {warmup: 1}\n"
#define THREE "epochs: 3, batch_size: 32"
#define PILOT JOB("5", THREE, STUDY, WARM)

enum { EPOCHS = 3, BETWEEN = 3 };

/** Training 10 s and more, by cell and repeat; set-up 1 s, evaluation half a second an epoch, and
 *  half a second that nobody accounts for. Ranks rest for BETWEEN seconds before each run. */
static void fill(cnn_results *r)
{
    double clock[JOB_RESULTS_DEVICES] = {0};
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        cnn_measured *m = &r->measured[i];
        cnn_attempt *a = &r->attempts[i];
        const int rank = p->block % JOB_RESULTS_DEVICES;
        m->epochs_done = EPOCHS;
        m->train_seconds = 10 + 5 * p->cell + (p->repeat * p->repeat % 7) * (p->level + 0.5) / 8;
        m->setup_seconds = 1;
        m->evaluation_seconds = EPOCHS * 0.5;
        m->life_seconds = m->train_seconds + 1.5 + EPOCHS * 0.5;
        m->parameters = 1000 + p->combination;
        m->train_images = 80;
        for (int e = 0; e < EPOCHS; e++) /* 2 : 1 : 1 */
            r->epochs[i * EPOCHS + e] = (cnn_epoch_row){
                .epoch_seconds = m->train_seconds / (e ? 4 : 2), .epoch_evaluation_seconds = 0.5};
        clock[rank] += BETWEEN;
        a->attempt_outcome = CNN_OUTCOME_DONE;
        a->attempt_session = 0;
        a->attempt_rank = rank;
        a->attempt_start_time = r->sessions[0].start_time + clock[rank];
        a->attempt_life_seconds = m->life_seconds;
        clock[rank] += m->life_seconds;
    }
}

static cnn_results *pilot(void)
{
    cnn_results *r = job_results(PILOT, 1000);
    fill(r);
    return r;
}

/** A job and its forecast from a file. */
typedef struct {
    cnn_job *job;
    cnn_design *design;
    cnn_forecast *forecast;
} expected;

static cnn_status try_expect(const char *text, int devices, const cnn_network *const *networks,
                             const cnn_image_counts *images, const cnn_results *r, expected *x)
{
    *x = (expected){0};
    if (cnn_job_parse("job.yaml", text, NULL, &x->job) != CNN_OK ||
        cnn_design_create(x->job, devices, &x->design) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return cnn_forecast_create(x->design, x->job, networks, images, r, "pilot.h5", &x->forecast);
}

static expected expect(const char *text, int devices, const cnn_results *r)
{
    expected x;
    if (try_expect(text, devices, NULL, NULL, r, &x) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return x;
}

static void end(expected *x)
{
    cnn_forecast_destroy(&x->forecast);
    cnn_design_destroy(&x->design);
    cnn_job_destroy(&x->job);
}

static void assert_unknown(const char *unknown, const char *reason)
{
    assert_non_null(unknown);
    if (!strstr(unknown, reason))
        fail_msg("'%s' lacks '%s'", unknown, reason);
}

/** The file has nothing for the plan, and the message says why. */
static void assert_useless(const char *text, const cnn_results *r, const char *reason)
{
    expected x;
    assert_int_equal(try_expect(text, 2, NULL, NULL, r, &x), CNN_EUSAGE);
    assert_null(x.forecast);
    assert_unknown(cnn_error_message(), reason);
    assert_unknown(cnn_error_message(), "'pilot.h5' says nothing about this plan: native / arch1");
    end(&x);
}

/** Mean and standard deviation of the training of a cell's runs, warm-ups left out. */
static double mean_of(const cnn_results *r, int cell, double *sd)
{
    double sum = 0, squares = 0;
    int n = 0;
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].cell == cell && !r->planned[i].warmup && r->status[i] == CNN_RUN_DONE) {
            sum += r->measured[i].train_seconds;
            n++;
        }
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].cell == cell && !r->planned[i].warmup && r->status[i] == CNN_RUN_DONE)
            squares += pow(r->measured[i].train_seconds - sum / n, 2);
    *sd = sqrt(squares / (n - 1));
    return sum / n;
}

static void test_runs_take_their_cells_means(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].warmup)
            r->measured[i].train_seconds = r->measured[i].life_seconds = 1e6; /* must not count */
    expected x = expect(JOB("9", THREE, STUDY, ""), 3, r);
    assert_int_equal(x.forecast->cell_count, 4);
    assert_int_equal(x.forecast->cells_known, 4);
    for (int c = 0; c < 4; c++) {
        const cnn_forecast_cell *cell = &x.forecast->cells[c];
        double sd, mean = mean_of(r, c, &sd);
        assert_null(cell->unknown);
        assert_int_equal(cell->runs, 5);
        assert_int_equal(cell->epochs, 0);
        golden_compare(cell->train_seconds, mean, 1e-12, "train_seconds", c);
        golden_compare(cell->train_sd, sd, 1e-12, "train_sd", c);
        golden_compare(cell->setup_seconds, 1, 1e-12, "setup_seconds", c);
        golden_compare(cell->life_seconds, mean + 3, 1e-12, "life_seconds", c);
    }
    end(&x);
    cnn_results_free(&r);
}

static void test_cells_are_found_by_their_names(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    double sd;
    expected x = expect(JOB("2", "epochs: 3",
                            "  architecture: [arch2]\n  dataset: [other, toy]\n"
                            "  batch_size: [32, 64]\n  framework: [layered, native]\n"
                            "contrast: framework\n",
                            ""),
                        1, r);
    int known = 0;
    for (int c = 0; c < x.forecast->cell_count; c++) {
        const cnn_forecast_cell *cell = &x.forecast->cells[c];
        const int *levels = x.design->cells[c].levels; /* of architecture, dataset, ... */
        if (levels[1] == 0) {
            assert_unknown(cell->unknown, "no cell of this name");
        } else if (levels[2] == 1) {
            assert_unknown(cell->unknown, "\"batch_size\":32 there, \"batch_size\":64 here");
        } else {
            known++;
            assert_int_equal(cell->source, levels[3] == 1 ? 1 : 3); /* native, layered / arch2 */
            golden_compare(cell->train_seconds, mean_of(r, cell->source, &sd), 1e-12, "mean", c);
        }
    }
    assert_int_equal(known, 2);
    assert_int_equal(x.forecast->cells_known, 2);
    assert_true(isnan(x.forecast->wall_seconds));
    assert_true(x.forecast->device_seconds > 0);
    for (int i = 0; i < x.forecast->pair_count; i++) {
        const cnn_forecast_pair *p = &x.forecast->pairs[i];
        const int *levels = x.design->combinations[p->pair.combination].levels;
        if (levels[1] == 1 && levels[2] == 0) /* the file has the pair the other way round */
            assert_true(!p->unknown && p->paired_sd > 0);
        else
            assert_unknown(p->unknown, "one of the cells is unknown");
    }
    end(&x);
    x = expect(JOB("2", THREE,
                   "  framework: [native, layered]\n  architecture: [arch1, mine]\n"
                   "  dataset: [toy]\ncontrast: framework\n",
                   "architectures:\n  mine: [{dense: classes}]\n"),
               1, r);
    assert_int_equal(x.forecast->cells_known, 2);
    assert_unknown(x.forecast->cells[1].unknown, "no cell of this name");
    end(&x);
    cnn_results_free(&r);
}

static void test_what_would_take_other_seconds_is_refused(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    assert_useless(JOB("5", "epochs: 3, optimizer: adam", STUDY, ""), r,
                   "\"optimizer\":\"sgd\" there, \"optimizer\":\"adam\" here");
    assert_useless(JOB("5", THREE, STUDY, "backend: cudnn\n"), r,
                   "backend onednn there, cudnn here");
    assert_useless("name: f\nrepeats: 5\nseed: 1\ntrain: {epochs: 3}\nfactors:\n" STUDY
                   "datasets:\n  toy: {type: synthetic, count: 200}\n",
                   r, "\"count\":100 there, \"count\":200 here");
    assert_useless("name: f\nrepeats: 5\nseed: 1\ntrain: {epochs: 3}\nfactors:\n" STUDY
                   "datasets:\n  toy: {type: synthetic, count: 100, limit: 50}\n",
                   r, "\"limit\":0 there, \"limit\":50 here");
    expected x = expect(JOB("5", THREE, STUDY, "backend: onednn\n"), 2, r);
    assert_int_equal(x.forecast->cells_known, 4);
    end(&x);
    cnn_results_free(&r);
}

static void test_sizes_that_were_measured_must_agree(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    const cnn_network small = {.parameter_total = 1000}, large = {.parameter_total = 5000};
    const cnn_network *const networks[] = {&small, &large, &small, NULL};
    const cnn_network *const programs[] = {&small, &large};
    const cnn_image_counts images[] = {{80, 20}, {80, 20}, {81, 20}, {0, 0}};
    expected x;
    assert_int_equal(try_expect(JOB("5", THREE, STUDY, ""), 2, networks, images, r, &x), CNN_OK);
    assert_null(x.forecast->cells[0].unknown);
    assert_unknown(x.forecast->cells[1].unknown, "1001 parameters there, 5000 here");
    assert_unknown(x.forecast->cells[2].unknown, "80 training images there, 81 here");
    assert_null(x.forecast->cells[3].unknown); /* the plan does not know its data */
    end(&x);
    cnn_results_free(&r);
#define PROGRAM                                                                                    \
    JOB("2", THREE,                                                                                \
        "  framework: [native, {name: mine, command: [train]}]\n  architecture: [arch1]\n"         \
        "  dataset: [toy]\ncontrast: framework\n",                                                 \
        "")
    r = job_results(PROGRAM, 1000); /* who knows what a program counts */
    fill(r);
    assert_int_equal(try_expect(PROGRAM, 2, programs, images + 1, r, &x), CNN_OK);
    assert_int_equal(x.forecast->cells_known, 2);
    end(&x);
    cnn_results_free(&r);
}

static void test_epochs_are_put_together_from_epochs(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    double sd, mean = mean_of(r, 2, &sd);
    expected x = expect(JOB("5", "epochs: 7", STUDY, ""), 2, r);
    /* 2 + 1 + 1 quarters, and four more of one; evaluation seven times, not three */
    assert_int_equal(x.forecast->cells[2].epochs, 3);
    golden_compare(x.forecast->cells[2].train_seconds, 2 * mean, 1e-12, "longer", 2);
    golden_compare(x.forecast->cells[2].life_seconds, 2 * mean + 1.5 + 3.5, 1e-12, "longer life",
                   2);
    assert_true(isnan(x.forecast->cells[2].train_sd));
    assert_unknown(x.forecast->pairs[0].unknown, "runs of other epochs have another spread");
    assert_true(isfinite(x.forecast->wall_seconds));
    end(&x);
    x = expect(JOB("5", "epochs: 1", STUDY, ""), 2, r);
    golden_compare(x.forecast->cells[2].train_seconds, mean / 2, 1e-12, "shorter", 2);
    golden_compare(x.forecast->cells[2].life_seconds, mean / 2 + 1.5 + 0.5, 1e-12, "its life", 2);
    end(&x);
    /* A trainer that reports no evaluation: training is known, the whole run is not. */
    for (int i = 0; i < r->run_count * EPOCHS; i++)
        r->epochs[i].epoch_evaluation_seconds = NAN;
    x = expect(JOB("5", "epochs: 7", STUDY, ""), 2, r);
    golden_compare(x.forecast->cells[2].train_seconds, 2 * mean, 1e-12, "longer", 2);
    assert_int_equal(x.forecast->cells_known, 0);
    assert_true(isnan(x.forecast->wall_seconds));
    end(&x);
    for (int i = 0; i < r->run_count * EPOCHS; i++)
        r->epochs[i] = cnn_epoch_row_unknown();
    assert_useless(JOB("5", "epochs: 7", STUDY, ""), r, "no seconds of single epochs");
    cnn_results_free(&r);
    r = job_results(JOB("5", "epochs: 1", STUDY, ""), 1000);
    assert_useless(JOB("5", "epochs: 7", STUDY, ""), r, "1 epoch there, 7 here");
    cnn_results_free(&r);
}

/** A file whose rows hold fewer epochs than its job text claims. */
static void test_rows_are_not_read_beyond_their_end(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    r->epoch_count = 2;
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].epochs_done = 2;
    assert_useless(JOB("5", "epochs: 7", STUDY, ""), r, "no seconds of single epochs");
    r->factors[0].level_count = 1;
    expected x;
    assert_int_equal(try_expect(PILOT, 2, NULL, NULL, r, &x), CNN_EDATA);
    assert_unknown(cnn_error_message(), "'pilot.h5' is damaged");
    end(&x);
    r->factors[0].level_count = 2;
    r->factors[1].name[0]++;
    assert_int_equal(try_expect(PILOT, 2, NULL, NULL, r, &x), CNN_EDATA);
    end(&x);
    cnn_results_free(&r);
}

static void test_runs_of_another_level_of_epochs_come_first(void **state)
{
    (void)state;
    cnn_results *r = job_results(JOB("3", "batch_size: 32",
                                     "  framework: [native, layered]\n  architecture: [arch1]\n"
                                     "  dataset: [toy]\n  epochs: [2, 3]\ncontrast: framework\n",
                                     ""),
                                 1000);
    expected x = expect(JOB("3", THREE,
                            "  framework: [native, layered]\n  architecture: [arch1]\n"
                            "  dataset: [toy]\ncontrast: framework\n",
                            ""),
                        1, r);
    assert_int_equal(x.forecast->cells[0].source, 1); /* of 3 epochs, not stretched from 2 */
    assert_int_equal(x.forecast->cells[0].epochs, 0);
    end(&x);
    cnn_results_free(&r);
}

static void test_an_unfinished_file_serves_as_far_as_it_goes(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    double sd;
    for (int i = 0; i < r->run_count; i++) {
        if (r->planned[i].cell == 3 || r->planned[i].repeat == 4)
            r->status[i] = CNN_RUN_PLANNED;
        if (r->planned[i].cell == 2)
            r->status[i] = CNN_RUN_FAILED;
        if (r->status[i] != CNN_RUN_DONE)
            r->measured[i] = cnn_measured_unknown();
    }
    expected x = expect(PILOT, 2, r);
    assert_int_equal(x.forecast->runs_planned, 20);
    assert_int_equal(x.forecast->runs_done, 8);
    assert_int_equal(x.forecast->runs_left, 7);
    assert_int_equal(x.forecast->cells[0].runs, 4);
    golden_compare(x.forecast->cells[0].train_seconds, mean_of(r, 0, &sd), 1e-12, "mean", 0);
    assert_unknown(x.forecast->cells[2].unknown, "every run failed or diverged");
    assert_unknown(x.forecast->cells[3].unknown, "no run has been done");
    assert_int_equal(x.forecast->cells_known, 2);
    end(&x);
    for (int i = 0; i < r->run_count; i++)
        r->status[i] = CNN_RUN_PLANNED;
    assert_useless(PILOT, r, "no run has been done");
    cnn_results_free(&r);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void test_devices_work_through_their_queues(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    static const int devices[] = {1, 2, 3, 7};
    for (int k = 0; k < 4; k++) {
        expected x = expect(JOB("5", THREE, STUDY, WARM), devices[k], r);
        double longest = 0, all = 0, sd;
        for (int d = 0; d < devices[k]; d++) {
            double own = 0;
            for (int q = x.design->queue_start[d]; q < x.design->queue_start[d + 1]; q++)
                for (int l = 0; l < 2; l++) {
                    const cnn_block *block = &x.design->blocks[x.design->queue[q]];
                    own +=
                        BETWEEN + 3 + mean_of(r, x.design->runs[cnn_block_run(block, l)].cell, &sd);
                }
            longest = fmax(longest, own);
            all += own;
        }
        golden_compare(x.forecast->outside_seconds, BETWEEN, 1e-9, "outside_seconds", k);
        golden_compare(x.forecast->device_seconds, all, 1e-9, "device_seconds", k);
        golden_compare(x.forecast->wall_seconds, longest, 1e-9, "wall_seconds", k);
        end(&x);
    }
    /* Nobody knows what a rank did between its runs. */
    for (int i = 0; i < r->run_count; i++)
        r->attempts[i] = cnn_attempt_unknown();
    expected x = expect(JOB("1", THREE, STUDY, ""), 1, r);
    double sum = 0, sd;
    for (int c = 0; c < 4; c++)
        sum += mean_of(r, c, &sd) + 3;
    assert_true(isnan(x.forecast->outside_seconds));
    golden_compare(x.forecast->wall_seconds, sum, 1e-12, "wall_seconds", 4);
    end(&x);
    cnn_results_free(&r);
}

/** Dynamic: every block to the device that is free first, found here by looking at all. */
static void test_first_free_devices_take_the_blocks_of_a_common_queue(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    static const int devices[] = {1, 2, 3, 5, 8, 9};
    for (int k = 0; k < 6; k++) {
        /* with nine devices: more than there are blocks */
        expected x = expect(
            devices[k] < 9 ? JOB("31", THREE, STUDY, "schedule: {warmup: 1, assign: dynamic}\n")
                           : JOB("1", THREE, STUDY, "schedule: {warmup: 1, assign: dynamic}\n"),
            devices[k], r);
        double busy[9] = {0}, longest = 0;
        for (int q = 0; q < x.design->block_count; q++) {
            const cnn_block *block = &x.design->blocks[x.design->queue[q]];
            int to = block->device < 0 ? 0 : block->device;
            for (int d = 0; block->device < 0 && d < devices[k]; d++)
                to = busy[d] < busy[to] ? d : to;
            for (int l = 0; l < 2; l++)
                busy[to] +=
                    BETWEEN +
                    x.forecast->cells[x.design->runs[cnn_block_run(block, l)].cell].life_seconds;
            longest = fmax(longest, busy[to]);
        }
        golden_compare(x.forecast->wall_seconds, longest, 1e-9, "wall_seconds", k);
        end(&x);
    }
    cnn_results_free(&r);
}

/* ---- power --------------------------------------------------------------------------------- */

static void test_a_file_of_the_plan_itself_says_what_its_report_says(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    cnn_analysis *a = NULL;
    assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_OK);
    expected x = expect(PILOT, JOB_RESULTS_DEVICES, r);
    assert_int_equal(x.forecast->pair_count, a->comparison_count);
    assert_int_equal(x.forecast->repeats, 5);
    for (int i = 0; i < x.forecast->pair_count; i++) {
        const cnn_forecast_pair *p = &x.forecast->pairs[i];
        const cnn_comparison *c = cnn_analysis_comparison(a, i, CNN_MEASURE_TRAIN_SECONDS);
        assert_null(p->unknown);
        assert_int_equal(p->blocks, 5);
        golden_compare(p->paired_sd, c->paired_sd, 0, "paired_sd", i);
        golden_compare(p->detectable_family, c->detectable, 0, "detectable_family", i);
        assert_int_equal(p->blocks_needed, c->blocks_needed);
        assert_int_equal(p->blocks_equivalence, c->blocks_equivalence);
        assert_true(p->blocks_needed > 2 && p->blocks_equivalence > 2);
    }
    end(&x);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

static void test_three_levels_make_three_pairs(void **state)
{
    (void)state;
    static const char job[] =
        JOB("6", "epochs: 3",
            "  framework: [native]\n  architecture: [arch1, arch2]\n  dataset: [toy]\n"
            "  batch_size: [16, 32, 64]\ncontrast: batch_size\n",
            "");
    cnn_results *r = job_results(job, 1000);
    cnn_analysis *a = NULL;
    fill(r);
    assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_OK);
    expected x = expect(job, 2, r);
    assert_int_equal(x.forecast->pair_count, 6);
    for (int i = 0; i < 6; i++) {
        golden_compare(x.forecast->pairs[i].paired_sd,
                       cnn_analysis_comparison(a, i, CNN_MEASURE_TRAIN_SECONDS)->paired_sd, 0,
                       "paired_sd", i);
        assert_memory_equal(&x.forecast->pairs[i].pair, &a->pairs[i], sizeof a->pairs[i]);
    }
    assert_true(x.forecast->pairs[1].paired_sd != x.forecast->pairs[2].paired_sd);
    end(&x);
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
}

/** sqrt(4 / qchisq(0.2, 4)) in R: the upper confidence bound of the sd of 5 blocks. */
#define BOUND 1.557575422556630

/** R: the d with pt(c, 13, sqrt(15) d, lower.tail = FALSE) + pt(-c, 13, sqrt(15) d) = 0.8, where c is
 *  qt(0.025, 13, lower.tail = FALSE): 15 blocks less two parameters; and of 60 blocks with 0.005. */
static void test_repeats_and_alpha_are_the_plans(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    expected x = expect(JOB("15", THREE, STUDY, ""), 2, r);
    const cnn_forecast_pair *p = &x.forecast->pairs[1];
    golden_compare(p->detectable, 0.7826760428294903 * BOUND * p->paired_sd, 1e-8, "detectable", 0);
    golden_compare(p->detectable_seconds, expm1(p->detectable) * x.forecast->cells[3].train_seconds,
                   1e-12, "detectable_seconds", 0); /* layered / arch2 is b */
    assert_true(p->detectable_family > p->detectable);
    end(&x);
    x = expect(JOB("60", THREE, STUDY, "analysis: {alpha: 0.01}\n"), 2, r);
    p = &x.forecast->pairs[1];
    golden_compare(p->detectable, 0.4542532280296229 * BOUND * p->paired_sd, 1e-8, "detectable", 1);
    end(&x);
    x = expect(JOB("15", THREE, STUDY, "analysis: {margin_time: 0.5}\n"), 2, r);
    assert_true(x.forecast->pairs[1].blocks_equivalence < 15);
    end(&x);
    x = expect(JOB("1", THREE, STUDY, ""), 2, r);
    assert_null(x.forecast->pairs[0].unknown);
    assert_true(isnan(x.forecast->pairs[0].detectable));
    end(&x);
    cnn_results_free(&r);
}

static void test_spread_needs_blocks_of_the_pair(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    expected x = expect(JOB("5", THREE,
                            "  framework: [native]\n  architecture: [arch1, arch2]\n"
                            "  dataset: [toy]\ncontrast: architecture\n",
                            ""),
                        2, r);
    assert_int_equal(x.forecast->cells_known, 2);
    assert_unknown(x.forecast->pairs[0].unknown, "does not compare these within blocks");
    end(&x);
    for (int i = 0; i < r->run_count; i++)
        if (r->planned[i].level == 1 && r->planned[i].repeat > 0)
            r->status[i] = CNN_RUN_FAILED;
    x = expect(PILOT, 2, r);
    assert_int_equal(x.forecast->cells_known, 4);
    assert_unknown(x.forecast->pairs[0].unknown, "one whole block");
    end(&x);
    cnn_results_free(&r);
    r = pilot();
    for (int i = 0; i < r->run_count; i++)
        r->measured[i].train_seconds = 10;
    x = expect(PILOT, 2, r);
    assert_unknown(x.forecast->pairs[0].unknown, "the same in every block");
    end(&x);
    cnn_results_free(&r);
}

static void test_the_text_names_what_it_rests_on(void **state)
{
    (void)state;
    cnn_results *r = pilot();
    for (int i = 0; i < r->run_count; i++)
        cnn_copy_string(r->measured[i].device_model, 96, "some card");
    expected x = expect(JOB("15", "epochs: 3",
                            "  framework: [native, layered]\n  architecture: [arch1]\n"
                            "  dataset: [toy]\n  batch_size: [32, 64]\ncontrast: framework\n",
                            ""),
                        2, r);
    cnn_document d = {0};
    cnn_text t = {0};
    cnn_report_forecast(x.forecast, x.design, x.job, r, "pilot.h5", &d);
    assert_int_equal(cnn_document_status(&d), CNN_OK);
    cnn_render_text(&d, NULL, CNN_TEXT_WIDTH, &t);
    static const char *const parts[] = {
        "Time, by the runs of 'pilot.h5'",
        "20 planned: 20 done",
        "some card (24 runs)",
        "unknown: the file lacks the time of 2 of 4 cells",
        "unknown: trained otherwise",
        "unknown: one of the cells is unknown: arch1 / toy / 64 (native, layered)",
        "native, layered",
        "15 blocks of each combination, two-sided alpha 0.05, power 0.8",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(t.s, parts[i]))
            fail_msg("'%s' is missing in:\n%s", parts[i], t.s);
    assert_null(strstr(t.s, "nan"));
    cnn_text_free(&t);
    cnn_document_free(&d);
    end(&x);
    cnn_results_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_take_their_cells_means),
        cmocka_unit_test(test_cells_are_found_by_their_names),
        cmocka_unit_test(test_what_would_take_other_seconds_is_refused),
        cmocka_unit_test(test_sizes_that_were_measured_must_agree),
        cmocka_unit_test(test_epochs_are_put_together_from_epochs),
        cmocka_unit_test(test_rows_are_not_read_beyond_their_end),
        cmocka_unit_test(test_runs_of_another_level_of_epochs_come_first),
        cmocka_unit_test(test_an_unfinished_file_serves_as_far_as_it_goes),
        cmocka_unit_test(test_devices_work_through_their_queues),
        cmocka_unit_test(test_first_free_devices_take_the_blocks_of_a_common_queue),
        cmocka_unit_test(test_a_file_of_the_plan_itself_says_what_its_report_says),
        cmocka_unit_test(test_three_levels_make_three_pairs),
        cmocka_unit_test(test_repeats_and_alpha_are_the_plans),
        cmocka_unit_test(test_spread_needs_blocks_of_the_pair),
        cmocka_unit_test(test_the_text_names_what_it_rests_on),
    };
    return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
