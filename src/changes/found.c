/* SPDX-License-Identifier: Apache-2.0 */
/* The findings in sentences. Without a control no sentence says that a cell changed. */
#include "changes/parts.h"
#include "report/parts.h"

#include <math.h>
#include <stdio.h>

enum { MOST_DESCRIBED = 10 };

/** "3.1 %", signed where it is not a size. */
static void put_number(double x, double width, const char *sign, cnn_text *out)
{
    char amount[CNN_AMOUNT_SIZE];
    cnn_report_amount(x, cnn_report_decimals(width, 2), amount);
    cnn_text_printf(out, "%s%s", x > 0 ? sign : "", amount);
}

static void put_interval(const cnn_changes_shown *shown, double coverage, double low, double high,
                         cnn_text *out)
{
    const double from = cnn_changes_size(shown, low), to = cnn_changes_size(shown, high);
    cnn_text_printf(out, "%.4g %% interval ", 100 * coverage);
    put_number(from, to - from, "+", out);
    cnn_text_append(out, " to ");
    put_number(to, to - from, "+", out);
    cnn_text_printf(out, " %s", shown->difference);
}

static void put_units(const cnn_change_estimate *e, cnn_text *out)
{
    if (e->unit == CNN_CHANGE_BY_DEVICE)
        cnn_text_printf(out, ", %d devices", e->units);
    else
        cnn_text_printf(out, ", %d and %d %ss", e->before, e->after,
                        cnn_change_unit_names[e->unit]);
}

/** "3.1 % more time than before (95 % interval +2.4 to +3.8 %, 8 devices)" */
static void put_difference(const cnn_changes *c, int measure, const cnn_changes_figures *x,
                           cnn_text *out)
{
    const cnn_changes_shown shown = cnn_changes_shown_of(measure);
    const cnn_t_result *t = &x->judged.t;
    const double size = cnn_changes_size(&shown, t->difference);
    const double width =
        cnn_changes_size(&shown, t->interval.high) - cnn_changes_size(&shown, t->interval.low);
    put_number(fabs(size), width, "", out);
    if (shown.is_log)
        cnn_text_printf(out, " %% %s time", size < 0 ? "less" : "more");
    else
        cnn_text_printf(out, " %s %s", shown.difference, size < 0 ? "lower" : "higher");
    cnn_text_append(out, " (");
    put_interval(&shown, 1 - c->alpha, t->interval.low, t->interval.high, out);
    put_units(&x->judged, out);
    cnn_text_append(out, ")");
}

/** The interval of TOST; without variance there is none. */
static void put_equivalence(const cnn_changes *c, int measure, const cnn_changes_figures *x,
                            cnn_text *out)
{
    const cnn_changes_shown shown = cnn_changes_shown_of(measure);
    if (x->same_weights > 0 && x->same_weights == x->judged.shared)
        cnn_text_printf(out, "the same weights for each of %d seeds", x->same_weights);
    else
        put_interval(&shown, 1 - 2 * c->alpha, x->tost_lower, x->tost_upper, out);
}

static void put_open(const cnn_changes *c, int measure, const cnn_changes_figures *x, cnn_text *out)
{
    const cnn_changes_shown shown = cnn_changes_shown_of(measure);
    const cnn_t_result *t = &x->judged.t;
    if (isnan(t->interval.low)) {
        cnn_text_append(out, cnn_change_reason_sentences[x->reason]);
        return;
    }
    put_interval(&shown, 1 - c->alpha, t->interval.low, t->interval.high, out);
    if (x->reason != CNN_CHANGE_REASON_NONE && x->reason != CNN_CHANGE_REASON_NO_MARGIN)
        cnn_text_printf(out, "; %s", cnn_change_reason_sentences[x->reason]);
    else if (!isnan(x->detectable)) {
        cnn_text_append(out, "; ");
        put_number(cnn_changes_size(&shown, x->detectable), cnn_changes_size(&shown, x->detectable),
                   "", out);
        cnn_text_printf(out, " %s would be found with power 0.8", shown.difference);
    }
}

/** Kinds of findings, in the order in which they are told. */
typedef enum { DIFFERENT, EQUIVALENT, OPEN, KIND_COUNT } kind;

