/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 400 };

/** Text with the characters that mean something to Markdown, HTML and GitHub's formulas escaped. */
static void put_text(cnn_text *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '&')
            cnn_text_append(out, "&amp;");
        else if (*s == '<')
            cnn_text_append(out, "&lt;");
        else if (strchr("\\`*_[]|~$#>", *s))
            cnn_text_printf(out, "\\%c", *s);
        else
            cnn_text_append_bytes(out, s, 1);
    }
}

static bool is_shown(const cnn_table_column *column)
{
    return !(column->left_out & CNN_NOT_IN_LATEX);
}

static void put_field(cnn_text *out, const cnn_table_column *column, const cnn_table_entry *f)
{
    char low[LONGEST_NUMBER], high[LONGEST_NUMBER];
    if (column->format == CNN_FORMAT_TEXT) {
        put_text(out, f->text ? f->text : "-");
        return;
    }
    cnn_render_number(column, f->value, high, sizeof high);
    if (column->interval && !(isnan(f->low) && isnan(f->value))) {
        cnn_render_number(column, f->low, low, sizeof low);
        cnn_text_printf(out, "\\[%s, %s\\]", low, high);
    } else {
        put_text(out, high);
    }
}

/** A list of keys and values has an empty head: Markdown knows no table without one. */
static void put_titles(cnn_text *out, const cnn_table *t)
{
    cnn_text_append(out, "|");
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        if (!is_shown(column))
            continue;
        cnn_text_append(out, " ");
        if (!t->headless)
            put_text(out, column->title);
        if (!t->headless && column->unit && *column->unit) {
            cnn_text_append(out, " (");
            put_text(out, column->unit);
            cnn_text_append(out, ")");
        }
        cnn_text_append(out, " |");
    }
    cnn_text_append(out, "\n|");
    for (int c = 0; c < t->column_count; c++)
        if (is_shown(&t->columns[c]))
            cnn_text_append(out, t->columns[c].format == CNN_FORMAT_TEXT ? ":--|" : "--:|");
    cnn_text_append(out, "\n");
}

static void put_table(cnn_text *out, const cnn_table *t)
{
    cnn_text_append(out, "\n**");
    put_text(out, t->title);
    cnn_text_append(out, "**\n\n");
    put_titles(out, t);
    for (int r = 0; r < t->row_count; r++) {
        cnn_text_append(out, "|");
        for (int c = 0; c < t->column_count; c++)
            if (is_shown(&t->columns[c])) {
                cnn_text_append(out, " ");
                put_field(out, &t->columns[c], cnn_table_field(t, r, c));
                cnn_text_append(out, " |");
            }
        cnn_text_append(out, "\n");
    }
    for (int i = 0; i < t->note_count; i++) {
        cnn_text_append(out, "\n");
        put_text(out, t->notes[i]);
        cnn_text_append(out, "\n");
    }
}

/** Line feeds end lines; lines that begin with "- " are a list. */
static void put_paragraph(cnn_text *out, const char *s)
{
    bool in_list = false;
    cnn_text_append(out, "\n");
    while (*s) {
        const size_t n = strcspn(s, "\n");
        const bool is_item = !strncmp(s, "- ", 2);
        char *line = cnn_strndup(s, n);
        if (is_item != in_list)
            cnn_text_append(out, "\n");
        in_list = is_item;
        put_text(out, line ? line : "");
        cnn_text_append(out, "\n");
        out->failed |= !line;
        free(line);
        s += n + (s[n] == '\n');
    }
}

void cnn_render_markdown(const cnn_document *d, const char *name, cnn_text *out)
{
    for (int i = 0; i < d->item_count; i++) {
        const cnn_document_item *item = &d->items[i];
        const cnn_table *t = item->table;
        if (t && t->row_count && !(t->left_out & CNN_NOT_IN_LATEX) &&
            (!name || !strcmp(t->name, name))) {
            put_table(out, t);
        } else if (item->heading && !name) {
            cnn_text_append(out, out->len ? "\n## " : "## ");
            put_text(out, item->heading);
            cnn_text_append(out, "\n");
        } else if (item->paragraph && !name && !(item->left_out & CNN_NOT_IN_LATEX)) {
            put_paragraph(out, item->paragraph);
        }
    }
}
