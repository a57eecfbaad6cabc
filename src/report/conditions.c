/* SPDX-License-Identifier: Apache-2.0 */
/* Levels that are compared, but differ in conditions that they should share. */
#include "base/text.h"
#include "report/parts.h"

#include <string.h>

#define COUNT(columns) ((int)(sizeof(columns) / sizeof *(columns)))

/* Comparisons described one by one in a paragraph; the table has all of them. */
enum { MOST_DESCRIBED = 8 };

static int standing_of(const cnn_report *r, const cnn_unequal *u)
{
    return cnn_analysis_standing(r->a, u->comparison, (cnn_condition)u->condition);
}

void cnn_report_put_titles(const bool of[CNN_CONDITION_COUNT], cnn_text *out)
{
    int left = 0, put = 0;
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        left += of[c];
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        if (of[c]) {
            left--;
            cnn_text_printf(out, "%s%s",
                            !put++ ? ""
                            : left ? ", "
                                   : " and ",
                            cnn_condition_titles[c]);
        }
}

void cnn_report_put_conditions(const cnn_analysis *a, int comparison, cnn_text *out)
{
    bool unequal[CNN_CONDITION_COUNT];
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        unequal[c] = cnn_analysis_standing(a, comparison, (cnn_condition)c) == CNN_STANDING_UNEQUAL;
    cnn_report_put_titles(unequal, out);
}

/** Comparisons that differ in a condition that stands so, and in `of` which these are. */
static int count_comparisons(const cnn_report *r, cnn_standing standing,
                             bool of[CNN_CONDITION_COUNT])
{
    int count = 0, last = -1;
    for (int i = 0; i < r->a->unequal_count; i++) {
        const cnn_unequal *u = &r->a->unequal[i];
        if (standing_of(r, u) != (int)standing)
            continue;
        count += u->comparison != last;
        last = u->comparison;
        of[u->condition] = true;
    }
    return count;
}

void cnn_report_put_unequal(const cnn_report *r, cnn_table *t)
{
    bool unequal[CNN_CONDITION_COUNT] = {false};
    const int count = count_comparisons(r, CNN_STANDING_UNEQUAL, unequal);
    cnn_text allowed = {0}, differ = {0};
    cnn_report_put_titles(r->a->allow, &allowed);
    cnn_report_put_titles(unequal, &differ);
    if (allowed.len) {
        cnn_table_row(t);
        cnn_table_text(t, "compare");
        cnn_table_text(t, "the job allows the levels of the contrast to differ in %s", allowed.s);
    }
    if (differ.len) {
        cnn_table_row(t);
        cnn_table_text(t, "UNEQUAL");
        cnn_table_text(t,
                       "levels differ in %s: no verdict on time in %d of %d comparisons (table "
                       "conditions)",
                       differ.s, count, r->a->comparison_count);
    }
    *t->failed |= allowed.failed || differ.failed;
    cnn_text_free(&allowed);
    cnn_text_free(&differ);
}

/** The first runs of both levels that differ. */
static void put_values(const cnn_report *r, const cnn_unequal *u, cnn_table *t)
{
    const int runs[] = {u->run_a, u->run_b};
    char value[CNN_CONDITION_TEXT];
    for (int i = 0; i < 2; i++) {
        cnn_analysis_condition(&r->results->measured[runs[i]], (cnn_condition)u->condition, value);
        cnn_table_text(t, "%s", value);
    }
}

static void put_levels(const cnn_report *r, const cnn_unequal *u, cnn_table *t)
{
    cnn_table_text(t, "%s", r->names.levels[r->a->pairs[u->comparison].a]);
    cnn_table_text(t, "%s", r->names.levels[r->a->pairs[u->comparison].b]);
}

void cnn_report_conditions(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "a", .title = "a"},
        {.name = "b", .title = "b"},
        {.name = "condition", .title = "differ in"},
        {.name = "a_value", .title = "of a"},
        {.name = "b_value", .title = "of b"},
        {.name = "blocks", .title = "blocks", .format = CNN_FORMAT_WHOLE},
        {.name = "consequence", .title = ""},
    };
    const cnn_analysis *a = r->a;
    cnn_table_column columns[CNN_MOST_KEY_COLUMNS + COUNT(more)];
    int n = cnn_report_combination_columns(r, columns);
    for (int i = 0; i < COUNT(more); i++)
        columns[n++] = more[i];
    cnn_table *t = cnn_document_table(r->out, "conditions", columns, n,
                                      "Conditions in which levels that are compared differ");
    t->left_out = CNN_NOT_IN_CSV;
    for (int i = 0; i < cnn_report_shown_rows(r, a->unequal_count); i++) {
        const cnn_unequal *u = &a->unequal[i];
        cnn_table_row(t);
        cnn_report_put_combination(r, a->pairs[u->comparison].combination, t);
        put_levels(r, u, t);
        cnn_table_text(t, "%s", cnn_condition_titles[u->condition]);
        put_values(r, u, t);
        cnn_table_number(t, u->blocks);
        cnn_table_text(t, "%s",
                       standing_of(r, u) == CNN_STANDING_DECLARED ? "allowed by the job"
                                                                  : "no verdict on time");
    }
    cnn_table_note(t, "The values are those of the first block whose runs differ; blocks: how many "
                      "of the whole blocks differ.");
    cnn_report_note_rest(r, t, a->unequal_count);
}

