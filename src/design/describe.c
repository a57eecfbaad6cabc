/* SPDX-License-Identifier: Apache-2.0 */
#include "design/design.h"

#include "base/utf8.h"
#include "stats/crossover.h"
#include "stats/power.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is printed at most: of long lists the beginning, and how many more there are. */
enum { MOST_ROWS = 32, MOST_DEVICES = 8, MOST_ORDERS = 6, MOST_QUEUES = 8, MOST_BLOCKS = 3 };
enum { WIDTH = 100 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int widest(int a, const char *s)
{
    int n = cnn_utf8_count(s);
    return n > a ? n : a;
}

/** "3 blocks", "1 block". */
static void counted(cnn_text *out, int n, const char *what)
{
    cnn_text_printf(out, "%d %s%s", n, what, n == 1 ? "" : "s");
}

static void more(cnn_text *out, int shown, int all, const char *what)
{
    if (all > shown)
        cnn_text_printf(out, "  ... and %d more %s\n", all - shown, what);
}

static int first_measured(const cnn_design *d)
{
    int b = 0;
    while (b < d->block_count && d->blocks[b].warmup)
        b++;
    return b;
}

static void describe_size(const cnn_design *d, const cnn_job *job, cnn_text *out)
{
    const int warm = first_measured(d), measured = d->block_count - warm;
    cnn_text_printf(out, "Plan of '%s' for ", job->name);
    counted(out, d->device_count, "device");
    cnn_text_printf(out, "\n  runs    %d in ", measured * d->level_count);
    counted(out, measured, "block");
    cnn_text_append(out, ": ");
    counted(out, d->combination_count, "combination");
    cnn_text_append(out, " x ");
    counted(out, measured / d->combination_count, "repeat");
    cnn_text_append(out, " x ");
    counted(out, d->level_count, "level");
    cnn_text_printf(out, " of %s\n", job->factors[d->contrast].name);
    if (warm) {
        cnn_text_printf(out, "  warm-up %d runs in ", warm * d->level_count);
        counted(out, warm, "block");
        cnn_text_append(out, ", discarded\n");
    } else {
        cnn_text_append(out, "  warm-up none\n");
    }
    if (job->seeds == CNN_SEEDS_CROSSED)
        cnn_text_printf(out, "  seeds   crossed: %d for each combination, each on every device",
                        job->crossed);
    else
        cnn_text_append(out, "  seeds   paired: one for each block");
    cnn_text_printf(out, "; from the job's seed %" PRIu32 "\n", job->seed);
    cnn_text_printf(out, "  assign  %s\n",
                    job->schedule.assign == CNN_ASSIGN_DYNAMIC
                        ? "dynamic: the next block goes to the first free device"
                        : "balanced: every device has a queue of its own");
}

/** One setting of all runs; where it is a factor, the value in train: counts for none of them. */
static void describe_setting(const cnn_job *job, const char *key, const char *value, cnn_text *out)
{
    if (cnn_job_find_factor(job, key))
        cnn_text_printf(out, "%s (factor)", key);
    else
        cnn_text_append(out, value);
}

static void describe_training(const cnn_job *job, cnn_text *out)
{
    const cnn_train *train = &job->train;
    char epochs[32], batch[32], rate[48], momentum[32];
    snprintf(epochs, sizeof epochs, "%d epoch%s", train->epochs, train->epochs == 1 ? "" : "s");
    snprintf(batch, sizeof batch, "batch size %d", train->batch_size);
    snprintf(rate, sizeof rate, "learning rate %g", train->learning_rate);
    snprintf(momentum, sizeof momentum, "momentum %g", train->momentum);
    const struct {
        const char *key, *value;
    } settings[] = {
        {"epochs", epochs},
        {"batch_size", batch},
        {"optimizer", cnn_optimizer_names[train->optimizer]},
        {"learning_rate", rate},
        {"momentum", momentum},
        {"precision", cnn_precision_names[train->precision]},
    };
    cnn_text_append(out, "  train   ");
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        cnn_text_append(out, i ? ", " : "");
        describe_setting(job, settings[i].key, settings[i].value, out);
    }
    cnn_text_append(out, "\n");
    if (job->kind != CNN_JOB_TRAINING)
        cnn_text_printf(out, "  kind    %s\n", cnn_job_kind_names[job->kind]);
    for (int i = 0; i < job->metric_count; i++)
        cnn_text_printf(out, "  %s %s, compared by %s; %s is better\n", i ? "       " : "metric ",
                        job->metrics[i].name,
                        job->metrics[i].compare == CNN_COMPARE_RATIO ? "ratios" : "differences",
                        job->metrics[i].better < 0 ? "less" : "more");
}

