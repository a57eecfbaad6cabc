/* SPDX-License-Identifier: Apache-2.0 */
#include "design/design.h"

#include "base/philox.h"
#include "design/block_orders.h"
#include "design/seeds.h"
#include "job/looks.h"

#include <limits.h>
#include <stdlib.h>

/** Numbers of everything; *measured and *busy: blocks without warm-up, devices that get any. */
static cnn_status count(const cnn_job *job, cnn_design *d, int *measured, int *busy)
{
    cnn_status st = CNN_OK;
    const bool crossed = job->seeds == CNN_SEEDS_CROSSED;
    int64_t combinations = 1;
    CNN_CHECK(job->factor_count > 0 && job->contrast >= 0 && job->contrast < job->factor_count,
              CNN_EINVAL, "job '%s' has no contrast among its %d factors", job->name,
              job->factor_count);
    for (int f = 0; f < job->factor_count; f++) {
        CNN_CHECK(job->factors[f].level_count > 0, CNN_EINVAL, "factor '%s' has no levels",
                  job->factors[f].name);
        if (f != job->contrast && combinations <= INT_MAX)
            combinations *= job->factors[f].level_count;
    }
    d->factor_count = job->factor_count;
    d->contrast = job->contrast;
    d->level_count = job->factors[job->contrast].level_count;
    CNN_CHECK(!crossed || job->schedule.assign == CNN_ASSIGN_BALANCED, CNN_EUSAGE,
              "'seeds: crossed' ties blocks to devices: it needs 'assign: balanced'");
    CNN_CHECK((crossed ? job->crossed : job->repeats) > 0 && job->schedule.warmup >= 0, CNN_EINVAL,
              "job '%s' has no repeats, or fewer than 0 warm-up blocks", job->name);
    int64_t repeats = crossed ? (int64_t)job->crossed * d->device_count : job->repeats;
    int64_t blocks =
        combinations <= INT_MAX && repeats <= INT_MAX ? combinations * repeats : INT64_MAX / 2;
    *busy = blocks < d->device_count ? (int)blocks : d->device_count;
    int64_t warm = (int64_t)*busy * job->schedule.warmup;
    CNN_CHECK(blocks <= INT_MAX && warm <= INT_MAX &&
                  (blocks + warm) * d->level_count <= INT_MAX / 2,
              CNN_EUSAGE, "job '%s' has more than %d runs: reduce repeats or levels", job->name,
              INT_MAX / 2);
    *measured = (int)blocks;
    d->combination_count = (int)combinations;
    d->cell_count = (int)combinations * d->level_count;
    d->block_count = (int)(blocks + warm);
    d->run_count = d->block_count * d->level_count;
done:
    return st;
}

static cnn_status allocate(cnn_design *d)
{
    cnn_status st = CNN_OK;
    d->cells = calloc((size_t)d->cell_count, sizeof *d->cells);
    d->combinations = calloc((size_t)d->combination_count, sizeof *d->combinations);
    d->blocks = calloc((size_t)d->block_count, sizeof *d->blocks);
    d->runs = calloc((size_t)d->run_count, sizeof *d->runs);
    d->queue = calloc((size_t)d->block_count, sizeof *d->queue);
    d->queue_start = calloc((size_t)d->device_count + 1, sizeof *d->queue_start);
    CNN_CHECK(d->cells && d->combinations && d->blocks && d->runs && d->queue && d->queue_start,
              CNN_ENOMEM, "design of %d runs", d->run_count);
done:
    return st;
}

/** "native / arch1 / mnist"; levels of -1 and those of free factors with one level are left out.
 *  Owned by the caller; NULL: no memory. */
static char *make_label(const cnn_job *job, const int *levels)
{
    cnn_text t = {0};
    for (int f = 0; f < job->factor_count; f++)
        if (levels[f] >= 0 && cnn_factor_is_shown(&job->factors[f]))
            cnn_text_printf(&t, "%s%s", t.len ? " / " : "", job->factors[f].labels[levels[f]]);
    if (!t.len)
        cnn_text_append(&t, "all");
    return cnn_text_take(&t);
}

/** Levels of the index-th combination, the last factor running fastest; `level` for the
 *  contrast. */
static int *make_levels(const cnn_job *job, int index, int level)
{
    int *levels = calloc((size_t)job->factor_count, sizeof *levels);
    for (int f = job->factor_count - 1; levels && f >= 0; f--) {
        int n = job->factors[f].level_count;
        levels[f] = f == job->contrast ? level : index % n;
        if (f != job->contrast)
            index /= n;
    }
    return levels;
}

/** Place of a cell among all, the last factor running fastest. */
static int cell_index(const cnn_job *job, const int *levels)
{
    int index = 0;
    for (int f = 0; f < job->factor_count; f++)
        index = index * job->factors[f].level_count + levels[f];
    return index;
}

