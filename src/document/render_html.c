/* SPDX-License-Identifier: Apache-2.0 */
/* HTML in the syntax of XML, so that xmllint reads it. */
#include "document/render.h"

#include "base/printable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cnn_render_html_text(cnn_text *out, const char *s)
{
    char shown[5];
    while (*s) {
        s += cnn_show_character(s, true, shown);
        switch (shown[0]) {
        case '&':
            cnn_text_append(out, "&amp;");
            break;
        case '<':
            cnn_text_append(out, "&lt;");
            break;
        case '>':
            cnn_text_append(out, "&gt;");
            break;
        case '"':
            cnn_text_append(out, "&quot;");
            break;
        case '\'':
            cnn_text_append(out, "&#39;");
            break;
        default:
            cnn_text_append(out, shown);
        }
    }
}

/** The n bytes of a line; what stands between two backquotes is code. */
static void put_line(cnn_text *out, const char *s, size_t n)
{
    char *line = cnn_strndup(s, n), *rest = line;
    out->failed |= !line;
    for (bool is_code = false; rest; is_code = !is_code) {
        char *end = strchr(rest, '`');
        const bool ends = end && (is_code || strchr(end + 1, '`'));
        if (ends)
            *end = '\0';
        cnn_text_append(out, is_code ? "<code>" : "");
        cnn_render_html_text(out, rest);
        cnn_text_append(out, is_code ? "</code>" : "");
        rest = ends ? end + 1 : NULL;
    }
    free(line);
}

void cnn_render_html_paragraph(cnn_text *out, const char *s)
{
    bool in_list = false, in_paragraph = false;
    while (*s) {
        const size_t n = strcspn(s, "\n");
        const bool is_item = !strncmp(s, "- ", 2);
        if (is_item) {
            cnn_text_append(out, in_paragraph ? "</p>\n" : "");
            cnn_text_append(out, in_list ? "<li>" : "<ul>\n<li>");
            put_line(out, s + 2, n - 2);
            cnn_text_append(out, "</li>\n");
            in_list = true;
            in_paragraph = false;
        } else if (n) {
            cnn_text_append(out, in_list ? "</ul>\n<p>" : in_paragraph ? "\n" : "<p>");
            put_line(out, s, n);
            in_paragraph = true;
            in_list = false;
        }
        s += n + (s[n] == '\n');
    }
    cnn_text_append(out, in_list ? "</ul>\n" : in_paragraph ? "</p>\n" : "");
}

static bool is_shown(const cnn_table_column *c)
{
    return !(c->left_out & CNN_NOT_IN_TEXT);
}

static void put_head(cnn_text *out, const cnn_table *t)
{
    cnn_text_append(out, "<thead><tr>");
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        if (!is_shown(column))
            continue;
        cnn_text_printf(out, "<th scope=\"col\" data-n=\"%s\"%s>", column->name,
                        column->interval                    ? " class=\"interval\""
                        : column->format == CNN_FORMAT_TEXT ? ""
                                                            : " class=\"number\"");
        cnn_render_html_text(out, column->title[0] ? column->title : column->name);
        if (column->unit && column->unit[0]) {
            cnn_text_append(out, " <small>");
            cnn_render_html_text(out, column->unit);
            cnn_text_append(out, "</small>");
        }
        cnn_text_append(out, "</th>");
    }
    cnn_text_append(out, "</tr></thead>\n");
}

/** A number as it is shown, with every digit beside it. */
static void put_number(cnn_text *out, const cnn_table_column *column, const cnn_table_entry *field)
{
    char shown[64], low[64];
    cnn_text_append(out, "<td class=\"number\" data-v=\"");
    cnn_render_csv_number(out, column->interval ? field->low : field->value);
    cnn_text_append(out, "\"");
    if (column->interval) {
        cnn_text_append(out, " data-w=\"");
        cnn_render_csv_number(out, field->value);
        cnn_text_append(out, "\"");
    }
    cnn_text_append(out, ">");
    cnn_render_number(column, field->value, shown, sizeof shown);
    if (column->interval) {
        cnn_render_number(column, field->low, low, sizeof low);
        if (isnan(field->low) && isnan(field->value))
            cnn_text_append(out, "-");
        else
            cnn_text_printf(out, "[%s, %s]", low, shown);
    } else {
        cnn_render_html_text(out, shown);
    }
    cnn_text_append(out, "</td>");
}

static void put_row(cnn_text *out, const cnn_table *t, int row)
{
    bool first = true;
    cnn_text_append(out,
                    t->row_ends[row] && row + 1 < t->row_count ? "<tr class=\"ends\">" : "<tr>");
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        const cnn_table_entry *field = cnn_table_field(t, row, c);
        const bool is_key = first && (column->key || t->headless) && field->text && field->text[0];
        if (!is_shown(column))
            continue;
        first = false;
        if (column->format != CNN_FORMAT_TEXT) {
            put_number(out, column, field);
            continue;
        }
        cnn_text_append(out, is_key ? "<th scope=\"row\">" : "<td>");
        cnn_render_html_text(out, field->text ? field->text : "");
        cnn_text_append(out, is_key ? "</th>" : "</td>");
    }
    cnn_text_append(out, "</tr>\n");
}

void cnn_render_html_table(cnn_text *out, const cnn_table *t, int most_rows)
{
    const int rows = t->row_count < most_rows ? t->row_count : most_rows;
    cnn_text_append(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    cnn_render_html_text(out, t->title);
    cnn_text_printf(out, "\"><table data-table=\"%s\">\n", t->name);
    if (!t->headless)
        put_head(out, t);
    cnn_text_append(out, "<tbody>\n");
    for (int r = 0; r < rows; r++)
        put_row(out, t, r);
    cnn_text_append(out, "</tbody></table></div>\n");
    if (rows < t->row_count)
        cnn_text_printf(out,
                        "<p class=\"note\">The first %d of %d rows; --format csv --table %s has "
                        "all.</p>\n",
                        rows, t->row_count, t->name);
    for (int i = 0; i < t->note_count; i++) {
        cnn_text_append(out, "<p class=\"note\">");
        cnn_render_html_text(out, t->notes[i]);
        cnn_text_append(out, "</p>\n");
    }
}
