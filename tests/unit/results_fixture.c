/* SPDX-License-Identifier: Apache-2.0 */
#include "results_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { JOB_TEXT_SIZE = 100000 };

static char job_text[JOB_TEXT_SIZE + 1];
static char *framework_labels[] = {"native", "layered"};
static char *architecture_labels[] = {"arch1", "schön"};
static char *epochs_labels[] = {"2", "3"};
static char *threads_labels[] = {"one"};
static cnn_train epochs_values[] = {{.epochs = 2}, {.epochs = FIXTURE_EPOCHS}};
static cnn_factor factors[FIXTURE_FACTORS] = {
    {.name = "framework",
     .kind = CNN_FACTOR_FRAMEWORK,
     .level_count = 2,
     .labels = framework_labels},
    {.name = "architecture",
     .kind = CNN_FACTOR_ARCHITECTURE,
     .level_count = 2,
     .labels = architecture_labels},
    {.name = "epochs",
     .kind = CNN_FACTOR_TRAIN,
     .level_count = 2,
     .labels = epochs_labels,
     .values = epochs_values},
    {.name = "threads", .kind = CNN_FACTOR_DATASET, .level_count = 1, .labels = threads_labels},
};
static cnn_job job;

const cnn_job *fixture_job(int repeats)
{
    for (int i = 0; i < JOB_TEXT_SIZE; i++)
        job_text[i] = i % 80 == 79 ? '\n' : (char)('a' + i % 26);
    job = (cnn_job){.name = "fixture: \"größe\"",
                    .text = job_text,
                    .overrides = "",
                    .repeats = repeats,
                    .seed = 20180601,
                    .train = {.epochs = 1},
                    .factor_count = FIXTURE_FACTORS,
                    .factors = factors,
                    .contrast = 0,
                    .schedule = {.warmup = 1},
                    .limits = {.retries = FIXTURE_RETRIES},
                    .analysis = {0.01, 0.001, 0.05}};
    job.analysis.look_count = 1;
    job.analysis.looks[0] = 1;
    return &job;
}

cnn_design *fixture_design(const cnn_job *of)
{
    cnn_design *design = NULL;
    assert_int_equal(cnn_design_create(of, 2, &design), CNN_OK);
    return design;
}

/* Column k of a row gets a value from the row's number and k. */
#define FILL_I8(m, name)        row.m = (int8_t)(key % 2);
#define FILL_I32(m, name)       row.m = 100 * key + k;
#define FILL_I64(m, name)       row.m = 10000000000 + 100 * key + k;
#define FILL_F64(m, name)       row.m = (key % 7 == 3) ? NAN : key + k / 64.0;
#define FILL_TEXT(m, name)      snprintf(row.m, sizeof row.m, "%d %s äöü", key, name);
#define FILL_T16(m, name)       snprintf(row.m, sizeof row.m, "%d", key);
#define FILL_T32(m, name)       snprintf(row.m, sizeof row.m, "%d äöü", key);
#define FILL_T64                FILL_TEXT
#define FILL_T96                FILL_TEXT
#define FILL_T128               FILL_TEXT
#define FILL_T512               FILL_TEXT
#define FILL(m, type, units, t) FILL_##type(m, #m) k++;

cnn_measured fixture_measured(int run)
{
    cnn_measured row = {0};
    int k = 0, key = run;
    CNN_MEASURED_COLUMNS(FILL)
    row.attempts = 1 + run % (1 + FIXTURE_RETRIES);
    row.epochs_done = run % (1 + FIXTURE_EPOCHS);
    row.session = run % 2;
    row.environment = run % 3;
    row.start_time = FIXTURE_SESSION_TIME + run + 0.25;
    row.throttle_reasons = -1;
    return row;
}

cnn_epoch_row fixture_epoch(int run, int epoch)
{
    cnn_epoch_row row = {0};
    int k = 0, key = 100 * run + epoch;
    CNN_EPOCH_COLUMNS(FILL)
    return row;
}

