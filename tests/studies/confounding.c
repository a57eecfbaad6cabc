/* SPDX-License-Identifier: Apache-2.0 */
/** The figures of docs/confounding.md: what the first study's order does to its conclusions, and
 * what blocks do. Prints the document's tables; with a folder, writes what its pictures are drawn
 * from.
 *
 *      confounding [FOLDER]            run from the root of the source */
#include "rates.h"
#include "stats/crossover.h"
#include "stats/t_tests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 8, STUDIES = 1000, POWER_STUDIES = 400, FIRST_SEED = 1 };

static FILE *open_table(const char *folder, const char *name)
{
    char path[1024];
    if (!folder)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f)
        fprintf(stderr, "cannot write '%s'\n", path);
    return f;
}

static void close_table(FILE *f)
{
    if (f)
        fclose(f);
}

/* ---- one study ----------------------------------------------------------------------------- */

/** Every run of a study: when it started, framework, device, seconds. */
static void write_runs(const cnn_results *r, FILE *f)
{
    fprintf(f, "hours,framework,device,seconds\n");
    for (int i = 0; i < r->run_count; i++)
        fprintf(f, "%.3f,%d,%d,%.3f\n",
                (r->measured[i].start_time - r->sessions[0].start_time) / 3600, r->planned[i].level,
                r->measured[i].rank, r->measured[i].train_seconds);
}

/** Every block of a study, device by device: its device, the seconds of both frameworks. */
static void write_blocks(const cnn_design *d, const cnn_results *r, FILE *f)
{
    fprintf(f, "block,device,a,b\n");
    for (int q = 0; q < d->block_count; q++) {
        const cnn_block *block = &d->blocks[d->queue[q]];
        const cnn_measured *a = &r->measured[cnn_block_run(block, 0)];
        const cnn_measured *b = &r->measured[cnn_block_run(block, 1)];
        fprintf(f, "%d,%d,%.3f,%.3f\n", q + 1, block->device, a->train_seconds, b->train_seconds);
    }
}

/** What the first picture shows. */
static void draw_study(const cnn_design *design, const cnn_results *const r[2], const char *folder)
{
    FILE *runs = open_table(folder, "runs.csv"), *blocks = open_table(folder, "blocks.csv");
    if (runs)
        write_runs(r[CNN_STUDY_CELL_AFTER_CELL], runs);
    if (blocks)
        write_blocks(design, r[CNN_STUDY_BLOCKS], blocks);
    close_table(runs);
    close_table(blocks);
}

static void format_p(double p, char text[16])
{
    if (p < 0.0001)
        snprintf(text, 16, "< 0.0001");
    else
        snprintf(text, 16, "%.4f", p);
}

static cnn_status print_combination(const cnn_design *d, const cnn_results *const r[2], int c)
{
    cnn_status st = CNN_OK;
    cnn_sample cells = {0}, blocks = {0};
    char p[2][16];
    CNN_TRY(cnn_sample_take(r[CNN_STUDY_CELL_AFTER_CELL], c, &cells));
    CNN_TRY(cnn_sample_take(r[CNN_STUDY_BLOCKS], c, &blocks));
    const cnn_t_result welch = cnn_t_welch(cells.a, cells.n, cells.b, cells.n, 0.95);
    cnn_crossover paired;
    CNN_TRY(cnn_crossover_fit(blocks.a, blocks.b, blocks.at_a, blocks.at_b, blocks.n, 2, 0.95, NULL,
                              &paired));
    format_p(welch.p, p[0]);
    format_p(paired.t.p, p[1]);
    printf("| %s | %.4f | %.2f%s | %s | %.4f | %.2f | %s |\n", d->combinations[c].label,
           exp(welch.difference), welch.t, cnn_study_significant(&welch) ? " *" : "", p[0],
           exp(paired.t.difference), paired.t.t, p[1]);
done:
    cnn_sample_free(&cells);
    cnn_sample_free(&blocks);
    return st;
}