/** Labels of a factor on lines of at most WIDTH characters. */
static void describe_factors(const cnn_job *job, cnn_text *out)
{
    int width = 0;
    for (int f = 0; f < job->factor_count; f++)
        width = widest(width, job->factors[f].name);
    cnn_text_append(out, "\nFactors (* contrast: compared within blocks)\n");
    for (int f = 0; f < job->factor_count; f++) {
        const cnn_factor *factor = &job->factors[f];
        cnn_text_printf(out, "  %-*s %c", width, factor->name, f == job->contrast ? '*' : ' ');
        int column = width + 4, l = 0;
        for (; l < factor->level_count; l++) {
            /* beside its name a free factor needs no more than the values */
            const char *text = factor->settings ? factor->settings[l].text : factor->labels[l];
            int n = cnn_utf8_count(text) + 2;
            if (l > 0 && column + n > WIDTH - 20) /* room for the count of the rest */
                break;
            cnn_text_printf(out, "%s %s", l ? "," : "", text);
            column += n;
        }
        if (l < factor->level_count)
            cnn_text_printf(out, ", ... and %d more", factor->level_count - l);
        cnn_text_append(out, "\n");
    }
}

/** Over what the network normalises: arch2 does it by rows or by channels, as its input is. */
static const char *normalised(const cnn_network *net)
{
    for (int l = 0; l < net->layer_count; l++)
        if (net->layers[l].kind == CNN_LAYER_BATCHNORM)
            return net->layers[l].axis == CNN_AXIS_HEIGHT ? "height" : "channels";
    return "-";
}

static void describe_cells(const cnn_design *d, const cnn_network *const *networks, cnn_text *out)
{
    const int rows = least(d->cell_count, MOST_ROWS);
    int width = 4;
    for (int c = 0; c < rows; c++)
        width = widest(width, d->cells[c].label);
    const int runs = cnn_design_repeats(d);
    cnn_text_printf(out, "\nCells: %d\n  %-*s %6s %14s %24s %11s\n", d->cell_count, width, "cell",
                    "runs", "parameters", "multiply-adds per image", "batch norm");
    for (int c = 0; c < rows; c++) {
        const cnn_network *net = networks ? networks[c] : NULL;
        char parameters[CNN_GROUPED_SIZE] = "unknown", work[CNN_GROUPED_SIZE] = "unknown";
        int64_t sum = 0;
        for (int l = 0; net && l < net->layer_count; l++)
            sum += cnn_layer_multiply_adds(&net->layers[l]);
        if (net) {
            cnn_format_grouped(net->parameter_total, parameters);
            cnn_format_grouped(sum, work);
        }
        cnn_text_append(out, "  ");
        cnn_text_append_padded(out, d->cells[c].label, width);
        cnn_text_printf(out, " %6d %14s %24s %11s\n", runs, parameters, work,
                        net ? normalised(net) : "unknown");
    }
    more(out, rows, d->cell_count, "cells");
}

/** Counts of measured blocks: by device (none where dynamic), then by order, then all. */
typedef struct {
    int devices, orders;
    int *count; /* [devices + orders + 1] */
} row;

static void row_clear(row *r)
{
    memset(r->count, 0, (size_t)(r->devices + r->orders + 1) * sizeof *r->count);
}

static void row_add(row *r, const cnn_block *b)
{
    if (b->device >= 0)
        r->count[b->device]++;
    r->count[r->devices + b->order]++;
    r->count[r->devices + r->orders]++;
}

static void print_row(const row *r, int width, const char *label, cnn_text *out)
{
    cnn_text_append(out, "  ");
    cnn_text_append_padded(out, label, width);
    cnn_text_printf(out, " %6d ", r->count[r->devices + r->orders]);
    for (int i = 0; i < least(r->devices, MOST_DEVICES); i++)
        cnn_text_printf(out, " %4d", r->count[i]);
    cnn_text_append(out, r->devices ? " |" : "");
    for (int i = 0; i < least(r->orders, MOST_ORDERS); i++)
        cnn_text_printf(out, " %4d", r->count[r->devices + i]);
    cnn_text_append(out, "\n");
}

/** What the columns of the balance table mean. */
static void print_balance_head(const row *r, const cnn_job *job, int width, cnn_text *out)
{
    const cnn_factor *contrast = &job->factors[job->contrast];
    cnn_text_printf(out, "  %-*s %6s ", width, "combination", "blocks");
    for (int i = 0; i < least(r->devices, MOST_DEVICES); i++)
        cnn_text_printf(out, "   d%d", i);
    cnn_text_append(out, r->devices ? " |" : "");
    for (int i = 0; i < least(r->orders, MOST_ORDERS); i++)
        cnn_text_printf(out, "   o%d", i);
    cnn_text_append(out, "\n");
    if (r->devices)
        cnn_text_append(out, "  (d0, d1, ...: blocks on that device)\n");
    for (int i = 0; i < least(r->orders, MOST_ORDERS); i++)
        cnn_text_printf(out, "  (o%d: blocks whose first run is %s %s)\n", i, contrast->name,
                        contrast->labels[i]);
    more(out, MOST_DEVICES, r->devices, "devices");
    more(out, MOST_ORDERS, r->orders, "orders");
}

