/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/control.h"

#include "changes/run_texts.h"

#include <stdlib.h>
#include <string.h>

/** The control's level in each file, and its runs on shared devices. */
typedef struct {
    const cnn_changes_source *s;
    int level[CNN_CHANGES_FILES];
    int *of_run[CNN_CHANGES_FILES]; /* [run_count] the device if shared; else -1 */
} candidate;

static cnn_status find_level(const cnn_results *r, const char *path, const char *label, int *out)
{
    cnn_status st = CNN_OK;
    const cnn_results_factor *contrast = &r->factors[r->contrast];
    cnn_text labels = {0};
    *out = -1;
    for (int l = 0; l < contrast->level_count; l++) {
        if (!strcmp(contrast->labels[l], label))
            *out = l;
        cnn_text_printf(&labels, "%s%s", l ? ", " : "", contrast->labels[l]);
    }
    CNN_TRY(cnn_text_status(&labels));
    CNN_CHECK(*out >= 0, CNN_EUSAGE, "--control %s: '%s' has the levels %s of %s", label, path,
              labels.s, contrast->name);
done:
    cnn_text_free(&labels);
    return st;
}

/** Remembers why the level is no control; the first reason stays. */
static void refuse(cnn_text *reason, const char *what, const cnn_texts *before,
                   const cnn_texts *after)
{
    enum { MOST = 3 };
    if (reason->len)
        return;
    cnn_text_printf(reason, "its %s: ", what);
    cnn_texts_join(before, MOST, reason);
    cnn_text_append(reason, before->n ? " before, " : "none on record before, ");
    cnn_texts_join(after, MOST, reason);
    cnn_text_append(reason, after->n ? " after" : "none on record after");
}

/** Variables of the environment are many: their names and values are among the circumstances. */
static void refuse_environment(cnn_text *reason)
{
    if (!reason->len)
        cnn_text_append(reason, "variables of its environment differ, see `circumstances`");
}

static cnn_status compare_texts(const candidate *c, cnn_run_text what, cnn_text *reason)
{
    cnn_status st = CNN_OK;
    cnn_texts texts[CNN_CHANGES_FILES] = {{0}};
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const cnn_runs_chosen runs = {c->s->files[f], c->of_run[f], c->level[f]};
        CNN_TRY(cnn_texts_of_runs(&runs, what, &texts[f]));
    }
    if (cnn_texts_are_equal(&texts[CNN_BEFORE], &texts[CNN_AFTER]))
        goto done;
    if (what != CNN_TEXT_ENVIRONMENT)
        refuse(reason, cnn_run_text_titles[what], &texts[CNN_BEFORE], &texts[CNN_AFTER]);
    else if (texts[CNN_BEFORE].n && texts[CNN_AFTER].n) /* older files record none */
        refuse_environment(reason);
done:
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        cnn_texts_free(&texts[f]);
    return st;
}

/** "cnnmpi 0.1.0" of "cnnmpi 0.1.0, 2026-11-29 12:00:00" */
static size_t version_length(const char *created)
{
    return strcspn(created, ",");
}

static bool comes_with_cnnmpi(const cnn_framework *f)
{
    return cnn_framework_is_own(f) || f->trainer || f->is_simulated;
}

/** Whether programs that come with cnnmpi are those of one version, as the files were made. */
static void compare_programs(const candidate *c, const cnn_changes *out, cnn_text *reason)
{
    const char *before = c->s->files[CNN_BEFORE]->created, *after = c->s->files[CNN_AFTER]->created;
    for (int i = 0; i < out->cell_count && !reason->len; i++) {
        cnn_treatment t[CNN_CHANGES_FILES];
        cnn_text truth[CNN_CHANGES_FILES] = {{0}};
        if (!out->cells[i].is_control)
            continue;
        for (int f = 0; f < CNN_CHANGES_FILES; f++) {
            const cnn_results *r = c->s->files[f];
            t[f] = cnn_job_treatment(c->s->jobs[f],
                                     &r->cell_levels[out->cells[i].cell[f] * r->factor_count]);
            if (t[f].framework->is_simulated)
                cnn_truth_write_json(&t[f].framework->truth, &truth[f]);
            reason->failed |= truth[f].failed;
        }
        if (!reason->failed && truth[CNN_BEFORE].len && truth[CNN_AFTER].len &&
            strcmp(truth[CNN_BEFORE].s, truth[CNN_AFTER].s) != 0)
            cnn_text_append(reason, "the truth that its job states differs");
        else if (comes_with_cnnmpi(t[CNN_BEFORE].framework) &&
                 (version_length(before) != version_length(after) ||
                  strncmp(before, after, version_length(before)) != 0))
            cnn_text_printf(reason, "it comes with cnnmpi: %s before, %s after", before, after);
        for (int f = 0; f < CNN_CHANGES_FILES; f++)
            cnn_text_free(&truth[f]);
    }
}

