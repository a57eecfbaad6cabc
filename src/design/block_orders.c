/* SPDX-License-Identifier: Apache-2.0 */
#include "design/block_orders.h"

#include "base/philox.h"
#include "design/rounding.h"

#include <stdlib.h>

/* Counter's epoch word of the shuffle below; devices' queues use the device's number. */
#define SHUFFLE UINT32_C(0xfffffff2)

/** Blocks counted by combination and device. */
typedef struct {
    int cell_count;
    cnn_count
        *cells;   /* [cell_count] row: combination, column: device, count: still without order */
    int *cell_of; /* [measured] */
    int *next;    /* [cell_count] the cell's next block in members */
    int *members; /* [measured] blocks of each cell, in random order */
    int *part;    /* [cell_count] */
} tally;

static void tally_free(tally *t)
{
    free(t->cells);
    free(t->cell_of);
    free(t->next);
    free(t->members);
    free(t->part);
}

/** Finds the cells; blocks come by combination. last [device_count] is scratch. */
static void tally_cells(tally *t, const cnn_block *blocks, int n, int *last)
{
    int first = 0; /* cell of the combination */
    for (int i = 0; i < n; i++) {
        int device = blocks[i].device < 0 ? 0 : blocks[i].device;
        if (i == 0 || blocks[i].combination != blocks[i - 1].combination)
            first = t->cell_count;
        if (i == 0 || last[device] < first) {
            last[device] = t->cell_count++;
            t->cells[last[device]] = (cnn_count){blocks[i].combination, device, 0};
        }
        t->cell_of[i] = last[device];
        t->cells[last[device]].count++;
    }
}

static cnn_status tally_create(tally *t, const cnn_block *blocks, int n, int devices, uint32_t seed)
{
    cnn_status st = CNN_OK;
    size_t size = (size_t)n;
    int32_t *order = calloc(size, sizeof *order);
    int *last = malloc((size_t)devices * sizeof *last);
    t->cells = calloc(size, sizeof *t->cells);
    t->cell_of = calloc(size, sizeof *t->cell_of);
    t->next = calloc(size, sizeof *t->next);
    t->members = calloc(size, sizeof *t->members);
    t->part = calloc(size, sizeof *t->part);
    CNN_CHECK(order && last && t->cells && t->cell_of && t->next && t->members && t->part,
              CNN_ENOMEM, "orders of %d blocks", n);
    for (int d = 0; d < devices; d++)
        last[d] = -1;
    tally_cells(t, blocks, n, last);
    for (int c = 1; c < t->cell_count; c++)
        t->next[c] = t->next[c - 1] + t->cells[c - 1].count;
    CNN_TRY(cnn_random_order(seed, CNN_RANDOM_DESIGN, SHUFFLE, n, order));
    for (int i = 0; i < n; i++)
        t->members[t->next[t->cell_of[order[i]]]++] = order[i];
    for (int c = 0; c < t->cell_count; c++)
        t->next[c] -= t->cells[c].count;
done:
    free(order);
    free(last);
    return st;
}

cnn_status cnn_design_balance_orders(cnn_design *design, uint32_t seed)
{
    cnn_status st = CNN_OK;
    tally t = {0};
    int warm = 0;
    while (warm < design->block_count && design->blocks[warm].warmup)
        warm++;
    cnn_block *blocks = design->blocks + warm;
    CNN_TRY(tally_create(&t, blocks, design->block_count - warm, design->device_count, seed));
    for (int order = 0; order < design->level_count; order++) {
        CNN_TRY(cnn_count_part(design->combination_count, design->device_count, t.cell_count,
                               t.cells, design->level_count - order, seed, t.part));
        for (int c = 0; c < t.cell_count; c++) {
            t.cells[c].count -= t.part[c];
            while (t.part[c]-- > 0)
                blocks[t.members[t.next[c]++]].order = order;
        }
    }
done:
    tally_free(&t);
    return st;
}

/** Largest minus smallest of n counts. */
static int spread(const int *count, int n)
{
    int least = count[0], most = count[0];
    for (int i = 1; i < n; i++) {
        least = count[i] < least ? count[i] : least;
        most = count[i] > most ? count[i] : most;
    }
    return most - least;
}

/** Counts of blocks by device and order, in one combination or in all. */
typedef struct {
    int devices, orders;
    int *by_device; /* [devices] */
    int *by_order;  /* [orders] */
    int *by_both;   /* [devices, orders] */
} counts;

static void counts_add(counts *c, const cnn_block *block, int n)
{
    int device = block->device < 0 ? 0 : block->device;
    c->by_device[device] += n;
    c->by_order[block->order] += n;
    c->by_both[device * c->orders + block->order] += n;
}

/** Largest difference between devices, between orders, and between orders on a device. */
static int counts_spread(const counts *c)
{
    int worst = spread(c->by_device, c->devices), s = spread(c->by_order, c->orders);
    worst = s > worst ? s : worst;
    for (int d = 0; d < c->devices; d++) {
        s = spread(c->by_both + d * c->orders, c->orders);
        worst = s > worst ? s : worst;
    }
    return worst;
}

int cnn_design_imbalance(const cnn_design *design)
{
    const size_t devices = (size_t)design->device_count, orders = (size_t)design->level_count;
    const size_t size = devices + orders + devices * orders;
    int *memory = calloc(2 * size, sizeof *memory), worst = -1;
    if (!memory)
        return -1;
    counts c[2]; /* of the combination, in total */
    for (int i = 0; i < 2; i++) {
        int *from = memory + (size_t)i * size;
        /* With assign: dynamic no block has a device, so that there is one to compare. */
        c[i] = (counts){design->device_count, design->level_count, from, from + devices,
                        from + devices + orders};
        if (design->blocks[design->block_count - 1].device < 0)
            c[i].devices = 1;
    }
    for (int b = 0; b < design->block_count;) {
        int first = b, combination = design->blocks[b].combination;
        if (design->blocks[b].warmup) {
            b++;
            continue;
        }
        for (; b < design->block_count && design->blocks[b].combination == combination; b++) {
            counts_add(&c[0], &design->blocks[b], 1);
            counts_add(&c[1], &design->blocks[b], 1);
        }
        int s = counts_spread(&c[0]);
        worst = s > worst ? s : worst;
        for (int i = first; i < b; i++)
            counts_add(&c[0], &design->blocks[i], -1);
    }
    int s = counts_spread(&c[1]);
    free(memory);
    return s > worst ? s : worst;
}
