/* SPDX-License-Identifier: Apache-2.0 */
#include "experiment.h"

#include "base/text.h"
#include "golden_csv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static cnn_results_factor make_factor(const char *name, int levels)
{
    cnn_results_factor f = {cnn_strdup(name), levels, calloc((size_t)levels, sizeof *f.labels), 0};
    assert_true(f.name && f.labels);
    for (int l = 0; l < levels; l++)
        assert_non_null(f.labels[l] = cnn_asprintf("%s%d", name, l + 1));
    return f;
}

cnn_results *experiment_make(int levels, int combinations, int run_count, int session_count)
{
    cnn_results *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->job_name = cnn_strdup("golden");
    r->created = cnn_strdup("cnnmpi 0.1.0");
    r->job_text = cnn_strdup("");
    r->factor_count = 2;
    r->factors = calloc(2, sizeof *r->factors);
    assert_non_null(r->factors);
    r->factors[0] = make_factor("framework", levels);
    r->factors[1] = make_factor("architecture", combinations);
    r->level_count = levels;
    r->combination_count = combinations;
    r->cell_count = levels * combinations;
    r->run_count = run_count;
    r->attempts_per_run = EXPERIMENT_ATTEMPTS;
    r->session_count = session_count;
    r->alpha = 0.05;
    r->margin_time = 0.01;
    r->margin_error = 0.001;
    const size_t runs = (size_t)run_count + 1;
    r->cell_levels = calloc((size_t)r->cell_count * 2, sizeof *r->cell_levels);
    r->status = calloc(runs, sizeof *r->status);
    r->planned = calloc(runs, sizeof *r->planned);
    r->measured = calloc(runs, sizeof *r->measured);
    r->attempts = calloc(runs * EXPERIMENT_ATTEMPTS, sizeof *r->attempts);
    r->sessions = calloc((size_t)session_count + 1, sizeof *r->sessions);
    assert_true(r->cell_levels && r->status && r->planned && r->measured && r->attempts &&
                r->sessions);
    for (int c = 0; c < r->cell_count; c++) {
        r->cell_levels[2 * c] = c / combinations;
        r->cell_levels[2 * c + 1] = c % combinations;
    }
    for (int i = 0; i < run_count; i++)
        r->measured[i] = cnn_measured_unknown();
    for (int i = 0; i < run_count * EXPERIMENT_ATTEMPTS; i++)
        r->attempts[i] = cnn_attempt_unknown();
    return r;
}

void experiment_set_run(cnn_results *r, int run, int combination, int level, int repeat, int block,
                        cnn_run_status status)
{
    r->planned[run] = (cnn_planned){.cell = level * r->combination_count + combination,
                                    .combination = combination,
                                    .level = level,
                                    .repeat = repeat,
                                    .block = block,
                                    .warmup = repeat < 0,
                                    .seed = block};
    r->status[run] = (int8_t)status;
}

cnn_results *experiment_make_done(int levels, int combinations, int repeats, int session_count)
{
    cnn_results *r =
        experiment_make(levels, combinations, levels * combinations * repeats, session_count);
    for (int i = 0; i < r->run_count; i++) {
        const int block = i / levels;
        experiment_set_run(r, i, block % combinations, i % levels, block / combinations, block,
                           CNN_RUN_DONE);
    }
    return r;
}

void experiment_set_attempt(cnn_results *r, int run, int attempt, cnn_outcome outcome, int session,
                            int rank, double start, double life)
{
    cnn_attempt *a = &r->attempts[run * EXPERIMENT_ATTEMPTS + attempt];
    a->attempt_outcome = (int8_t)outcome;
    a->attempt_session = session;
    a->attempt_rank = rank;
    a->attempt_start_time = start;
    a->attempt_life_seconds = life;
}

static int integer(const golden *g, int row, const char *column)
{
    return (int)golden_number(g, row, column);
}

static void read_run(const golden *g, int row, cnn_results *r, int run)
{
    cnn_measured *m = &r->measured[run];
    experiment_set_run(r, run, integer(g, row, "combination"), integer(g, row, "level"),
                       integer(g, row, "repeat."), integer(g, row, "block"),
                       (cnn_run_status)integer(g, row, "status"));
    r->planned[run].position = integer(g, row, "position");
    r->planned[run].seed = integer(g, row, "seed");
    assert_int_equal(r->planned[run].warmup, integer(g, row, "warmup"));
    cnn_copy_string(m->host, sizeof m->host, golden_text(g, row, "host"));
    cnn_copy_string(m->device, sizeof m->device, golden_text(g, row, "device"));
    cnn_copy_string(m->weight_checksum, sizeof m->weight_checksum, golden_text(g, row, "checksum"));
    m->session = 0;
    m->threads = 1;
    m->start_time = golden_number(g, row, "start_time");
    m->train_seconds = golden_number(g, row, "train_seconds");
    m->epochs_done = integer(g, row, "epochs_done");
    m->test_images = (int64_t)golden_number(g, row, "test_images");
    for (int e = 0; e < r->epoch_count; e++) {
        char column[24];
        snprintf(column, sizeof column, "epoch_%d", e + 1);
        r->epochs[run * r->epoch_count + e].epoch_seconds = golden_number(g, row, column);
    }
    m->test_error = golden_number(g, row, "test_error");
    m->test_loss = golden_number(g, row, "test_loss");
}

cnn_results *experiment_read(const char *scenario)
{
    golden g = golden_read("tests/golden/analysis_runs.csv");
    int levels = 0, combinations = 0, runs = 0;
    for (int i = 0; i < g.row_count; i++) {
        if (strcmp(golden_text(&g, i, "scenario"), scenario) != 0)
            continue;
        const int level = integer(&g, i, "level"), combination = integer(&g, i, "combination");
        levels = level >= levels ? level + 1 : levels;
        combinations = combination >= combinations ? combination + 1 : combinations;
        runs++;
    }
    cnn_results *r = experiment_make(levels, combinations, runs, 1);
    r->sessions[0] = (cnn_session){1527854090, 1};
    r->epoch_count = 8;
    r->epochs = calloc((size_t)runs * 8 + 1, sizeof *r->epochs);
    assert_non_null(r->epochs);
    for (int i = 0; i < g.row_count; i++)
        if (!strcmp(golden_text(&g, i, "scenario"), scenario))
            read_run(&g, i, r, integer(&g, i, "run"));
    golden_free(&g);
    return r;
}