cnn_attempt fixture_attempt(int run, int attempt)
{
    cnn_attempt row = {0};
    int k = 0, key = 10 * run + attempt;
    CNN_ATTEMPT_COLUMNS(FILL)
    row.attempt_outcome = (int8_t)(key % CNN_OUTCOME_COUNT);
    row.attempt_session = run % 2;
    row.attempt_exit_code = -9;
    memset(row.attempt_log, 'x', sizeof row.attempt_log - 1); /* full */
    return row;
}

cnn_run_status fixture_status(int run)
{
    static const cnn_run_status turns[] = {CNN_RUN_DONE, CNN_RUN_DIVERGED, CNN_RUN_FAILED};
    return run % 5 == 4 ? CNN_RUN_PLANNED : turns[run % 3];
}

#define FILL_ROWS(rows, n, columns)                                                                \
    for (int key = 0; key < (n); key++) {                                                          \
        int k = 0;                                                                                 \
        columns(FILL_##rows)(void) k;                                                              \
    }
#define FILL_ROW(of, m, type)                  FILL_ROW_##type(of, m) k++;
#define FILL_ROW_I8(of, m)                     a->of[key].m = (int8_t)(key % 2);
#define FILL_ROW_I32(of, m)                    a->of[key].m = 100 * key + k;
#define FILL_ROW_I64(of, m)                    a->of[key].m = 10000000000 + 100 * key + k;
#define FILL_ROW_F64(of, m)                    a->of[key].m = (key % 7 == 3) ? NAN : key + k / 64.0;
#define FILL_counts(m, type, units, text)      FILL_ROW(counts, m, type)
#define FILL_summaries(m, type, units, text)   FILL_ROW(summaries, m, type)
#define FILL_pairs(m, type, units, text)       FILL_ROW(pairs, m, type)
#define FILL_comparisons(m, type, units, text) FILL_ROW(comparisons, m, type)
#define FILL_blocking(m, type, units, text)    FILL_ROW(blocking, m, type)
#define FILL_positions(m, type, units, text)   FILL_ROW(positions, m, type)
#define FILL_models(m, type, units, text)      FILL_ROW(models, m, type)
#define FILL_fixed(m, type, units, text)       FILL_ROW(fixed, m, type)
#define FILL_components(m, type, units, text)  FILL_ROW(components, m, type)
#define FILL_seed_groups(m, type, units, text) FILL_ROW(seed_groups, m, type)
#define FILL_cell_seeds(m, type, units, text)  FILL_ROW(cell_seeds, m, type)

static void fill_tables(cnn_analysis *a)
{
    const int models = a->combination_count * CNN_MEASURE_COUNT;
    FILL_ROWS(counts, a->cell_count, CNN_CELL_COUNT_COLUMNS)
    FILL_ROWS(summaries, a->cell_count * CNN_MEASURE_COUNT, CNN_SUMMARY_COLUMNS)
    FILL_ROWS(pairs, a->comparison_count, CNN_PAIR_COLUMNS)
    FILL_ROWS(comparisons, a->comparison_count * CNN_MEASURE_COUNT, CNN_COMPARISON_COLUMNS)
    FILL_ROWS(blocking, CNN_MEASURE_COUNT, CNN_BLOCKING_COLUMNS)
    FILL_ROWS(positions, models * a->level_count, CNN_POSITION_COLUMNS)
    FILL_ROWS(models, models, CNN_MODEL_COLUMNS)
    FILL_ROWS(fixed, models * a->level_count, CNN_FIXED_COLUMNS)
    FILL_ROWS(components, models * a->component_count, CNN_COMPONENT_COLUMNS)
    FILL_ROWS(seed_groups, a->seed_group_count, CNN_SEED_GROUP_COLUMNS)
    FILL_ROWS(cell_seeds, a->cell_count, CNN_CELL_SEEDS_COLUMNS)
}

cnn_analysis *fixture_analysis(const cnn_design *design)
{
    cnn_analysis *a = calloc(1, sizeof *a);
    assert_non_null(a);
    a->run_count = design->run_count;
    a->cell_count = design->cell_count;
    a->combination_count = design->combination_count;
    a->level_count = design->level_count;
    a->comparison_count = design->combination_count; /* of two levels */
    a->component_count = CNN_COMPONENT_LEVELS + design->level_count;
    a->session_count = 2;
    a->measure_count = CNN_MEASURE_COUNT;
    const size_t cells = (size_t)a->cell_count, pairs = (size_t)a->comparison_count;
    const size_t models = (size_t)a->combination_count * CNN_MEASURE_COUNT;
    const size_t runs = (size_t)a->run_count;
    a->counts = calloc(cells, sizeof *a->counts);
    a->summaries = calloc(cells * CNN_MEASURE_COUNT, sizeof *a->summaries);
    a->outlier = calloc(runs * CNN_MEASURE_COUNT, sizeof *a->outlier);
    a->block_flaw = calloc(runs, sizeof *a->block_flaw);
    a->pairs = calloc(pairs, sizeof *a->pairs);
    a->comparisons = calloc(pairs * CNN_MEASURE_COUNT, sizeof *a->comparisons);
    a->positions = calloc(models * (size_t)a->level_count, sizeof *a->positions);
    a->models = calloc(models, sizeof *a->models);
    a->fixed = calloc(models * (size_t)a->level_count, sizeof *a->fixed);
    a->components = calloc(models * (size_t)a->component_count, sizeof *a->components);
    a->cell_seeds = calloc(cells, sizeof *a->cell_seeds);
    a->session_overhead = calloc(2, sizeof *a->session_overhead);
    assert_true(a->counts && a->summaries && a->outlier && a->block_flaw && a->pairs &&
                a->comparisons && a->positions && a->models && a->fixed && a->components &&
                a->cell_seeds && a->session_overhead);
    fill_tables(a);
    for (size_t i = 0; i < runs * CNN_MEASURE_COUNT; i++)
        a->outlier[i] = (int8_t)(i % CNN_OUTLIER_COUNT);
    for (size_t i = 0; i < runs; i++)
        a->block_flaw[i] = (int8_t)(i % CNN_BLOCK_FLAW_COUNT);
    for (int i = 0; i < CNN_MEASURE_COUNT * CNN_TEST_COUNT; i++)
        a->family_size[i / CNN_TEST_COUNT][i % CNN_TEST_COUNT] = i;
    a->scope = (cnn_scope){2, 4, 1, 12};
    a->overhead = 0.03125;
    a->session_overhead[0] = 0.0625;
    a->session_overhead[1] = NAN; /* nothing was attempted */
    return a;
}

static const char *difference = "";

const char *fixture_difference(void)
{
    return difference;
}

#define SAME_NUMBER(m) (a->m == b->m)
#define SAME_I8        SAME_NUMBER
#define SAME_I32       SAME_NUMBER
#define SAME_I64       SAME_NUMBER
#define SAME_F64(m)    (a->m == b->m || (isnan(a->m) && isnan(b->m)))
#define SAME_TEXT(m)   (strcmp(a->m, b->m) == 0)
#define SAME_T16       SAME_TEXT
#define SAME_T32       SAME_TEXT
#define SAME_T64       SAME_TEXT
#define SAME_T96       SAME_TEXT
#define SAME_T128      SAME_TEXT
#define SAME_T512      SAME_TEXT
#define SAME(m, type, units, t)                                                                    \
    difference = same && !SAME_##type(m) ? #m : difference;                                        \
    same = same && SAME_##type(m);

bool same_measured(const cnn_measured *a, const cnn_measured *b)
{
    bool same = true;
    CNN_MEASURED_COLUMNS(SAME)
    return same;
}

bool same_epoch(const cnn_epoch_row *a, const cnn_epoch_row *b)
{
    bool same = true;
    CNN_EPOCH_COLUMNS(SAME)
    return same;
}

bool same_attempt(const cnn_attempt *a, const cnn_attempt *b)
{
    bool same = true;
    CNN_ATTEMPT_COLUMNS(SAME)
    return same;
}

bool same_planned(const cnn_planned *a, const cnn_planned *b)
{
    bool same = true;
    CNN_PLANNED_COLUMNS(SAME)
    return same;
}
