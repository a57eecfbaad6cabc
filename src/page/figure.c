/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"
#include "page/parts.h"

#include <stdlib.h>

/** Narrower ones stand side by side. On a narrow screen those of more than SMALL px scroll instead of
 *  being shrunk. */
enum { SMALL = 420, MEDIUM = 560 };

static const char *class_of(const cnn_figure *f)
{
    return f->width > MEDIUM ? "wide" : f->width > SMALL ? "medium" : "small";
}

/** The figure's tables as CSV, as gnuplot has read them. */
static void put_data(const cnn_figure *f, cnn_text *out)
{
    cnn_text csv = {0};
    cnn_text_append(out, "<details class=\"data\"><summary>Data</summary>\n");
    for (int i = 0; i < f->tables.item_count; i++) {
        const char *name = f->tables.items[i].table->name;
        cnn_text_free(&csv);
        cnn_render_csv(&f->tables, name, &csv);
        cnn_text_printf(out, "<pre class=\"csv\" data-csv=\"%s\" tabindex=\"0\">", name);
        cnn_render_html_text(out, csv.s ? csv.s : "");
        cnn_text_append(out, "</pre>\n");
        out->failed |= csv.failed;
    }
    cnn_text_append(out, "</details>\n");
    cnn_text_free(&csv);
}

static void put_figure(const cnn_figure *f, cnn_text *out)
{
    cnn_text_printf(out, "<figure id=\"figure-%s\" class=\"%s\">\n<figcaption><h3>", f->name,
                    class_of(f));
    cnn_render_html_text(out, f->title);
    cnn_text_append(out, "</h3></figcaption>\n");
    cnn_text_append(out, f->width > SMALL
                             ? "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\""
                             : "<div class=\"fit\">\n");
    if (f->width > SMALL) {
        cnn_render_html_text(out, f->title);
        cnn_text_append(out, "\">\n");
    }
    cnn_figures_svg(f, out);
    cnn_text_append(out, "</div>\n");
    if (f->note && f->note[0]) {
        cnn_text_append(out, "<p class=\"note\">");
        cnn_render_html_text(out, f->note);
        cnn_text_append(out, "</p>\n");
    }
    put_data(f, out);
    cnn_text_append(out, "</figure>\n");
}

void cnn_page_figures(const cnn_page *p, cnn_figure_section section)
{
    cnn_text_append(p->out, "<div class=\"figures\">\n");
    for (int i = 0; i < p->figures->count; i++)
        if (p->figures->items[i]->section == section)
            put_figure(p->figures->items[i], p->out);
    cnn_text_append(p->out, "</div>\n");
}
