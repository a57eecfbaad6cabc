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

static void fill_comparisons(cnn_reduction *r, const cnn_design *design)
{
    for (int i = 0; i < r->comparison_count; i++)
        for (int m = 0; m < CNN_MEASURE_COUNT; m++) {
            double x = 10 * i + m;
            r->comparisons[i * CNN_MEASURE_COUNT + m] =
                (cnn_comparison){.combination = i % design->combination_count,
                                 .a = 0,
                                 .b = 1,
                                 .difference = x + 0.5,
                                 .ratio = 1 + x / 64,
                                 .study_t = -x,
                                 .welch_t = x,
                                 .welch_df = 28 - x,
                                 .welch_p = 1 / (1 + x)};
        }
}

cnn_reduction *fixture_reduction(const cnn_design *design)
{
    cnn_reduction *r = calloc(1, sizeof *r);
    assert_non_null(r);
    size_t cells = (size_t)design->cell_count;
    r->cell_count = design->cell_count;
    r->comparison_count = design->combination_count;
    r->session_count = 2;
    r->planned = calloc(cells, sizeof *r->planned);
    r->done = calloc(cells, sizeof *r->done);
    r->failed = calloc(cells, sizeof *r->failed);
    r->diverged = calloc(cells, sizeof *r->diverged);
    r->summaries = calloc(cells * CNN_MEASURE_COUNT, sizeof *r->summaries);
    r->comparisons =
        calloc((size_t)r->comparison_count * CNN_MEASURE_COUNT, sizeof *r->comparisons);
    r->session_overhead = calloc(2, sizeof *r->session_overhead);
    assert_true(r->planned && r->done && r->failed && r->diverged && r->summaries &&
                r->comparisons && r->session_overhead);
    for (int c = 0; c < r->cell_count; c++) {
        r->planned[c] = 15;
        r->done[c] = 12 - c % 2;
        r->failed[c] = 1 + c % 2;
        r->diverged[c] = 2;
        for (int m = 0; m < CNN_MEASURE_COUNT; m++)
            r->summaries[c * CNN_MEASURE_COUNT + m] =
                (cnn_summary){12 - c % 2, c + m / 2.0, 0.25, 0.5, c - 1.0, c + 1.0};
    }
    fill_comparisons(r, design);
    r->overhead = 0.03125;
    r->session_overhead[0] = 0.0625;
    r->session_overhead[1] = NAN; /* nothing was attempted */
    return r;
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