static kind kind_of(const cnn_changes_figures *x)
{
    return x->reason == CNN_CHANGE_REASON_NONE && x->verdict == CNN_VERDICT_EQUIVALENT ? EQUIVALENT
           : x->verdict != CNN_VERDICT_INCONCLUSIVE                                    ? DIFFERENT
                                                                                       : OPEN;
}

static bool is_told(const cnn_changes_figures *x)
{
    return x->reason != CNN_CHANGE_REASON_CONTROL && x->reason != CNN_CHANGE_REASON_NO_CONTROL;
}

static void put_item(const cnn_changes *c, int measure, int cell, kind k, cnn_text *out)
{
    static void (*const put[])(const cnn_changes *, int, const cnn_changes_figures *,
                               cnn_text *) = {put_difference, put_equivalence, put_open};
    const cnn_changes_cell *of = &c->cells[cell];
    cnn_text_printf(out, "\n- %s, %s: ", of->level, of->combination);
    put[k](c, measure, cnn_changes_figures_of(c, cell, measure), out);
}

/** What a list of findings is headed by. */
static void put_head(const cnn_changes *c, int measure, kind k, int count, cnn_text *out)
{
    const cnn_changes_shown shown = cnn_changes_shown_of(measure);
    const int all = c->family[measure];
    if (k == OPEN) {
        cnn_text_printf(out, "%s: no verdict in %d cell%s", shown.title, count,
                        cnn_report_plural(count));
        return;
    }
    char margin[64] = "";
    if (k == EQUIVALENT)
        snprintf(margin, sizeof margin, " by more than %.3g %s",
                 cnn_changes_size(&shown, c->margin[measure]), shown.difference);
    cnn_text_printf(out, "%s: %s%s in %d of %d cells tested", shown.title,
                    c->has_control   ? k == DIFFERENT ? "CHANGED" : "not changed"
                    : k == DIFFERENT ? "these two sessions differ"
                                     : "these two sessions do not differ",
                    margin, count, all);
}

/** Cells without an interval: one line for each reason. */
static int put_untested(const cnn_changes *c, int measure, cnn_text *out)
{
    static const cnn_change_reason reasons[] = {CNN_CHANGE_REASON_FEW,
                                                CNN_CHANGE_REASON_NO_VARIANCE};
    int all = 0;
    for (size_t k = 0; k < sizeof reasons / sizeof *reasons; k++) {
        int count = 0, first = -1;
        for (int i = 0; i < c->cell_count; i++)
            if (cnn_changes_figures_of(c, i, measure)->reason == reasons[k] && count++ == 0)
                first = i;
        if (!count)
            continue;
        all += count;
        cnn_text_printf(out, "\n- %s, %s", c->cells[first].level, c->cells[first].combination);
        if (count > 1)
            cnn_text_printf(out, ", and %d more", count - 1);
        cnn_text_printf(out, ": %s", cnn_change_reason_sentences[reasons[k]]);
    }
    return all;
}

static bool is_untested(const cnn_changes_figures *x)
{
    return x->reason == CNN_CHANGE_REASON_FEW || x->reason == CNN_CHANGE_REASON_NO_VARIANCE;
}

static void describe(const cnn_changes_report *r, int measure, kind k)
{
    const cnn_changes *c = r->c;
    cnn_text list = {0}, head = {0};
    int count = 0;
    for (int i = 0; i < c->cell_count; i++) {
        const cnn_changes_figures *x = cnn_changes_figures_of(c, i, measure);
        if (!is_told(x) || kind_of(x) != k || is_untested(x))
            continue;
        if (count++ < MOST_DESCRIBED || r->full)
            put_item(c, measure, i, k, &list);
    }
    if (count > MOST_DESCRIBED && !r->full)
        cnn_text_printf(&list, "\n- and %d more: see the table `cells`", count - MOST_DESCRIBED);
    if (k == OPEN)
        count += put_untested(c, measure, &list);
    put_head(c, measure, k, count, &head);
    if (count)
        cnn_document_paragraph(r->out, "%s:%s", head.s ? head.s : "", list.s ? list.s : "");
    r->out->failed |= list.failed || head.failed;
    cnn_text_free(&list);
    cnn_text_free(&head);
}

/* ---- what it rests on ---------------------------------------------------------------------------- */

