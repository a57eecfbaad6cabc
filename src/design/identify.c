/* SPDX-License-Identifier: Apache-2.0 */
/* Which parts of the spread the plan can tell apart, before anything has run. */
#include "design/design.h"
#include "stats/mixed/mixed.h"

#include <stdlib.h>

/** The measured runs of a combination as the model of variance components takes them. */
typedef struct {
    int count;
    int *level, *node, *device, *block; /* [count] */
} planned_runs;

static void free_runs(planned_runs *r)
{
    free(r->level);
    free(r->node);
    free(r->device);
    free(r->block);
    *r = (planned_runs){0};
}

/** Runs of a combination by their planned devices. Where a block's device is not planned (dynamic),
 *  blocks are dealt to devices in turn, which is what free ranks come to. The ranks' nodes are not
 *  known: all devices count as one node's. */
static cnn_status gather(const cnn_design *d, int combination, planned_runs *out)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)d->run_count;
    int dealt = 0;
    out->level = calloc(room, sizeof *out->level);
    out->node = calloc(room, sizeof *out->node);
    out->device = calloc(room, sizeof *out->device);
    out->block = calloc(room, sizeof *out->block);
    CNN_CHECK(out->level && out->node && out->device && out->block, CNN_ENOMEM, "%d planned runs",
              d->run_count);
    for (int b = 0; b < d->block_count; b++) {
        const cnn_block *block = &d->blocks[b];
        if (block->warmup || block->combination != combination)
            continue;
        const int device = block->device >= 0 ? block->device : dealt % d->device_count;
        for (int l = 0; l < d->level_count; l++) {
            out->level[out->count] = l;
            out->device[out->count] = device;
            out->block[out->count++] = dealt;
        }
        dealt++;
    }
done:
    return st;
}

static cnn_status identify(const cnn_design *d, int combination, cnn_mixed_design *out)
{
    cnn_status st = CNN_OK;
    planned_runs r = {0};
    CNN_TRY(gather(d, combination, &r));
    const cnn_mixed_data data = {.n = r.count,
                                 .level_count = d->level_count,
                                 .level = r.level,
                                 .node = r.node,
                                 .device = r.device,
                                 .block = r.block,
                                 .residual_per_level = true};
    CNN_TRY(cnn_mixed_identify(&data, out));
done:
    free_runs(&r);
    return st;
}

static void describe(const cnn_mixed_design *m, cnn_text *out)
{
    static const struct {
        cnn_mixed_component component;
        const char *name;
    } rows[] = {{CNN_MIXED_DEVICE, "device"},
                {CNN_MIXED_DEVICE_LEVEL, "device x contrast"},
                {CNN_MIXED_BLOCK, "block"},
                {CNN_MIXED_RESIDUAL, "residual"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const cnn_reason reason = m->reason[rows[i].component];
        cnn_text_printf(out, "  %-18s %s\n", rows[i].name,
                        reason == CNN_REASON_NONE ? "yes" : cnn_reason_sentences[reason]);
    }
}

cnn_status cnn_design_describe_components(const cnn_design *d, cnn_text *out)
{
    cnn_status st = CNN_OK;
    cnn_mixed_design components;
    CNN_TRY(identify(d, 0, &components));
    cnn_text_append(out, "\nVariance components that the plan identifies (first combination)\n");
    describe(&components, out);
    cnn_text_append(out, "  node               depends on the nodes that the ranks run on\n");
    CNN_TRY(cnn_text_status(out));
done:
    return st;
}
