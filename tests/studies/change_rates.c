/* SPDX-License-Identifier: Apache-2.0 */
/** Error rates of `cnnmpi compare` with a known truth: two files of simulated studies, their
 *  sessions, devices and noise as drawn by truth.h, compared as the command compares them.
 *
 *      change_rates                  the rows of every check
 *      change_rates --all            all rows, as docs/compare.md shows them
 *      change_rates --list           the titles of all rows
 *      change_rates --row NAME       rows whose name holds NAME
 *      change_rates --studies N      instead of the rows' own numbers
 *
 *  Each study has 3 combinations of two levels; level0 is the control. A row draws five truths: no
 *  change (false alarms, coverage), a change exactly at the margin of equivalence, all changes
 *  exactly at the limit of --fail-on, one change there and the others none, and 3 % (power). A row
 *  fails where a rate lies above alpha by the binomial distribution, unless its title says that the
 *  assumption is broken: then it is shown, not judged. Exit status 1: a row failed. */
#include "truth.h"

#include "base/text.h"
#include "changes/changes.h"
#include "changes/gate.h"
#include "stats/dist.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA  0.05
#define LIMIT  0.03
#define MARGIN log1p(0.01)
/* Rates are refused whose p value lies below this over the number of assertions. */
#define REFUSED 0.01

enum { COMBINATIONS = 3, CHECK = 100, ALL = 1000, SHARE = 4 /* of studies, for power */ };
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

typedef struct {
    cnn_truth_setting setting;
    int before, after; /* blocks of each combination in the two files */
    double time_sd;
    int check;   /* studies in every check; 0: the row belongs to --all */
    bool broken; /* the assumption is: shown, not judged */
} row;

#define ROW(short, long, ...)                                                                      \
    .setting = {.name = short, .title = long, .levels = 2, .same_devices = true, __VA_ARGS__}

static const row rows[] = {
    {ROW("normal-0", "normal, 8 devices, no session effects", .devices = 8), 16, 16, 0.01, 0,
     false},
    {ROW("normal-2", "normal, sessions 2 %", .devices = 8, .session_sd = 0.02), 16, 16, 0.01, 0,
     false},
    {ROW("normal-5", "normal, sessions 5 %", .devices = 8, .session_sd = 0.05), 16, 16, 0.01, CHECK,
     false},
    {ROW("t3", "t with 3 df, sessions 5 %", .devices = 8, .session_sd = 0.05,
         .noise = CNN_NOISE_T3),
     16, 16, 0.01, 0, false},
    {ROW("outliers", "2 % of runs x 1.5, sessions 5 %", .devices = 8, .session_sd = 0.05,
         .outlier_probability = 0.02, .outlier_size = 0.405465),
     16, 16, 0.01, CHECK, false},
    {ROW("lognormal", "lognormal, sessions 5 %", .devices = 8, .session_sd = 0.05,
         .noise = CNN_NOISE_LOGNORMAL),
     16, 16, 0.01, 0, false},
    {ROW("position", "first run of a block 2 % slower, sessions 5 %", .devices = 8,
         .session_sd = 0.05, .first_slower = 0.02),
     15, 10, 0.01, CHECK, false},
    {ROW("failures", "10 % of runs fail, sessions 5 %", .devices = 8, .session_sd = 0.05,
         .failure_probability = 0.1),
     16, 16, 0.01, 0, false},
    {ROW("devices", "device 2 %, device x level 1 %, device x session 1 %, sessions 5 %",
         .devices = 8, .session_sd = 0.05, .device_sd = 0.02, .device_level_sd = 0.01,
         .device_session_sd = 0.01),
     16, 16, 0.01, CHECK, false},
    {ROW("three-way", "device x level x session 0.5 %, 8 devices, sessions 5 %", .devices = 8,
         .session_sd = 0.05, .device_level_session_sd = 0.005),
     16, 16, 0.003, 0, false},
    {ROW("three-way-4", "the same, 4 devices", .devices = 4, .session_sd = 0.05,
         .device_level_session_sd = 0.005),
     16, 16, 0.003, CHECK, false},
    {ROW("three-way-20", "the same, 20 devices", .devices = 20, .session_sd = 0.05,
         .device_level_session_sd = 0.005),
     20, 20, 0.003, 0, false},
    {ROW("one-device", "1 device, sessions 5 %", .devices = 1, .session_sd = 0.05), 10, 10, 0.01,
     CHECK, false},
    {ROW("two-devices", "2 devices, t with 3 df, sessions 5 %", .devices = 2, .session_sd = 0.05,
         .noise = CNN_NOISE_T3),
     12, 12, 0.01, 0, false},
    {ROW("unequal-plans", "1 device, 6 blocks before and 30 after, sessions 5 %", .devices = 1,
         .session_sd = 0.05),
     6, 30, 0.01, 0, false},
    {ROW("drift", "drift of 0.1 % a run, sessions 5 %", .devices = 8, .session_sd = 0.05,
         .drift = 0.001),
     16, 16, 0.01, 0, false},
    {ROW("memory", "correlation 0.8 from run to run, sessions 5 %", .devices = 8,
         .session_sd = 0.05, .noise = CNN_NOISE_AR1),
     16, 16, 0.01, 0, false},
    {ROW("sessions-3", "3 sessions of 5 % a file", .devices = 8, .session_sd = 0.05, .sessions = 3),
     24, 24, 0.01, 0, false},
    {ROW("broken", "BROKEN: level x session 0.5 %, one session a file", .devices = 8,
         .session_sd = 0.05, .level_session_sd = 0.005),
     16, 16, 0.003, 0, true},
    {ROW("broken-3", "BROKEN: level x session 0.5 %, 3 sessions a file", .devices = 8,
         .session_sd = 0.05, .level_session_sd = 0.005, .sessions = 3),
     24, 24, 0.003, 0, true},
    {ROW("broken-device", "BROKEN: device x level x session 0.5 %, 1 device", .devices = 1,
         .session_sd = 0.05, .device_level_session_sd = 0.005),
     10, 10, 0.003, 0, true},
};