/** Whether cells' units are devices. */
static bool is_by_device(const cnn_changes *c)
{
    for (int i = 0; i < c->cell_count; i++) {
        const cnn_changes_figures *x = cnn_changes_figures_of(c, i, 0);
        if (is_told(x) && x->judged.unit != CNN_CHANGE_BY_DEVICE)
            return false;
    }
    return true;
}

/** The control's own difference: what the session made of a level that did not change. */
static void describe_yardstick(const cnn_changes_report *r)
{
    const cnn_changes *c = r->c;
    const cnn_changes_shown shown = cnn_changes_shown_of(0);
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < c->cell_count; i++) {
        const double x =
            cnn_changes_size(&shown, cnn_changes_figures_of(c, i, 0)->session.t.difference);
        if (!c->cells[i].is_control || isnan(x))
            continue;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    cnn_document_paragraph(
        r->out,
        "Yardstick: each cell is measured against %s in its blocks. The control's own times differ "
        "by %+.2g to %+.2g %% between the files: the effect of the sessions, and noise. %s",
        c->control, low, high,
        is_by_device(c)
            ? "Each shared device counts as one value: the findings are about devices like these."
            : "Blocks are counted, as too few devices are shared or positions leave them no degree "
              "of freedom: the findings hold for these devices in these sessions alone.");
}

/** The assumption of a difference of differences, and how far it was tested. */
static void describe_assumption(const cnn_changes_report *r)
{
    const cnn_changes *c = r->c;
    int tested = 0, found = 0;
    double largest = 0;
    for (int i = 0; i < c->cell_count; i++) {
        const cnn_changes_figures *x = cnn_changes_figures_of(c, i, 0);
        if (isnan(x->effects.p))
            continue;
        tested++;
        found += x->effects_p_holm <= c->alpha;
        largest = fmax(largest, x->effects.upper);
    }
    cnn_text text = {0};
    if (!tested)
        cnn_text_append(&text, "One session a file cannot test it; two or more can (jobs that are "
                               "stopped and continued with --resume).");
    else
        cnn_text_printf(&text,
                        "Sessions within the files test it: found in %d of %d cells, which have no "
                        "verdict; the intervals of its sd reach up to %.2g %% (table "
                        "`level_x_session`).",
                        found, tested, 100 * largest);
    cnn_document_paragraph(r->out,
                           "Assumption: a session makes %s and the other levels slower by the "
                           "same factor (no level x session effect). %s",
                           c->control, text.s ? text.s : "");
    r->out->failed |= text.failed;
    cnn_text_free(&text);
}

static void describe_confounding(const cnn_changes_report *r)
{
    const cnn_changes *c = r->c;
    cnn_document_paragraph(
        r->out,
        "These figures do not tell the session from what was done between the files: measured at "
        "different times, the same program on the same machine differs as well. %s%s%s "
        "It takes a level whose program, libraries, driver and devices are the same in both files "
        "(--control LEVEL; docs/compare.md).",
        c->control ? "The level " : "No control is named.", c->control ? c->control : "",
        c->control ? " is no control, see above." : "");
    if (!c->shared_devices)
        cnn_document_paragraph(r->out, "The files share no device: figures hold for these devices "
                                       "in these sessions, and machines are confounded with them.");
}

static void describe_limit(const cnn_changes_report *r)
{
    static const char *const meanings[] = {
        [CNN_GATE_WITHIN] = "no cell is slower by more than that (status 0)",
        [CNN_GATE_UNDECIDED] = "cannot tell (status 5; --undecided pass makes it 0)",
        [CNN_GATE_BEYOND] = "EXCEEDED (status 4)",
    };
    const cnn_gate *g = r->gate;
    if (g)
        cnn_document_paragraph(
            r->out,
            "Limit, slower by %.4g %%: %s; %d cell%s beyond it, %d within, of %d "
            "tested.%s",
            100 * expm1(g->limit), meanings[g->outcome], g->beyond, cnn_report_plural(g->beyond),
            g->within, g->tested,
            r->c->left_count ? " Cells that were left out are not judged." : "");
}

void cnn_changes_put_found(const cnn_changes_report *r)
{
    cnn_document_heading(r->out, "What was found");
    if (r->c->has_control) {
        describe_yardstick(r);
        describe_assumption(r);
    } else {
        describe_confounding(r);
    }
    for (int m = 1; m >= 0; m--)
        for (kind k = OPEN + 1; k-- > DIFFERENT;)
            describe(r, m, k);
    describe_limit(r);
}