void cnn_report_put_difference(const cnn_report *r, const cnn_unequal *u, cnn_table *t)
{
    cnn_table_text(t, "%s", cnn_report_level_value(r, r->a->pairs[u->comparison].a));
    cnn_table_text(t, "%s", cnn_report_level_value(r, r->a->pairs[u->comparison].b));
    cnn_table_text(t, "%s", cnn_condition_names[u->condition]);
    put_values(r, u, t);
    cnn_table_number(t, u->blocks);
    cnn_table_text(t, "%s", cnn_standing_names[standing_of(r, u)]);
}

/* ---- sentences ------------------------------------------------------------------------------ */

/** "parameters 61,706 and 61,326" */
static void describe_condition(const cnn_report *r, const cnn_unequal *u, cnn_text *out)
{
    const int runs[] = {u->run_a, u->run_b};
    cnn_text_append(out, cnn_condition_titles[u->condition]);
    for (int i = 0; i < 2; i++) {
        char value[CNN_CONDITION_TEXT], grouped[CNN_GROUPED_SIZE];
        int64_t number;
        cnn_analysis_condition(&r->results->measured[runs[i]], (cnn_condition)u->condition, value);
        if (u->condition != CNN_CONDITION_DATA && cnn_parse_int(value, &number))
            cnn_format_grouped(number, grouped);
        else
            cnn_copy_string(grouped, sizeof grouped, value);
        cnn_text_printf(out, "%s %s", i ? " and" : "", grouped);
    }
}

/** A line for each comparison whose conditions stand so. */
static void list_comparisons(const cnn_report *r, cnn_standing standing, int count, cnn_text *out)
{
    const cnn_analysis *a = r->a;
    int listed = 0, last = -1;
    for (int i = 0; i < a->unequal_count; i++) {
        const cnn_unequal *u = &a->unequal[i];
        const cnn_pair *pair = &a->pairs[u->comparison];
        if (standing_of(r, u) != (int)standing)
            continue;
        if (u->comparison == last) {
            cnn_text_append(out, "; ");
        } else if (listed++ < MOST_DESCRIBED) {
            cnn_text_printf(out, "\n- %s against %s", r->names.levels[pair->a],
                            r->names.levels[pair->b]);
            if (a->combination_count > 1)
                cnn_text_printf(out, ", %s", cnn_report_combination_name(r, pair->combination));
            cnn_text_append(out, ": ");
        } else {
            break;
        }
        last = u->comparison;
        describe_condition(r, u, out);
    }
    if (count > MOST_DESCRIBED)
        cnn_text_printf(out, "\n- and %d more: see the table `conditions`", count - MOST_DESCRIBED);
}

/** Whether errors depend on any of the conditions: on all but threads. */
static bool concerns_error(const bool of[CNN_CONDITION_COUNT])
{
    for (int c = 0; c < CNN_CONDITION_COUNT; c++)
        if (of[c] && c != CNN_CONDITION_THREADS)
            return true;
    return false;
}

static void describe_standing(const cnn_report *r, cnn_standing standing)
{
    bool of[CNN_CONDITION_COUNT] = {false};
    const int count = count_comparisons(r, standing, of);
    cnn_text lines = {0}, titles = {0};
    if (!count)
        return;
    list_comparisons(r, standing, count, &lines);
    cnn_report_put_titles(of, &titles);
    if (standing == CNN_STANDING_DECLARED)
        cnn_document_paragraph(
            r->out,
            "Declared differences: the levels differ in %s, which the job allows "
            "(compare: allow), so that verdicts are given.%s",
            titles.s ? titles.s : "", lines.s ? lines.s : "");
    else
        cnn_document_paragraph(
            r->out,
            "Unequal contenders: in %d of %d comparisons the levels differ in %s, which the job does "
            "not declare (compare: allow), so that no verdict on time is given.%s%s",
            count, r->a->comparison_count, titles.s ? titles.s : "",
            concerns_error(of) ? " Verdicts on error and loss are given, but of unequal levels."
                               : "",
            lines.s ? lines.s : "");
    r->out->failed |= lines.failed || titles.failed;
    cnn_text_free(&lines);
    cnn_text_free(&titles);
}

void cnn_report_found_unequal(const cnn_report *r)
{
    describe_standing(r, CNN_STANDING_UNEQUAL);
    describe_standing(r, CNN_STANDING_DECLARED);
}
