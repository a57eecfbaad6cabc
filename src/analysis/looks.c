/* SPDX-License-Identifier: Apache-2.0 */
/* The look at the data that the verdicts are of. */
#include "job/looks.h"
#include "analysis/parts.h"
#include "stats/spending.h"

#include <limits.h>
#include <string.h>

/** Blocks of one crossed seed in each combination: those that follow block 0 of combination 0 with
 *  its seed; 1 with paired seeds. */
static int blocks_per_seed(const cnn_results *r)
{
    const cnn_planned *first = NULL;
    int blocks = 0;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        if (p->warmup || p->combination != 0 || p->level != 0)
            continue;
        if (p->repeat == 0)
            first = p;
        blocks += first && p->seed == first->seed;
    }
    return blocks > 0 ? blocks : 1;
}

/** First repeat with a run that has not ended; INT_MAX: all have. */
static int first_unfinished(const cnn_results *r)
{
    int first = INT_MAX;
    for (int i = 0; i < r->run_count; i++)
        if (!r->planned[i].warmup && r->status[i] == CNN_RUN_PLANNED &&
            r->planned[i].repeat < first)
            first = r->planned[i].repeat;
    return first;
}

cnn_look cnn_analysis_find_look(const cnn_results *r)
{
    cnn_look look = {.count = r->look_count > 0 ? r->look_count : 1, .fractions = {1}};
    if (r->look_count > 0)
        memcpy(look.fractions, r->looks, sizeof look.fractions);
    for (int i = 0; i < r->run_count; i++)
        if (!r->planned[i].warmup && r->planned[i].repeat >= look.planned)
            look.planned = r->planned[i].repeat + 1;
    const int ended = first_unfinished(r), step = look.count > 1 ? blocks_per_seed(r) : 1;
    look.blocks = look.planned;
    look.alpha = r->alpha;
    look.interim = ended < look.planned;
    for (int k = 0; k < look.count; k++) {
        const int blocks = cnn_look_blocks(look.fractions[k], look.planned, step);
        if (blocks > ended)
            break;
        look.number = k + 1;
        look.blocks = blocks;
        look.alpha = cnn_look_alpha(r->alpha, look.fractions, k);
    }
    return look;
}