/* ---- studies ------------------------------------------------------------------------------------ */

typedef enum { NO_CHANGE, AT_MARGIN, ALL_AT_LIMIT, ONE_AT_LIMIT, THREE_PERCENT, TRUTHS } truth_kind;

static cnn_truth_of_levels truth_of(truth_kind kind, double time_sd)
{
    static const double changes[] = {0, 0.01, LIMIT, LIMIT, 0.03};
    return (cnn_truth_of_levels){.spread = 1,
                                 .time_sd = time_sd,
                                 .with_times = true,
                                 .change = log1p(changes[kind]),
                                 .first_combination = kind == ONE_AT_LIMIT};
}

typedef struct {
    int studies[TRUTHS];
    int alarms;             /* studies with a change found that is none */
    int cells, covered;     /* intervals of the change, no change being true */
    int equal, equal_cells; /* found equivalent at the margin */
    int exceeded, passed;   /* exits 4 with all changes at the limit; exits 0 with one there */
    int found, changed;     /* cells with a change of 3 % */
    int withheld, all;      /* cells without a test */
    int differ;             /* studies whose sessions differ, no control being named */
} tally;

static void count_cells(const cnn_changes *c, truth_kind kind, tally *t)
{
    bool alarm = false;
    for (int i = 0; i < c->cell_count; i++) {
        const cnn_changes_figures *x = cnn_changes_figures_of(c, i, 0);
        if (c->cells[i].is_control)
            continue;
        const bool changed = x->verdict == CNN_VERDICT_FASTER || x->verdict == CNN_VERDICT_SLOWER;
        t->all++;
        t->withheld += x->reason != CNN_CHANGE_REASON_NONE;
        if (kind == NO_CHANGE && !isnan(x->judged.t.interval.low)) {
            t->cells++;
            t->covered += x->judged.t.interval.low <= 0 && 0 <= x->judged.t.interval.high;
        }
        alarm |= kind == NO_CHANGE && changed;
        t->equal_cells += kind == AT_MARGIN;
        t->equal += kind == AT_MARGIN && x->verdict == CNN_VERDICT_EQUIVALENT;
        t->changed += kind == THREE_PERCENT;
        t->found += kind == THREE_PERCENT && x->verdict == CNN_VERDICT_SLOWER;
    }
    t->alarms += alarm;
}

static cnn_status count_gate(const cnn_changes *c, truth_kind kind, tally *t)
{
    cnn_status st = CNN_OK;
    cnn_gate gate = {0};
    CNN_TRY(cnn_gate_judge(c, LIMIT, &gate));
    t->exceeded += kind == ALL_AT_LIMIT && gate.outcome == CNN_GATE_BEYOND;
    t->passed += kind == ONE_AT_LIMIT && gate.outcome == CNN_GATE_WITHIN;
done:
    cnn_gate_free(&gate);
    return st;
}

/** Without a control: whether any cell's sessions are found to differ. */
static cnn_status count_sessions(const cnn_results *const *files, const char *const *paths,
                                 tally *t)
{
    cnn_status st = CNN_OK;
    cnn_changes *c = NULL;
    bool differ = false;
    CNN_TRY(cnn_changes_create(files, paths, NULL, &c));
    for (int i = 0; i < c->cell_count; i++) {
        const cnn_verdict v = cnn_changes_figures_of(c, i, 0)->verdict;
        differ |= v == CNN_VERDICT_FASTER || v == CNN_VERDICT_SLOWER;
    }
    t->differ += differ;
done:
    cnn_changes_destroy(&c);
    return st;
}

