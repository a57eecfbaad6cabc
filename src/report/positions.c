/* SPDX-License-Identifier: Apache-2.0 */
/* Effects of the position of a run within its block. */
#include "report/parts.h"

#include "base/text.h"

#include <math.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

static const cnn_position_effect *effect_of(const cnn_report *r, int combination,
                                            cnn_measure measure, int position)
{
    return cnn_analysis_position(r->a, combination, measure, position);
}

static bool has_effects(const cnn_report *r, cnn_measure measure)
{
    for (int k = 0; k < r->a->combination_count; k++)
        for (int p = 1; p < r->a->level_count; p++)
            if (!isnan(effect_of(r, k, measure, p)->effect))
                return true;
    return false;
}

static void report_positions(const cnn_report *r, cnn_measure measure)
{
    static const cnn_table_column more[] = {
        {.name = "position", .title = "position", .format = CNN_FORMAT_WHOLE},
        {"effect", "effect", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100},
        {"effect", "interval", "%", .format = CNN_FORMAT_FIXED, .digits = 2, .scale = 100,
         .interval = true},
        {.name = "df", .title = "df", .format = CNN_FORMAT_WHOLE},
    };
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "positions", columns, n,
                                      "%s: position of the run within the block, against the first",
                                      cnn_report_shown_in(r, measure).title);
    t->left_out = CNN_NOT_IN_CSV;
    for (int k = 0; k < r->a->combination_count; k++)
        for (int p = 1; p < r->a->level_count; p++) {
            const cnn_position_effect *x = effect_of(r, k, measure, p);
            cnn_table_row(t);
            cnn_report_put_combination(r, k, t);
            cnn_table_number(t, p + 1);
            cnn_table_number(t, expm1(x->effect));
            cnn_table_interval(t, expm1(x->lower), expm1(x->upper));
            cnn_table_number(t, x->df < 0 ? NAN : x->df);
        }
    cnn_table_note(t,
                   "effect: %s of a run at this position over that of one at the first, less 1; "
                   "linear model of block, level and position, with the t interval at %.4g %%, not "
                   "simultaneous. "
                   "Comparisons are free of it, except for carry-over: cyclic orders do "
                   "not separate the effect of the run before from that of the position.",
                   cnn_report_shown_in(r, measure).in_sentence, 100 * (1 - r->a->alpha));
}

/** "the second run of a block takes 2.1 % more time than the first, 95 % interval 1.4 to 2.8 %" */
static void describe_one(const cnn_report *r, const cnn_position_effect *x)
{
    const double sign = x->effect < 0 ? -1 : 1;
    const double one = 100 * sign * expm1(x->lower), other = 100 * sign * expm1(x->upper);
    cnn_text interval = {0};
    if (!isnan(one) && !isnan(other))
        cnn_text_printf(&interval, ", %.4g %% interval %.2f to %.2f %%", 100 * (1 - r->a->alpha),
                        fmin(one, other), fmax(one, other));
    cnn_document_paragraph(r->out,
                           "Position within the block: the second run takes %.2f %% %s time than "
                           "the first%s. Comparisons of time are free of it.",
                           100 * sign * expm1(x->effect), x->effect < 0 ? "less" : "more",
                           interval.s ? interval.s : "");
    r->out->failed |= interval.failed;
    cnn_text_free(&interval);
}

/** The range over combinations and positions. */
static void describe_range(const cnn_report *r, cnn_measure measure)
{
    double least = NAN, most = NAN;
    for (int k = 0; k < r->a->combination_count; k++)
        for (int p = 1; p < r->a->level_count; p++) {
            const double effect = 100 * expm1(effect_of(r, k, measure, p)->effect);
            least = fmin(least, effect); /* pass over NaN */
            most = fmax(most, effect);
        }
    cnn_document_paragraph(r->out,
                           "Position within the block: a later run takes %.2f to %.2f %% more time "
                           "than the first of its block (range of the estimates; the table "
                           "`positions` has intervals). Comparisons of time are free of it.",
                           least, most);
}

void cnn_report_found_positions(const cnn_report *r)
{
    const cnn_measure measure = CNN_MEASURE_TRAIN_SECONDS;
    if (!r->a->pair_count)
        return;
    const cnn_comparison *x = cnn_analysis_comparison(r->a, 0, measure);
    if (!has_effects(r, measure))
        cnn_document_paragraph(r->out,
                               "Comparisons of time are not adjusted for the position of the runs "
                               "within their block: %s.",
                               cnn_reason_sentences[x->position_reason]);
    else if (r->a->combination_count == 1 && r->a->level_count == 2)
        describe_one(r, effect_of(r, 0, measure, 1));
    else
        describe_range(r, measure);
}

void cnn_report_positions(const cnn_report *r)
{
    for (int m = 0; m < r->a->measure_count; m++)
        if (has_effects(r, (cnn_measure)m))
            report_positions(r, (cnn_measure)m);
}
