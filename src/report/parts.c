/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cnn_report_withheld(int reason)
{
    return reason == CNN_REASON_INTERIM   ? "interim"
           : reason == CNN_REASON_UNEQUAL ? "withheld"
                                          : NULL;
}

bool cnn_report_is_measured(const cnn_report *r, cnn_measure measure)
{
    for (int c = 0; c < r->a->cell_count; c++)
        if (cnn_analysis_summary(r->a, c, measure)->n > 0)
            return true;
    return false;
}

static cnn_shown_measure shown_as(const cnn_measure_info *info, cnn_measure measure)
{
    cnn_shown_measure m = {
        .title = info->title,
        .unit = info->units,
        .difference = info->units,
        .scale = 1,
        .is_log = info->is_log,
        .is_time = info->is_time,
        .better = info->better,
        .is_main = measure == CNN_MEASURE_TRAIN_SECONDS || measure == CNN_MEASURE_TEST_ERROR ||
                   measure >= CNN_MEASURE_COUNT,
    };
    if (!*m.difference)
        m.difference = "units";
    cnn_copy_string(m.in_sentence, sizeof m.in_sentence, m.title);
    if (measure < CNN_MEASURE_COUNT) /* a metric's title is its name */
        m.in_sentence[0] = (char)tolower((unsigned char)m.in_sentence[0]);
    if (measure == CNN_MEASURE_TEST_ERROR) {
        m.unit = "%";
        m.difference = "points";
        m.scale = 100;
    }
    return m;
}

cnn_shown_measure cnn_report_shown(cnn_measure measure)
{
    const cnn_measure_info info = cnn_measure_built_in(measure);
    return shown_as(&info, measure);
}

cnn_shown_measure cnn_report_shown_in(const cnn_report *r, cnn_measure measure)
{
    cnn_shown_measure m = shown_as(&r->a->measures[measure], measure);
    if (r->results->is_measurement && !cnn_report_is_measured(r, measure))
        m.is_main = false;
    return m;
}

void cnn_report_each_pair(const cnn_report *r, bool all, void (*put)(const cnn_report_pair *v))
{
    for (int m = 0; m < r->a->measure_count; m++) {
        const cnn_shown_measure shown = cnn_report_shown_in(r, (cnn_measure)m);
        const bool shows = all || shown.is_main || m == (int)r->a->primary;
        for (int p = 0; shows && p < r->a->pair_count; p++) {
            const cnn_report_pair v = {.r = r,
                                       .measure = (cnn_measure)m,
                                       .shown = shown,
                                       .pair = p,
                                       .a = r->names.levels[r->a->pairs[p].a],
                                       .b = r->names.levels[r->a->pairs[p].b]};
            put(&v);
        }
    }
}

const cnn_comparison *cnn_report_comparison(const cnn_report_pair *v, int combination)
{
    const cnn_analysis *a = v->r->a;
    return cnn_analysis_comparison(a, combination * a->pair_count + v->pair, v->measure);
}

int cnn_report_decimals(double x, int digits)
{
    const double size = fabs(x);
    if (!(size > 0) || !isfinite(size))
        return 2;
    const int decimals = digits - 1 - (int)floor(log10(size));
    return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

void cnn_report_amount(double x, int decimals, char *out)
{
    char digits[CNN_AMOUNT_SIZE / 2];
    size_t n = 0;
    if (fabs(x) < 1000) {
        snprintf(out, CNN_AMOUNT_SIZE, "%.*f", decimals, x);
        if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1))
            memmove(out, out + 1, strlen(out)); /* no -0.0 */
        return;
    }
    if (isfinite(x)) {
        const double unit = pow(10, floor(log10(fabs(x))) - 2);
        x = unit * round(x / unit);
    }
    snprintf(digits, sizeof digits, "%.0f", x);
    const size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        out[n++] = digits[i];
        if (isfinite(x) && digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0)
            out[n++] = ',';
    }
    out[n] = '\0';
}

const char *cnn_report_plural(int n)
{
    return n == 1 ? "" : "s";
}

const char *cnn_report_level_value(const cnn_report *r, int level)
{
    return r->results->factors[r->results->contrast].labels[level];
}

int cnn_report_combination_columns(const cnn_report *r, cnn_table_column *columns)
{
    const int left_out = r->a->combination_count == 1 ? CNN_ONLY_IN_CSV : 0;
    int n = 0;
    if (r->names.any_study)
        columns[n++] = (cnn_table_column){
            .name = "study", .title = "study", .key = true, .left_out = left_out};
    columns[n++] = (cnn_table_column){
        .name = "combination", .title = "combination", .key = true, .left_out = left_out};
    return n;
}

void cnn_report_put_combination(const cnn_report *r, int combination, cnn_table *t)
{
    if (r->names.any_study)
        cnn_table_text(t, "%s", r->names.study[combination] ? r->names.study[combination] : "");
    cnn_table_text(t, "%s", r->names.combinations[combination]);
}

const char *cnn_report_combination_name(const cnn_report *r, int combination)
{
    return r->names.study[combination] ? r->names.study[combination]
                                       : r->names.combinations[combination];
}

void cnn_report_note_gaps(cnn_table *t, const cnn_report_gap *gaps, int count)
{
    enum { MOST_NAMES = 6 };
    for (int reason = CNN_REASON_NONE + 1; reason < CNN_REASON_COUNT; reason++) {
        cnn_text names = {0};
        int found = 0;
        for (int i = 0; i < count; i++) {
            if (gaps[i].reason != reason)
                continue;
            if (found++ < MOST_NAMES)
                cnn_text_printf(&names, "%s%s", names.len ? ", " : "", gaps[i].name);
        }
        if (found > MOST_NAMES)
            cnn_text_printf(&names, " and %d more", found - MOST_NAMES);
        if (names.failed)
            *t->failed = true;
        if (found)
            cnn_table_note(t, "%s: %s.", names.s ? names.s : "", cnn_reason_sentences[reason]);
        cnn_text_free(&names);
    }
}

int cnn_report_shown_rows(const cnn_report *r, int count)
{
    enum { MOST_LISTED = 5 };
    return r->full || count <= MOST_LISTED ? count : MOST_LISTED;
}

void cnn_report_note_rest(const cnn_report *r, cnn_table *t, int count)
{
    const int rest = count - cnn_report_shown_rows(r, count);
    if (rest > 0)
        cnn_table_hint(t, "... and %d more: --table %s lists them.", rest, t->name);
}