static void describe_balance(const cnn_design *d, const cnn_job *job, cnn_text *out)
{
    const int rows = least(d->combination_count, MOST_ROWS);
    int width = 11, b = first_measured(d);
    row one = {0, d->level_count, NULL}, all;
    one.devices = d->blocks[b].device < 0 ? 0 : d->device_count;
    all = one;
    one.count = calloc((size_t)(one.devices + one.orders + 1), sizeof *one.count);
    all.count = calloc((size_t)(one.devices + one.orders + 1), sizeof *all.count);
    if (!one.count || !all.count) {
        out->failed = true;
        goto done;
    }
    for (int c = 0; c < rows; c++)
        width = widest(width, d->combinations[c].label);
    cnn_text_append(out, "\nBlocks of each combination\n");
    print_balance_head(&one, job, width, out);
    for (int c = 0; c < d->combination_count; c++) {
        row_clear(&one);
        for (; b < d->block_count && d->blocks[b].combination == c; b++) {
            row_add(&one, &d->blocks[b]);
            row_add(&all, &d->blocks[b]);
        }
        if (c < rows)
            print_row(&one, width, d->combinations[c].label, out);
    }
    more(out, rows, d->combination_count, "combinations");
    print_row(&all, width, "total", out);
    int imbalance = cnn_design_imbalance(d);
    out->failed |= imbalance < 0;
    cnn_text_printf(out, "  largest difference between counts that should be equal: %d\n",
                    imbalance);
done:
    free(one.count);
    free(all.count);
}

static void describe_block(const cnn_design *d, const cnn_job *job, const cnn_block *b,
                           cnn_text *out)
{
    cnn_text_printf(out, "    %4d  %s, ", b->queue_position, d->combinations[b->combination].label);
    if (b->warmup)
        cnn_text_printf(out, "warm-up of device %d", b->device);
    else
        cnn_text_printf(out, "repeat %d", b->repeat);
    cnn_text_printf(out, ", seed %" PRIu32 ":", b->seed);
    for (int k = 0; k < least(d->level_count, MOST_ORDERS); k++)
        cnn_text_printf(out, "%s %s", k ? "," : "",
                        job->factors[d->contrast].labels[cnn_block_level(d, b, k)]);
    cnn_text_append(out, d->level_count > MOST_ORDERS ? ", ...\n" : "\n");
}

static void describe_queue(const cnn_design *d, const cnn_job *job, int device, cnn_text *out)
{
    const int start = d->queue_start[device], n = d->queue_start[device + 1] - start;
    if (job->schedule.assign == CNN_ASSIGN_DYNAMIC)
        cnn_text_append(out, "  common queue: ");
    else
        cnn_text_printf(out, "  device %d: ", device);
    counted(out, n, "block");
    cnn_text_append(out, "\n");
    for (int i = 0; i < least(n, MOST_BLOCKS); i++)
        describe_block(d, job, &d->blocks[d->queue[start + i]], out);
    if (n > MOST_BLOCKS)
        cnn_text_printf(out, "          ... and %d more\n", n - MOST_BLOCKS);
}

static void describe_queues(const cnn_design *d, const cnn_job *job, cnn_text *out)
{
    const int queues = job->schedule.assign == CNN_ASSIGN_DYNAMIC ? 1 : d->device_count;
    cnn_text_append(out, "\nFirst blocks of each queue, with the order of their runs\n");
    for (int q = 0; q < least(queues, MOST_QUEUES); q++)
        describe_queue(d, job, q, out);
    more(out, MOST_QUEUES, queues, "queues");
}

void cnn_design_describe_unmeasured(const cnn_design *d, const cnn_job *job, cnn_text *out)
{
    const double power = 0.8, alpha = job->analysis.alpha;
    const int n = cnn_design_repeats(d);
    const int parameters = cnn_crossover_parameters(n, d->level_count, 1);
    const double effect = cnn_paired_detectable(n, parameters, alpha, power);
    cnn_text_append(out, "\nTime\n  unknown: nothing has been measured yet\n");
    cnn_text_append(out, "\nDetectable difference between two levels of the contrast\n");
    if (isfinite(effect))
        cnn_text_printf(out,
                        "  %.3g sd of the differences within blocks, in each combination\n"
                        "  (paired t test, %d blocks, two-sided alpha %g, power %g)\n",
                        effect, n, alpha, power);
    else
        cnn_text_printf(out, "  none: %d block%s of a combination cannot be tested at alpha %g\n",
                        n, n == 1 ? "" : "s", alpha);
}

void cnn_design_describe(const cnn_design *design, const cnn_job *job,
                         const cnn_network *const *networks, cnn_text *out)
{
    describe_size(design, job, out);
    describe_training(job, out);
    describe_factors(job, out);
    describe_cells(design, networks, out);
    describe_balance(design, job, out);
    describe_queues(design, job, out);
}