/** Marks the control's cells, and gives each cell those of its combination. */
static int mark_cells(cnn_changes *out)
{
    int marked = 0;
    for (int i = 0; i < out->cell_count; i++) {
        out->cells[i].is_control = !strcmp(out->cells[i].level, out->control);
        marked += out->cells[i].is_control;
    }
    for (int i = 0; i < out->cell_count; i++)
        for (int k = 0; k < out->cell_count; k++) {
            const cnn_changes_cell *other = &out->cells[k];
            if (!other->is_control || strcmp(other->combination, out->cells[i].combination) != 0)
                continue;
            for (int f = 0; f < CNN_CHANGES_FILES; f++)
                out->cells[i].control[f] = other->cell[f];
        }
    return marked;
}

static cnn_status take_runs(candidate *c, const cnn_changes_devices *devices)
{
    cnn_status st = CNN_OK;
    for (int f = 0; f < CNN_CHANGES_FILES; f++) {
        const int runs = c->s->files[f]->run_count;
        CNN_CHECK((c->of_run[f] = calloc((size_t)runs + 1, sizeof *c->of_run[f])) != NULL,
                  CNN_ENOMEM, "runs of the control");
        for (int i = 0; i < runs; i++) {
            const int device = devices->of_run[f][i];
            c->of_run[f][i] = device >= 0 && devices->is_shared[device] ? device : -1;
        }
    }
done:
    return st;
}

static cnn_status judge(const candidate *c, const cnn_changes_devices *devices,
                        const cnn_changes *out, int cells, cnn_text *reason)
{
    static const cnn_run_text texts[] = {CNN_TEXT_BACKEND, CNN_TEXT_VERSIONS, CNN_TEXT_DRIVER,
                                         CNN_TEXT_MODEL,   CNN_TEXT_THREADS,  CNN_TEXT_ENVIRONMENT};
    cnn_status st = CNN_OK;
    if (!cells)
        cnn_text_append(reason, "none of its cells is the same in both files");
    else if (!devices->shared)
        cnn_text_append(reason, "the files share no device");
    for (size_t k = 0; !reason->len && k < sizeof texts / sizeof *texts; k++)
        CNN_TRY(compare_texts(c, texts[k], reason));
    compare_programs(c, out, reason);
    CNN_TRY(cnn_text_status(reason));
done:
    return st;
}

/* ---- weights ---------------------------------------------------------------------------------- */

static void count_seeds(const candidate *c, cnn_changes *out)
{
    for (int i = 0; i < out->cell_count; i++) {
        const cnn_changes_cell *cell = &out->cells[i];
        const cnn_groups *a = &c->s->groups[CNN_BEFORE], *b = &c->s->groups[CNN_AFTER];
        const int x = cell->cell[CNN_BEFORE], y = cell->cell[CNN_AFTER];
        for (int k = a->cell_start[x]; cell->is_control && k < a->cell_start[x + 1]; k++) {
            const int run = a->cell_runs[k];
            const char *weights = a->results->measured[run].weight_checksum;
            for (int m = b->cell_start[y]; *weights && m < b->cell_start[y + 1]; m++) {
                const int other = b->cell_runs[m];
                const char *theirs = b->results->measured[other].weight_checksum;
                if (a->results->planned[run].seed != b->results->planned[other].seed || !*theirs)
                    continue;
                out->control_seeds++;
                out->control_same += !strcmp(weights, theirs);
                break;
            }
        }
    }
}

cnn_status cnn_changes_find_control(const cnn_changes_source *s, const cnn_changes_devices *devices,
                                    const char *control, cnn_changes *out)
{
    cnn_status st = CNN_OK;
    candidate c = {.s = s};
    cnn_text reason = {0};
    out->control = control;
    if (!control)
        return CNN_OK;
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        CNN_TRY(find_level(s->files[f], s->paths[f], control, &c.level[f]));
    CNN_TRY(take_runs(&c, devices));
    const int cells = mark_cells(out);
    CNN_TRY(judge(&c, devices, out, cells, &reason));
    count_seeds(&c, out);
    out->has_control = !reason.len;
    if (reason.len)
        CNN_CHECK((out->refusal = cnn_text_take(&reason)) != NULL, CNN_ENOMEM, "the control");
done:
    cnn_text_free(&reason);
    for (int f = 0; f < CNN_CHANGES_FILES; f++)
        free(c.of_run[f]);
    return st;
}
