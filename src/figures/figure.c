/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/figure.h"

#include "figures/script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *format_text(const char *format, va_list args)
{
    char *s = NULL;
    return vasprintf(&s, format, args) < 0 ? NULL : s;
}

static void free_figure(cnn_figure *f)
{
    free(f->name);
    free(f->title);
    free(f->alt);
    free(f->note);
    free(f->svg);
    cnn_document_free(&f->tables);
    cnn_text_free(&f->script);
    free(f);
}

cnn_figure *cnn_figures_add(cnn_figures *figures, cnn_figure_section section, int width, int height,
                            const char *name_format, ...)
{
    va_list args;
    cnn_figure **more = realloc(figures->items, (size_t)(figures->count + 1) * sizeof *more);
    if (more)
        figures->items = more;
    cnn_figure *f = more ? calloc(1, sizeof *f) : NULL;
    if (!f) {
        figures->failed = true;
        return NULL;
    }
    *f = (cnn_figure){.section = section, .width = width, .height = height};
    figures->items[figures->count++] = f;
    va_start(args, name_format);
    f->name = format_text(name_format, args);
    va_end(args);
    if (!f->name) {
        figures->failed = true;
        return f;
    }
    for (char *c = f->name; *c; c++)
        *c = isalnum((unsigned char)*c) ? *c : '_';
    cnn_script_start(f);
    return f;
}

#define SET_TEXT(member)                                                                           \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    free(f->member);                                                                               \
    f->member = format_text(format, args);                                                         \
    va_end(args);                                                                                  \
    f->tables.failed |= !f->member;

void cnn_figure_title(cnn_figure *f, const char *format, ...)
{
    SET_TEXT(title)
}

void cnn_figure_alt(cnn_figure *f, const char *format, ...)
{
    SET_TEXT(alt)
}

void cnn_figure_note(cnn_figure *f, const char *format, ...){SET_TEXT(note)}

cnn_table *cnn_figure_table(cnn_figure *f, const char *part, const cnn_table_column *columns,
                            int count)
{
    char name[256];
    snprintf(name, sizeof name, "%s%s%s", f->name ? f->name : "", part ? "_" : "",
             part ? part : "");
    return cnn_document_table(&f->tables, name, columns, count, "%s", name);
}

cnn_status cnn_figures_status(const cnn_figures *figures)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(!figures->failed, CNN_ENOMEM, "figures of the report");
    for (int i = 0; i < figures->count; i++) {
        const cnn_figure *f = figures->items[i];
        CNN_TRY(cnn_text_status(&f->script));
        CNN_TRY(cnn_document_status(&f->tables));
        CNN_CHECK(f->title && f->alt && f->tables.item_count, CNN_EINVAL,
                  "figure '%s' lacks its title, its description or its data", f->name);
    }
done:
    return st;
}

void cnn_figures_free(cnn_figures *figures)
{
    for (int i = 0; i < figures->count; i++)
        free_figure(figures->items[i]);
    free(figures->items);
    *figures = (cnn_figures){0};
}