static cnn_status show_one_study(const char *folder)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_design *design = NULL;
    cnn_results *r[2] = {NULL, NULL};
    CNN_TRY(cnn_study_job(NULL, 0, 1, &job));
    CNN_TRY(cnn_design_create(job, DEVICES, &design));
    for (int order = 0; order < 2; order++)
        CNN_TRY(cnn_study_run(job, design, (cnn_study_order)order, &r[order]));
    draw_study(design, (const cnn_results *const[2]){r[0], r[1]}, folder);
    printf("| | cell after cell: a / b | t | Welch's p | blocks: a / b | paired t | p |\n"
           "|---|---|---|---|---|---|---|\n");
    for (int c = 0; c < design->combination_count; c++)
        CNN_TRY(print_combination(design, (const cnn_results *const[2]){r[0], r[1]}, c));
    printf("\n");
done:
    cnn_results_free(&r[0]);
    cnn_results_free(&r[1]);
    cnn_design_destroy(&design);
    cnn_job_destroy(&job);
    return st;
}

/* ---- false positives ----------------------------------------------------------------------- */

static double percent(int count, int of)
{
    return 100.0 * count / of;
}

static cnn_status find_both(cnn_job *job, int studies, cnn_rates rates[2])
{
    cnn_status st = CNN_OK;
    for (int order = 0; order < 2; order++)
        CNN_TRY(cnn_rates_find(job, DEVICES, (cnn_study_order)order, FIRST_SEED, studies,
                               CNN_RATE_PAIRED + 1, &rates[order]));
done:
    return st;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Quantiles of the p values of each test; sorts them. */
static void write_p_values(cnn_rates rates[2], const char *folder)
{
    enum { POINTS = 200 };
    cnn_rates *cells = &rates[CNN_STUDY_CELL_AFTER_CELL], *blocks = &rates[CNN_STUDY_BLOCKS];
    double *columns[] = {cells->p[CNN_RATE_WELCH], blocks->p[CNN_RATE_WELCH],
                         blocks->p[CNN_RATE_PAIRED]};
    const int n = blocks->comparisons;
    FILE *f = open_table(folder, "p.csv");
    if (!f)
        return;
    for (int c = 0; c < 3; c++)
        qsort(columns[c], (size_t)n, sizeof *columns[c], by_value);
    fprintf(f, "share,cells_welch,blocks_welch,blocks_paired\n");
    for (int i = 0; i <= POINTS; i++) {
        const int at = (int)((int64_t)i * (n - 1) / POINTS);
        fprintf(f, "%.4f,%.6f,%.6f,%.6f\n", (double)i / POINTS, columns[0][at], columns[1][at],
                columns[2][at]);
    }
    close_table(f);
}

/** One row: shares of comparisons that are found, and of studies that find any. */
static void print_rates(const char *what, const cnn_rates rates[2])
{
    const cnn_rates *cells = &rates[CNN_STUDY_CELL_AFTER_CELL], *blocks = &rates[CNN_STUDY_BLOCKS];
    printf("| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |\n", what,
           percent(cells->found[CNN_RATE_STUDY], cells->comparisons),
           percent(cells->found[CNN_RATE_WELCH], cells->comparisons),
           percent(cells->holm[CNN_RATE_WELCH], cells->studies),
           percent(blocks->found[CNN_RATE_WELCH], blocks->comparisons),
           percent(blocks->found[CNN_RATE_PAIRED], blocks->comparisons),
           percent(blocks->holm[CNN_RATE_PAIRED], blocks->studies));
}

static cnn_status show_false_positives(const char *folder)
{
    static const struct {
        const char *what;
        cnn_study_setting settings[4];
        int count;
        bool drawn; /* its p values are shown */
    } scenarios[] = {
        {"nothing but the runs' own spread", {{"node", 0}, {"device", 0}}, 2, false},
        {"devices and nodes differ", {{"node", 0.01}, {"device", 0.02}}, 2, true},
        {"devices are alike, and all get slower by 0.01 % from run to run",
         {{"node", 0}, {"device", 0}, {"drift", 0.0001}},
         3,
         false},
        {"devices differ, heavy tails (t with 3 df)", {{"df", 3}}, 1, false},
        {"devices differ, 2 % of the runs take twice as long",
         {{"outlier_probability", 0.02}, {"outlier_factor", 2}},
         2,
         false},
        {"devices differ, and every device favours one framework (sd 0.5 %)",
         {{"device_framework", 0.005}},
         1,
         false},
    };
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_rates rates[2] = {0};
    printf("| truth, without any difference of the frameworks | cell after cell: \\|t\\| > 1.96 | "
           "Welch p < 0.05 | any, by Holm | blocks: Welch p < 0.05 | paired p < 0.05 | any, by "
           "Holm |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        CNN_TRY(cnn_study_job(scenarios[i].settings, scenarios[i].count, 1, &job));
        CNN_TRY(find_both(job, STUDIES, rates));
        print_rates(scenarios[i].what, rates);
        if (scenarios[i].drawn)
            write_p_values(rates, folder);
        cnn_rates_free(&rates[0]);
        cnn_rates_free(&rates[1]);
        cnn_job_destroy(&job);
    }
    printf("\n");
done:
    cnn_rates_free(&rates[0]);
    cnn_rates_free(&rates[1]);
    cnn_job_destroy(&job);
    return st;
}

/* ---- finding a difference ------------------------------------------------------------------ */

static cnn_status show_power(const char *folder)
{
    static const double effects[] = {0.0025, 0.005, 0.01, 0.02, 0.03};
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_rates rates[2] = {0};
    FILE *f = open_table(folder, "power.csv");
    if (f)
        fprintf(f, "effect,cells_right,cells_wrong,blocks_welch,blocks_paired\n");
    printf(
        "| b is slower by | cell after cell: Welch finds that | Welch finds the opposite | blocks: "
        "Welch finds it | paired t finds it |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++) {
        CNN_TRY(cnn_study_job(NULL, 0, 1 + effects[i], &job));
        CNN_TRY(find_both(job, POWER_STUDIES, rates));
        const cnn_rates *cells = &rates[CNN_STUDY_CELL_AFTER_CELL];
        const cnn_rates *blocks = &rates[CNN_STUDY_BLOCKS];
        const int right = cells->faster[CNN_RATE_WELCH], n = cells->comparisons;
        const double shares[] = {percent(right, n),
                                 percent(cells->found[CNN_RATE_WELCH] - right, n),
                                 percent(blocks->faster[CNN_RATE_WELCH], n),
                                 percent(blocks->faster[CNN_RATE_PAIRED], n)};
        printf("| %.2f %% | %.1f | %.1f | %.1f | %.1f |\n", 100 * effects[i], shares[0], shares[1],
               shares[2], shares[3]);
        if (f)
            fprintf(f, "%g,%.2f,%.2f,%.2f,%.2f\n", 100 * effects[i], shares[0], shares[1],
                    shares[2], shares[3]);
        cnn_rates_free(&rates[0]);
        cnn_rates_free(&rates[1]);
        cnn_job_destroy(&job);
    }
done:
    close_table(f);
    cnn_rates_free(&rates[0]);
    cnn_rates_free(&rates[1]);
    cnn_job_destroy(&job);
    return st;
}

int main(int argc, char **argv)
{
    cnn_status st = CNN_OK;
    const char *folder = argc == 2 ? argv[1] : NULL;
    CNN_CHECK(argc <= 2, CNN_EUSAGE, "usage: confounding [FOLDER]");
    CNN_TRY(show_one_study(folder));
    CNN_TRY(show_false_positives(folder));
    CNN_TRY(show_power(folder));
done:
    if (st != CNN_OK)
        fprintf(stderr, "%s\n", cnn_error_message());
    return st == CNN_OK ? 0 : 1;
}
