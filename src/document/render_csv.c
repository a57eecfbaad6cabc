/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void cnn_render_csv_text(cnn_text *out, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        cnn_text_append(out, s);
        return;
    }
    cnn_text_append(out, "\"");
    while (*s) {
        const size_t n = strcspn(s, "\"");
        cnn_text_append_bytes(out, s, n);
        s += n;
        if (*s == '"') {
            cnn_text_append(out, "\"\"");
            s++;
        }
    }
    cnn_text_append(out, "\"");
}

void cnn_render_csv_number(cnn_text *out, double x)
{
    char s[32];
    if (isnan(x))
        return;
    if (x == rint(x) && fabs(x) < 1e15)
        snprintf(s, sizeof s, "%.0f", x == 0 ? 0.0 : x);
    else
        snprintf(s, sizeof s, "%.17g", x);
    cnn_text_append(out, s);
}

static void put_names(cnn_text *out, const cnn_table *t)
{
    const char *before = "";
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        if (column->left_out & CNN_NOT_IN_CSV)
            continue;
        if (column->interval)
            cnn_text_printf(out, "%s%s_low,%s_high", before, column->name, column->name);
        else
            cnn_text_printf(out, "%s%s", before, column->name);
        before = ",";
    }
    cnn_text_append(out, "\n");
}

static void put_row(cnn_text *out, const cnn_table *t, int row)
{
    const char *before = "";
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        const cnn_table_entry *field = cnn_table_field(t, row, c);
        if (column->left_out & CNN_NOT_IN_CSV)
            continue;
        cnn_text_append(out, before);
        before = ",";
        if (column->format == CNN_FORMAT_TEXT) {
            cnn_render_csv_text(out, field->text ? field->text : "");
            continue;
        }
        if (column->interval) {
            cnn_render_csv_number(out, field->low);
            cnn_text_append(out, ",");
        }
        cnn_render_csv_number(out, field->value);
    }
    cnn_text_append(out, "\n");
}

void cnn_render_csv(const cnn_document *d, const char *name, cnn_text *out)
{
    bool named = false;
    for (int i = 0; i < d->item_count; i++) {
        const cnn_table *t = d->items[i].table;
        if (!t || (t->left_out & CNN_NOT_IN_CSV) || strcmp(t->name, name) != 0)
            continue;
        if (!named)
            put_names(out, t);
        named = true;
        for (int r = 0; r < t->row_count; r++)
            put_row(out, t, r);
    }
}