static cnn_status make_cells(const cnn_job *job, cnn_design *d)
{
    cnn_status st = CNN_OK;
    int *levels = NULL;
    for (int c = 0; c < d->combination_count; c++) {
        cnn_combination *combination = &d->combinations[c];
        CNN_CHECK((combination->levels = make_levels(job, c, -1)) &&
                      (combination->label = make_label(job, combination->levels)),
                  CNN_ENOMEM, "combination %d", c);
        for (int l = 0; l < d->level_count; l++) {
            CNN_CHECK((levels = make_levels(job, c, l)), CNN_ENOMEM, "levels of a cell");
            cnn_cell *cell = &d->cells[cell_index(job, levels)];
            cell->levels = levels;
            levels = NULL;
            cell->combination = c;
            cell->level = l;
            CNN_CHECK((cell->label = make_label(job, cell->levels)), CNN_ENOMEM, "label of a cell");
        }
    }
done:
    free(levels);
    return st;
}

/** Gives the measured blocks their combination, repeat, seed and device. */
static void deal(const cnn_job *job, cnn_design *d, cnn_block *blocks, int measured)
{
    const int repeats = measured / d->combination_count;
    const bool crossed = job->seeds == CNN_SEEDS_CROSSED;
    const bool dynamic = job->schedule.assign == CNN_ASSIGN_DYNAMIC;
    for (int i = 0; i < measured; i++) {
        cnn_block *b = &blocks[i];
        b->combination = i / repeats;
        b->repeat = i % repeats;
        /* crossed: repeats is a multiple of device_count, so that repeat = seed * devices + device
         * and the cyclic deal pins it to that device */
        b->device = dynamic ? -1 : i % d->device_count;
        int number = crossed ? b->repeat / d->device_count : b->repeat;
        b->seed =
            cnn_design_seed(job, d->combinations[b->combination].levels, false, (uint32_t)number);
    }
}

/** Shuffles ids [n] by the job's seed; purpose of the stream: the device. */
static cnn_status shuffle(const cnn_job *job, int device, int n, int *ids)
{
    cnn_status st = CNN_OK;
    int32_t *order = calloc((size_t)n + 1, sizeof *order);
    int *copy = calloc((size_t)n + 1, sizeof *copy);
    CNN_CHECK(order && copy, CNN_ENOMEM, "queue of %d blocks", n);
    CNN_TRY(cnn_random_order(job->seed, CNN_RANDOM_DESIGN, (uint32_t)device, n, order));
    for (int i = 0; i < n; i++)
        copy[i] = ids[order[i]];
    for (int i = 0; i < n; i++)
        ids[i] = copy[i];
done:
    free(order);
    free(copy);
    return st;
}

/** Where looks are declared, the blocks of an earlier look come before those of a later one; within
 *  a look they keep their random order. */
static cnn_status put_looks_in_order(const cnn_job *job, const cnn_design *d, int n, int *ids)
{
    cnn_status st = CNN_OK;
    const int planned = cnn_design_repeats(d);
    const int step = job->seeds == CNN_SEEDS_CROSSED ? d->device_count : 1;
    int before = 0, used = 0;
    int *copy = calloc((size_t)n + 1, sizeof *copy);
    CNN_CHECK(copy, CNN_ENOMEM, "queue of %d blocks", n);
    for (int k = 0; k < job->analysis.look_count; k++) {
        const int end = cnn_look_blocks(job->analysis.looks[k], planned, step);
        for (int i = 0; i < n; i++)
            if (d->blocks[ids[i]].repeat >= before && d->blocks[ids[i]].repeat < end)
                copy[used++] = ids[i];
        before = end;
    }
    for (int i = 0; i < n; i++)
        ids[i] = copy[i];
done:
    free(copy);
    return st;
}

/** One device's queue, or the common one: warm-up blocks first_warm .. + warm - 1, then the
 *  measured blocks dealt to `device` in random order. At *used of design->queue. */
static cnn_status fill_queue(const cnn_job *job, cnn_design *d, int device, int first_warm,
                             int warm, const int *measured, int n, int *used)
{
    cnn_status st = CNN_OK;
    int *queue = d->queue + *used;
    for (int i = 0; i < warm; i++)
        queue[i] = first_warm + i;
    for (int i = 0; i < n; i++)
        queue[warm + i] = measured[i];
    CNN_TRY(shuffle(job, device, n, queue + warm));
    if (job->analysis.look_count > 1)
        CNN_TRY(put_looks_in_order(job, d, n, queue + warm));
    for (int i = 0; i < warm + n; i++)
        d->blocks[queue[i]].queue_position = i;
    *used += warm + n;
done:
    return st;
}

