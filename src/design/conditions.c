/* SPDX-License-Identifier: Apache-2.0 */
#include "design/conditions.h"

#include <stdlib.h>

typedef struct {
    const cnn_design *design;
    const cnn_job *job;
    const cnn_network *const *networks;
    const cnn_image_counts *images;
    int *cell_of; /* [combination_count, level_count] */
} plan;

/** The number that the runs of a cell will report, or 0: unknown. */
static int64_t expected(const plan *p, int cell, cnn_condition condition)
{
    const cnn_treatment t = cnn_job_treatment(p->job, p->design->cells[cell].levels);
    const cnn_truth *truth = &t.framework->truth;
    const bool simulated = t.framework->is_simulated, own = cnn_framework_is_own(t.framework);
    const cnn_network *net = own ? p->networks[cell] : NULL;
    switch (condition) {
    case CNN_CONDITION_PARAMETERS:
        return simulated ? truth->reports.parameters : net ? net->parameter_total : 0;
    case CNN_CONDITION_TRAIN_IMAGES:
        return simulated ? truth->reports.train_images : own ? p->images[cell].train : 0;
    case CNN_CONDITION_TEST_IMAGES:
        return simulated ? truth->reports.test_images : own ? p->images[cell].test : 0;
    case CNN_CONDITION_EPOCHS:
        return t.train.epochs;
    case CNN_CONDITION_THREADS:
        return simulated ? truth->reports.threads : t.threads;
    case CNN_CONDITION_DATA:
    case CNN_CONDITION_COUNT:
        break;
    }
    return 0;
}

static bool is_made_by_contrast(const plan *p, const int cells[2], cnn_condition condition)
{
    return cnn_factor_makes_differ(&p->job->factors[p->job->contrast],
                                   p->design->cells[cells[0]].level,
                                   p->design->cells[cells[1]].level, condition);
}

/** The first two cells of a combination whose numbers are known and differ, by the contrast or
 *  without it. */
static bool find_different(const plan *p, cnn_condition condition, bool by_contrast, int cells[2])
{
    const int levels = p->design->level_count;
    for (int i = 0; i < p->design->combination_count * levels; i++)
        for (int other = i - i % levels; other < i; other++) {
            cells[0] = p->cell_of[other];
            cells[1] = p->cell_of[i];
            const int64_t a = expected(p, cells[0], condition),
                          b = expected(p, cells[1], condition);
            if (a && b && a != b && is_made_by_contrast(p, cells, condition) == by_contrast)
                return true;
        }
    return false;
}

static void describe_difference(const plan *p, cnn_condition condition, const int cells[2],
                                cnn_text *out)
{
    const char *contrast = p->job->factors[p->job->contrast].name;
    const char *title = cnn_condition_titles[condition];
    char number[2][CNN_GROUPED_SIZE];
    for (int i = 0; i < 2; i++)
        cnn_format_grouped(expected(p, cells[i], condition), number[i]);
    if (is_made_by_contrast(p, cells, condition))
        cnn_text_printf(out, "  %s differ, as the contrast %s makes them", title, contrast);
    else if (p->job->compare.allow[condition])
        cnn_text_printf(out, "  %s differ, which the job allows (compare: allow)", title);
    else
        cnn_text_printf(out, "  Warning: %s differ, so that no verdict on time will be given",
                        title);
    for (int i = 0; i < 2; i++)
        cnn_text_printf(out, "%s %s, %s", i ? ";" : ":", p->design->cells[cells[i]].label,
                        number[i]);
    cnn_text_append(out, "\n");
}

void cnn_conditions_describe(const cnn_design *design, const cnn_job *job,
                             const cnn_network *const *networks, const cnn_image_counts *images,
                             cnn_text *out)
{
    plan p = {design, job, networks, images, NULL};
    cnn_text lines = {0};
    p.cell_of = calloc((size_t)design->cell_count, sizeof *p.cell_of);
    if (!p.cell_of) {
        out->failed = true;
        return;
    }
    for (int c = 0; c < design->cell_count; c++)
        p.cell_of[design->cells[c].combination * design->level_count + design->cells[c].level] = c;
    for (int c = 0; c < CNN_CONDITION_COUNT; c++) {
        int cells[2];
        if (find_different(&p, (cnn_condition)c, false, cells) ||
            find_different(&p, (cnn_condition)c, true, cells))
            describe_difference(&p, (cnn_condition)c, cells, &lines);
        else if (job->compare.allow[c])
            cnn_text_printf(&lines, "  %s may differ, which the job allows (compare: allow)\n",
                            cnn_condition_titles[c]);
    }
    if (lines.len)
        cnn_text_printf(out, "\nConditions that the levels of the contrast should share\n%s",
                        lines.s);
    out->failed |= lines.failed;
    cnn_text_free(&lines);
    free(p.cell_of);
}
