/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/dealing.h"

#include <stdlib.h>

/** A block with where it goes. */
typedef struct {
    int block, rank, position;
    bool warmup;
} card;

static bool is_open(const cnn_rank_context *context, int block)
{
    const cnn_block *b = &context->design->blocks[block];
    for (int l = 0; l < context->design->level_count; l++)
        if (!cnn_run_is_finished(context, cnn_block_run(b, l)))
            return true;
    return false;
}

/** The open blocks, by index: warm-up blocks first, then by combination and repeat. */
static int gather_open(const cnn_rank_context *context, card *cards)
{
    int n = 0;
    for (int b = 0; b < context->design->block_count; b++) {
        const cnn_block *block = &context->design->blocks[b];
        if (is_open(context, b))
            cards[n++] = (card){.block = b,
                                .rank = block->device,
                                .position = block->queue_position,
                                .warmup = block->warmup};
    }
    return n;
}

/** Gives each card a rank (size: the common queue); those that no rank needs are dropped. */
static int assign(const cnn_rank_context *context, card *cards, int n)
{
    const bool as_planned = context->design->device_count == context->size;
    const bool dynamic = context->job->schedule.assign == CNN_ASSIGN_DYNAMIC;
    int kept = 0, warm = 0, measured = 0;
    for (int i = 0; i < n; i++) {
        card c = cards[i];
        if (c.warmup && !as_planned && warm == context->size * context->job->schedule.warmup)
            continue;
        if (!c.warmup && context->home && context->home[c.block] >= 0)
            c.rank = context->home[c.block];
        else if (dynamic && !c.warmup)
            c.rank = context->size;
        else if (!as_planned)
            c.rank = (c.warmup ? warm++ : measured++) % context->size;
        cards[kept++] = c;
    }
    return kept;
}

static int by_rank_and_position(const void *a, const void *b)
{
    const card *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->warmup != y->warmup)
        return x->warmup ? -1 : 1;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

void cnn_dealing_add(cnn_dealing *d, int queue, int block)
{
    d->after[block] = -1;
    if (d->first[queue] < 0)
        d->first[queue] = block;
    else
        d->after[d->last[queue]] = block;
    d->last[queue] = block;
}

static void lay_out(cnn_dealing *d, const cnn_design *design, const card *cards, int n)
{
    for (int q = 0; q <= d->size; q++)
        d->first[q] = d->last[q] = -1;
    for (int i = 0; i < n; i++) {
        const int planned = design->blocks[cards[i].block].device;
        cnn_dealing_add(d, cards[i].rank, cards[i].block);
        d->redealt += planned >= 0 && planned != cards[i].rank;
    }
}

cnn_status cnn_dealing_create(const cnn_rank_context *context, cnn_dealing **out)
{
    cnn_status st = CNN_OK;
    const size_t blocks = (size_t)context->design->block_count, size = (size_t)context->size;
    cnn_dealing *d = calloc(1, sizeof *d);
    card *cards = calloc(blocks + 1, sizeof *cards);
    CNN_CHECK(d != NULL && cards != NULL, CNN_ENOMEM, "queues of %zu blocks", blocks);
    d->size = context->size;
    d->first = calloc(size + 1, sizeof *d->first);
    d->last = calloc(size + 1, sizeof *d->last);
    d->after = calloc(blocks + 1, sizeof *d->after);
    CNN_CHECK(d->first && d->last && d->after, CNN_ENOMEM, "queues of %zu blocks", blocks);
    const int n = assign(context, cards, gather_open(context, cards));
    qsort(cards, (size_t)n, sizeof *cards, by_rank_and_position);
    lay_out(d, context->design, cards, n);
    *out = d;
    d = NULL;
done:
    free(cards);
    cnn_dealing_destroy(&d);
    return st;
}

void cnn_dealing_destroy(cnn_dealing **dealing)
{
    cnn_dealing *d = *dealing;
    if (!d)
        return;
    free(d->first);
    free(d->last);
    free(d->after);
    free(d);
    *dealing = NULL;
}

int cnn_dealing_next(const cnn_dealing *d, int rank)
{
    return d->first[rank] >= 0 ? d->first[rank] : d->first[d->size];
}

int cnn_dealing_take(cnn_dealing *d, int rank)
{
    const int queue = d->first[rank] >= 0 ? rank : d->size, block = d->first[queue];
    if (block >= 0)
        d->first[queue] = d->after[block];
    return block;
}
