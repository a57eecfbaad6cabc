/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"
#include "page/parts.h"

#include <string.h>

/** Longer tables are in the CSV files. */
enum { MOST_ROWS = 1000 };

static void put_tag(cnn_text *out, const char *tag, const char *s)
{
    cnn_text_printf(out, "<%s>", tag);
    cnn_render_html_text(out, s);
    cnn_text_printf(out, "</%s>\n", tag);
}

void cnn_page_head(const cnn_page *p)
{
    const cnn_cell_count *t = &p->a->total;
    const cnn_scope *s = &p->a->scope;
    cnn_text_append(p->out, "<header>\n<p class=\"kicker\">cnnmpi report</p>\n");
    put_tag(p->out, "h1", p->results->job_name);
    cnn_text_printf(p->out,
                    "<p class=\"facts\"><span><b>%d</b> of %d runs done</span> <span><b>%d</b> "
                    "device%s on <b>%d</b> host%s</span> <span><b>%d</b> session%s</span> "
                    "<span><b>%d</b> cells</span></p>\n",
                    t->done, t->planned, s->devices, s->devices == 1 ? "" : "s", s->nodes,
                    s->nodes == 1 ? "" : "s", s->sessions, s->sessions == 1 ? "" : "s",
                    p->a->cell_count);
    if (p->results->created && p->results->created[0]) {
        cnn_text_append(p->out, "<p class=\"note\">Results file made by ");
        cnn_render_html_text(p->out, p->results->created);
        cnn_text_append(p->out, "</p>\n");
    }
    if (p->a->look.interim)
        cnn_text_append(p->out,
                        "<p class=\"interim\" role=\"note\"><b>Interim</b>: runs of the plan "
                        "have not ended; estimates describe the runs so far.</p>\n");
    cnn_text_append(p->out, "</header>\n");
}

/** How many of the findings stand before the figures: up to the verdicts of the primary measure. */
static int lead_of(const cnn_document *d)
{
    int lead = 0;
    for (int i = 0; i < d->lead_count; i++) {
        const char *s = d->items[i].paragraph;
        const char *primary = s ? strstr(s, " (primary)") : NULL;
        if (primary && primary < s + strcspn(s, ":\n"))
            lead = i + 1;
    }
    return lead;
}

static void put_findings(const cnn_page *p, int from, int to)
{
    for (int i = from; i < to; i++) {
        const char *s = p->tables->items[i].paragraph;
        if (s && !p->tables->items[i].left_out)
            cnn_render_html_paragraph(p->out, s);
    }
}

static void start_details(const cnn_page *p, const char *title, bool is_open)
{
    cnn_text_printf(p->out, "<details class=\"source\"%s><summary><span class=\"title\">",
                    is_open ? " open=\"open\"" : "");
    cnn_render_html_text(p->out, title);
    cnn_text_append(p->out, "</span></summary>\n");
}

void cnn_page_found(const cnn_page *p)
{
    const int lead = lead_of(p->tables);
    cnn_text_append(p->out,
                    "<section id=\"found\"><h2>What was found</h2>\n<div class=\"lead\">\n");
    put_findings(p, 0, lead);
    cnn_text_append(p->out, "</div>\n");
    cnn_page_figures(p, CNN_FIGURES_FOUND);
    start_details(p, "All other findings", true);
    put_findings(p, lead, p->tables->lead_count);
    cnn_text_append(p->out, "</details>\n");
    start_details(p, "How verdicts are given", false);
    cnn_render_html_paragraph(p->out, cnn_verdict_rule);
    cnn_text_append(p->out, "</details>\n</section>\n");
}

void cnn_page_section(const cnn_page *p, cnn_figure_section section, const char *id,
                      const char *title, const char *introduction)
{
    bool any = false;
    for (int i = 0; i < p->figures->count; i++)
        any |= p->figures->items[i]->section == section;
    if (!any)
        return;
    cnn_text_printf(p->out, "<section id=\"%s\"><h2>%s</h2>\n<p>%s</p>\n", id, title, introduction);
    cnn_page_figures(p, section);
    cnn_text_append(p->out, "</section>\n");
}

/** Tables of lost and flagged runs, which stand before all others. */
static bool is_of_losses(const cnn_table *t)
{
    static const char *const names[] = {"lost", "outliers", "blocks", "conditions"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(t->name, names[i]))
            return true;
    return false;
}

/** Tables that are open at first. */
static bool is_open(const cnn_table *t)
{
    static const char *const names[] = {"summary", "cells", "verdicts", "lost", "conditions"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(t->name, names[i]))
            return true;
    return false;
}

static int put_tables(const cnn_page *p, bool losses)
{
    int count = 0;
    for (int i = 0; i < p->tables->item_count; i++) {
        const cnn_table *t = p->tables->items[i].table;
        if (!t || !t->row_count || (t->left_out & CNN_NOT_IN_TEXT) || is_of_losses(t) != losses)
            continue;
        cnn_text_printf(
            p->out,
            "<details class=\"table\" id=\"table-%d-%s\"%s>\n<summary><span class=\"title\">", i,
            t->name, is_open(t) ? " open=\"open\"" : "");
        cnn_render_html_text(p->out, t->title);
        cnn_text_append(p->out, "</span></summary>\n");
        cnn_render_html_table(p->out, t, MOST_ROWS);
        cnn_text_append(p->out, "</details>\n");
        count++;
    }
    return count;
}

void cnn_page_lost(const cnn_page *p)
{
    const cnn_cell_count *t = &p->a->total;
    cnn_text_printf(
        p->out,
        "<section id=\"lost\"><h2>Lost and flagged runs</h2>\n<p>Of %d runs planned, %d "
        "are done, %d failed, %d diverged and %d are missing. Outliers stay in every "
        "figure.</p>\n",
        t->planned, t->done, t->failed, t->diverged, t->missing);
    put_tables(p, true);
    cnn_text_append(p->out, "</section>\n");
}

void cnn_page_tables(const cnn_page *p)
{
    cnn_text_append(p->out, "<section id=\"tables\"><h2>Machine, versions and all tables</h2>\n"
                            "<p>The tables of <code>cnnmpi report --full</code>. A click on the "
                            "title of a column sorts; the buttons save a table as CSV with every "
                            "digit, unscaled.</p>\n");
    put_tables(p, false);
    cnn_text_append(p->out, "</section>\n");
}

static void put_source(const cnn_page *p, const char *title, const char *text)
{
    if (!text || !text[0])
        return;
    start_details(p, title, false);
    cnn_text_append(p->out, "<pre tabindex=\"0\">");
    cnn_render_html_text(p->out, text);
    cnn_text_append(p->out, "</pre></details>\n");
}

void cnn_page_sources(const cnn_page *p)
{
    cnn_text_append(p->out, "<section id=\"job\"><h2>Job file and plan</h2>\n");
    put_source(p, "Job file", p->results->job_text);
    put_source(p, "Overrides of the command line", p->results->overrides);
    put_source(p, "Plan", p->results->plan);
    for (int e = 0; e < p->results->environment_count; e++)
        put_source(p, "Environment of trainers", p->results->environments[e].variables);
    cnn_text_append(p->out, "</section>\n");
}