static cnn_status run_study(cnn_truth_plan *const *plans, const row *r, truth_kind kind,
                            uint32_t study, tally *t)
{
    static const char *const paths[] = {"before.h5", "after.h5"};
    cnn_status st = CNN_OK;
    cnn_changes *c = NULL;
    const cnn_truth_of_levels truth = truth_of(kind, r->time_sd);
    const cnn_results *const files[] = {cnn_truth_draw(plans[CNN_BEFORE], &truth, study),
                                        cnn_truth_draw(plans[CNN_AFTER], &truth, study)};
    CNN_TRY(cnn_changes_create(files, paths, "level0", &c));
    CNN_CHECK(c->has_control, CNN_EINVAL, "the control is refused: %s", c->refusal);
    count_cells(c, kind, t);
    CNN_TRY(count_gate(c, kind, t));
    if (kind == NO_CHANGE && study % SHARE == 0)
        CNN_TRY(count_sessions(files, paths, t));
    t->studies[kind]++;
done:
    cnn_changes_destroy(&c);
    return st;
}

static cnn_status run_row(const row *r, int studies, tally *t)
{
    cnn_status st = CNN_OK;
    cnn_truth_plan *plans[CNN_CHANGES_FILES] = {NULL};
    CNN_TRY(cnn_truth_plan_create(&r->setting, COMBINATIONS, r->before, 0, &plans[CNN_BEFORE]));
    CNN_TRY(cnn_truth_plan_create(&r->setting, COMBINATIONS, r->after, 1, &plans[CNN_AFTER]));
    for (truth_kind kind = NO_CHANGE; kind < TRUTHS; kind++)
        for (int i = 0; i < (kind == THREE_PERCENT ? studies / SHARE : studies); i++)
            CNN_TRY(run_study(plans, r, kind, (uint32_t)i, t));
done:
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_truth_plan_destroy(&plans[f]);
    return st;
}

/* ---- judgement ---------------------------------------------------------------------------------- */

static double many_p(int k, int n)
{
    return 1 - cnn_binomial_cdf(k - 1, n, ALPHA);
}

static void judge(const row *r, const tally *t, double refused, cnn_text *why)
{
    if (r->broken)
        return;
    if (many_p(t->alarms, t->studies[NO_CHANGE]) < refused)
        cnn_text_append(why, " FALSE ALARMS");
    if (cnn_binomial_cdf(t->covered, t->cells, 1 - ALPHA) < refused)
        cnn_text_append(why, " COVERAGE");
    if (many_p(t->equal, t->equal_cells) < refused)
        cnn_text_append(why, " EQUIVALENCE");
    if (many_p(t->exceeded, t->studies[ALL_AT_LIMIT]) < refused)
        cnn_text_append(why, " EXIT 4");
    if (many_p(t->passed, t->studies[ONE_AT_LIMIT]) < refused)
        cnn_text_append(why, " EXIT 0");
}

static double percent(int k, int n)
{
    return n > 0 ? 100.0 * k / n : NAN;
}

static void print_row(const row *r, const tally *t, const char *why)
{
    const int n = t->studies[NO_CHANGE];
    printf("| %s | %d / %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f | %.1f | %.0f |%s\n",
           r->setting.title, r->before, r->after, n, percent(t->alarms, n),
           percent(t->covered, t->cells), percent(t->equal, t->equal_cells),
           percent(t->exceeded, t->studies[ALL_AT_LIMIT]),
           percent(t->passed, t->studies[ONE_AT_LIMIT]), percent(t->found, t->changed),
           percent(t->withheld, t->all), percent(t->differ, (n + SHARE - 1) / SHARE), why);
    fflush(stdout);
}

static int list_rows(void)
{
    for (int i = 0; i < COUNT(rows); i++)
        printf("%s\n", rows[i].setting.title);
    return 0;
}

static void print_head(void)
{
    printf(
        "| setting | blocks | studies | false alarms | coverage | false equivalence | exits 4 at "
        "the limit | exits 0 at the limit | power, 3 %% | no test | without a control |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|\n");
}

int main(int argc, char **argv)
{
    enum { ASSERTIONS = 5 };
    cnn_status st = CNN_OK;
    bool all = false, failed = false;
    const char *name = "";
    int studies = 0, judged = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--all"))
            all = true;
        else if (!strcmp(argv[i], "--list"))
            return list_rows();
        else if (!strcmp(argv[i], "--row") && i + 1 < argc)
            name = argv[++i];
        else if (!strcmp(argv[i], "--studies") && i + 1 < argc && (studies = atoi(argv[i + 1])) > 0)
            i++;
        else {
            fprintf(stderr, "'%s': see the head of tests/studies/change_rates.c\n", argv[i]);
            return 2;
        }
    }
    for (int i = 0; i < COUNT(rows); i++)
        judged += (all || rows[i].check) && !rows[i].broken;
    print_head();
    for (int i = 0; i < COUNT(rows); i++) {
        const int own = all || *name ? ALL : rows[i].check;
        tally t = {0};
        cnn_text why = {0};
        if (!own || !strstr(rows[i].setting.name, name))
            continue;
        CNN_TRY(run_row(&rows[i], studies ? studies : own, &t));
        judge(&rows[i], &t, REFUSED / (ASSERTIONS * judged), &why);
        failed |= why.len > 0;
        print_row(&rows[i], &t, why.s ? why.s : "");
        cnn_text_free(&why);
    }
done:
    if (st != CNN_OK)
        fprintf(stderr, "%s\n", cnn_error_message());
    return st != CNN_OK ? 2 : failed;
}
