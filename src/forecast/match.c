/* SPDX-License-Identifier: Apache-2.0 */
/* Cells are the same where names and training are: framework, architecture and data set by their
 * names and by what these stand for, and every setting of train:, factor or not. */
#include "forecast/match.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** How a cell of the file is like a planned one; the larger the better. */
typedef enum { OTHER_NAMES, OTHER_TRAINING, OTHER_EPOCHS, SAME } likeness;

/** What is trained in a cell; the text is that of cnn_job_describe_treatment without the epochs. */
typedef struct {
    cnn_treatment treatment;
    cnn_text text;
    const cnn_measured *example; /* of a cell of the file: a done run; NULL: there is none */
} trained;

static cnn_status describe(const cnn_job *job, const int *levels, trained *out)
{
    out->treatment = cnn_job_treatment(job, levels);
    cnn_treatment without = out->treatment;
    without.train.epochs = 1;
    cnn_job_describe_treatment(&without, &out->text);
    return cnn_text_status(&out->text);
}

static bool same_names(const cnn_treatment *a, const cnn_treatment *b)
{
    return !strcmp(a->framework->name, b->framework->name) &&
           !strcmp(a->architecture->name, b->architecture->name) &&
           !strcmp(a->source->name, b->source->name);
}

static likeness compare(const trained *planned, const trained *there)
{
    if (!same_names(&planned->treatment, &there->treatment))
        return OTHER_NAMES;
    if (strcmp(planned->text.s, there->text.s) != 0)
        return OTHER_TRAINING;
    return planned->treatment.train.epochs == there->treatment.train.epochs ? SAME : OTHER_EPOCHS;
}

/** The cell's reason, or the status of finding none. */
static cnn_status give_reason(cnn_forecast_cell *cell, cnn_text *reason)
{
    cnn_status st = CNN_OK;
    CNN_CHECK((cell->unknown = cnn_text_take(reason)) != NULL, CNN_ENOMEM, "reason of a cell");
done:
    return st;
}

static void refuse_training(const trained *planned, const trained *there, cnn_text *reason)
{
    cnn_text in_plan = {0}, in_file = {0};
    cnn_job_first_difference(planned->text.s, there->text.s, &in_plan, &in_file);
    cnn_text_printf(reason, "trained otherwise: %s there, %s here", in_file.s ? in_file.s : "",
                    in_plan.s ? in_plan.s : "");
    reason->failed |= in_plan.failed || in_file.failed;
    cnn_text_free(&in_plan);
    cnn_text_free(&in_file);
}

/** What our trainer measured of network and data set must be what the plan has read of them; other
 *  programs may count otherwise. */
static void check_sizes(const cnn_forecast_source *s, int cell, const cnn_measured *there,
                        cnn_text *reason)
{
    const cnn_network *net = s->networks ? s->networks[cell] : NULL;
    const int images = s->images ? s->images[cell].train : 0;
    if (net && there && there->parameters > 0 && there->parameters != net->parameter_total)
        cnn_text_printf(reason, "%" PRId64 " parameters there, %" PRId64 " here", there->parameters,
                        net->parameter_total);
    else if (images > 0 && there && there->train_images > 0 && there->train_images != images)
        cnn_text_printf(reason, "%" PRId64 " training images there, %d here", there->train_images,
                        images);
}

/** Other epochs can be made up for, unless seconds do not come from them. */
static void check_epochs(const cnn_treatment *planned, int epochs_there, cnn_text *reason)
{
    if (epochs_there && planned->framework->is_simulated && planned->framework->truth.time.run > 0)
        cnn_text_printf(reason, "%d epochs there, %d here, and the simulated seconds are of a run",
                        epochs_there, planned->train.epochs);
}

static void check_backend(const cnn_forecast_source *s, const cnn_treatment *planned,
                          cnn_text *reason)
{
    const char *there = s->results->backend ? s->results->backend : "";
    if (s->job->backend != CNN_BACKEND_AUTO && !planned->framework->is_simulated &&
        strcmp(there, cnn_backend_names[s->job->backend]) != 0)
        cnn_text_printf(reason, "backend %s there, %s here", there,
                        cnn_backend_names[s->job->backend]);
}

static cnn_status match_cell(const cnn_forecast_source *s, const trained *there, int cell,
                             cnn_forecast_cell *out)
{
    cnn_status st = CNN_OK;
    likeness best = OTHER_NAMES;
    trained planned = {0};
    cnn_text reason = {0};
    CNN_TRY(describe(s->job, s->design->cells[cell].levels, &planned));
    for (int c = 0; c < s->results->cell_count && best < SAME; c++) {
        const likeness like = compare(&planned, &there[c]);
        if (like <= best)
            continue;
        best = like;
        out->source = c;
    }
    const trained *found = &there[out->source];
    out->epochs = best == OTHER_EPOCHS ? found->treatment.train.epochs : 0;
    if (best == OTHER_NAMES)
        cnn_text_append(&reason, "the file has no cell of this name");
    else if (best == OTHER_TRAINING)
        refuse_training(&planned, found, &reason);
    else
        check_epochs(&planned.treatment, out->epochs, &reason);
    if (!reason.len)
        check_backend(s, &planned.treatment, &reason);
    if (!reason.len && cnn_framework_is_own(planned.treatment.framework))
        check_sizes(s, cell, found->example, &reason);
    CNN_TRY(cnn_text_status(&reason));
    if (reason.len)
        CNN_TRY(give_reason(out, &reason));
done:
    cnn_text_free(&planned.text);
    cnn_text_free(&reason);
    return st;
}

cnn_status cnn_forecast_match(const cnn_forecast_source *s, cnn_forecast *f)
{
    cnn_status st = CNN_OK;
    const int cells = s->results->cell_count, factors = s->results->factor_count;
    trained *there = calloc((size_t)cells, sizeof *there);
    CNN_CHECK(there, CNN_ENOMEM, "%d cells", cells);
    for (int c = 0; c < cells; c++)
        CNN_TRY(describe(s->stored, &s->results->cell_levels[c * factors], &there[c]));
    for (int i = s->results->run_count - 1; i >= 0; i--)
        if (s->results->status[i] == CNN_RUN_DONE)
            there[s->results->planned[i].cell].example = &s->results->measured[i];
    for (int c = 0; c < f->cell_count; c++)
        CNN_TRY(match_cell(s, there, c, &f->cells[c]));
done:
    for (int c = 0; there && c < cells; c++)
        cnn_text_free(&there[c].text);
    free(there);
    return st;
}