static cnn_status make_queues(const cnn_job *job, cnn_design *d, int measured, int busy)
{
    cnn_status st = CNN_OK;
    const int warm = d->block_count - measured, each = job->schedule.warmup;
    int used = 0;
    int *ids = calloc((size_t)measured, sizeof *ids);
    CNN_CHECK(ids, CNN_ENOMEM, "queues of %d blocks", measured);
    if (job->schedule.assign == CNN_ASSIGN_DYNAMIC) {
        for (int i = 0; i < measured; i++)
            ids[i] = warm + i;
        CNN_TRY(fill_queue(job, d, 0, 0, warm, ids, measured, &used));
        for (int device = 0; device < d->device_count; device++)
            d->queue_start[device + 1] = used;
        goto done;
    }
    for (int device = 0; device < d->device_count; device++) {
        int n = 0;
        for (int i = device; i < measured; i += d->device_count) /* as deal() dealt them */
            ids[n++] = warm + i;
        CNN_TRY(fill_queue(job, d, device, device * each, device < busy ? each : 0, ids, n, &used));
        d->queue_start[device + 1] = used;
    }
done:
    free(ids);
    return st;
}

/** Warm-up blocks copy the first measured block of their device's queue (dynamic: the block that
 *  the device would take if all were equally fast). */
static void make_warmups(const cnn_job *job, cnn_design *d, int busy)
{
    const int each = job->schedule.warmup;
    const bool dynamic = job->schedule.assign == CNN_ASSIGN_DYNAMIC;
    for (int i = 0; i < busy * each; i++) {
        int device = i / each;
        int first = dynamic ? busy * each + device : d->queue_start[device] + each;
        const cnn_block *model = &d->blocks[d->queue[first]];
        cnn_block *b = &d->blocks[i];
        b->warmup = true;
        b->combination = model->combination;
        b->order = model->order;
        b->repeat = -1;
        b->device = device;
        b->seed = cnn_design_seed(job, d->combinations[b->combination].levels, true, (uint32_t)i);
    }
}

static cnn_status make_runs(const cnn_job *job, cnn_design *d)
{
    cnn_status st = CNN_OK;
    const int levels = d->level_count;
    int *cell = calloc((size_t)d->cell_count, sizeof *cell); /* [combination, level] */
    CNN_CHECK(cell, CNN_ENOMEM, "cells of %d runs", d->run_count);
    for (int c = 0; c < d->cell_count; c++)
        cell[d->cells[c].combination * levels + d->cells[c].level] =
            cell_index(job, d->cells[c].levels);
    for (int b = 0; b < d->block_count; b++) {
        cnn_block *block = &d->blocks[b];
        block->first_run = b * levels;
        for (int position = 0; position < levels; position++) {
            int level = cnn_block_level(d, block, position);
            d->runs[cnn_block_run(block, level)] =
                (cnn_run){cell[block->combination * levels + level], b, level, position};
        }
    }
done:
    free(cell);
    return st;
}

cnn_status cnn_design_create(const cnn_job *job, int device_count, cnn_design **out)
{
    cnn_status st = CNN_OK;
    int measured = 0, busy = 0;
    cnn_design *d = NULL;
    CNN_CHECK(job && out && device_count > 0, CNN_EINVAL,
              "a design needs a job and devices, not %d", device_count);
    CNN_CHECK((d = calloc(1, sizeof *d)) != NULL, CNN_ENOMEM, "design");
    d->device_count = device_count;
    CNN_TRY(count(job, d, &measured, &busy));
    CNN_TRY(allocate(d));
    CNN_TRY(make_cells(job, d));
    for (int i = 0; i < d->block_count - measured; i++)
        d->blocks[i].warmup = true; /* marked first: balancing passes over them */
    deal(job, d, d->blocks + (d->block_count - measured), measured);
    CNN_TRY(cnn_design_balance_orders(d, job->seed));
    CNN_TRY(make_queues(job, d, measured, busy));
    make_warmups(job, d, busy);
    CNN_TRY(make_runs(job, d));
    *out = d;
    d = NULL;
done:
    cnn_design_destroy(&d);
    return st;
}

void cnn_design_destroy(cnn_design **design)
{
    cnn_design *d = *design;
    if (!d)
        return;
    for (int c = 0; d->cells && c < d->cell_count; c++) {
        free(d->cells[c].levels);
        free(d->cells[c].label);
    }
    for (int c = 0; d->combinations && c < d->combination_count; c++) {
        free(d->combinations[c].levels);
        free(d->combinations[c].label);
    }
    free(d->cells);
    free(d->combinations);
    free(d->blocks);
    free(d->runs);
    free(d->queue);
    free(d->queue_start);
    free(d);
    *design = NULL;
}

int cnn_design_repeats(const cnn_design *design)
{
    int measured = 0;
    for (int b = 0; b < design->block_count; b++)
        measured += !design->blocks[b].warmup;
    return measured / design->combination_count;
}

void cnn_design_label_run(const cnn_design *design, int run, cnn_text *out)
{
    const cnn_run *r = &design->runs[run];
    const cnn_block *block = &design->blocks[r->block];
    cnn_text_append(out, design->cells[r->cell].label);
    if (block->warmup)
        cnn_text_printf(out, ", warm-up on device %d", block->device);
    else
        cnn_text_printf(out, ", repeat %d", block->repeat);
}
