/* SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"

#include "document/render.h"
#include "page/parts.h"

#include <stddef.h>

static const char style[] = {
#include "report.css.inc"
    0};
static const char script[] = {
#include "report.js.inc"
    0};

/** The sections of figures, after the findings. */
static const struct {
    cnn_figure_section section;
    const char *id, *title, *menu, *introduction;
} sections[] = {
    {CNN_FIGURES_RUNS, "runs", "Every run", "Runs",
     "Each point is a run. Boxes reach from quartile to quartile with the median as a thick line; "
     "whiskers end at the outermost run within 1.5 times that range."},
    {CNN_FIGURES_PAIRS, "pairs", "Pairs within blocks", "Pairs",
     "Runs of a block share a device and a seed, so that their difference is free of both. Left, "
     "blocks from level to level; right, their differences with density, mean and interval. Mean and "
     "interval of times are free of the position within the block where the plan allows it; points "
     "are as measured."},
    {CNN_FIGURES_MACHINE, "machine", "The machine", "Machine",
     "How devices, time and the state of the machine bear on training time."},
    {CNN_FIGURES_CURVES, "curves", "Learning curves", "Curves",
     "Loss and error after each epoch: the lines are medians over the runs of a level, the bands "
     "reach from quartile to quartile."},
    {CNN_FIGURES_POWER, "power", "Power and tests", "Power",
     "How small a difference these blocks can find, and the tests that the verdicts rest on."},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static bool has_figures(const cnn_page *p, cnn_figure_section section)
{
    for (int i = 0; i < p->figures->count; i++)
        if (p->figures->items[i]->section == section)
            return true;
    return false;
}

static void put_menu(const cnn_page *p)
{
    cnn_text_append(p->out, "<nav aria-label=\"Sections\"><a href=\"#found\">Found</a>");
    for (int i = 0; i < SECTIONS; i++)
        if (has_figures(p, sections[i].section))
            cnn_text_printf(p->out, " <a href=\"#%s\">%s</a>", sections[i].id, sections[i].menu);
    cnn_text_append(p->out, " <a href=\"#lost\">Lost</a> <a href=\"#tables\">Tables</a> <a "
                            "href=\"#job\">Job</a> <a href=\"#glossary\">Glossary</a></nav>\n");
}

static void put_start(const cnn_page *p)
{
    cnn_text_append(p->out,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                    "<meta name=\"viewport\" content=\"width=device-width, "
                    "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light "
                    "dark\"/>\n<title>");
    cnn_render_html_text(p->out, p->results->job_name);
    cnn_text_append(p->out, ": cnnmpi report</title>\n<style>\n");
    cnn_figures_colours(p->out);
    cnn_text_append(p->out, style);
    cnn_text_append(p->out, "</style>\n</head>\n<body>\n");
    cnn_figures_symbols(p->out);
}

static void put_page(const cnn_page *p)
{
    put_start(p);
    cnn_page_head(p);
    put_menu(p);
    cnn_text_append(p->out, "<main>\n");
    cnn_page_found(p);
    for (int i = 0; i < SECTIONS; i++)
        cnn_page_section(p, sections[i].section, sections[i].id, sections[i].title,
                         sections[i].introduction);
    cnn_page_lost(p);
    cnn_page_tables(p);
    cnn_page_sources(p);
    cnn_page_glossary(p->out);
    cnn_text_append(p->out, "</main>\n<script>\n");
    cnn_text_append(p->out, script);
    cnn_text_append(p->out, "</script>\n</body>\n</html>\n");
}

cnn_status cnn_page_render(const cnn_report_source *source, const cnn_figures *figures,
                           cnn_text *out)
{
    cnn_status st = CNN_OK;
    cnn_document tables = {0};
    CNN_TRY(cnn_report_document(source, true, &tables));
    const cnn_page p = {.source = source,
                        .results = source->results,
                        .a = source->analysis,
                        .figures = figures,
                        .tables = &tables,
                        .out = out};
    put_page(&p);
    CNN_TRY(cnn_text_status(out));
done:
    cnn_document_free(&tables);
    return st;
}
