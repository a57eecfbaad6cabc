/* SPDX-License-Identifier: Apache-2.0 */
#include "document/joined.h"
#include "document/render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Whether a spreadsheet would take a text for a formula. */
static bool is_formula(const char *s)
{
    double number;
    return strchr("=+-@\t\r", *s) && *s && !cnn_parse_real(s, &number);
}

void cnn_render_csv_text(cnn_text *out, const char *s)
{
    const char *before = is_formula(s) ? "'" : "";
    if (!strpbrk(s, ",\"\r\n")) {
        cnn_text_printf(out, "%s%s", before, s);
        return;
    }
    cnn_text_printf(out, "\"%s", before);
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

static void put_names(cnn_text *out, const cnn_joined *joined)
{
    for (int i = 0; i < joined->count; i++) {
        const cnn_table_column *c = joined->columns[i];
        cnn_text_append(out, i ? "," : "");
        if (c->interval)
            cnn_text_printf(out, "%s_low,%s_high", c->name, c->name);
        else
            cnn_text_append(out, c->name);
    }
    cnn_text_append(out, "\n");
}

static void put_field(cnn_text *out, const cnn_table_column *column, const cnn_table_entry *field)
{
    if (column->format == CNN_FORMAT_TEXT) {
        cnn_render_csv_text(out, field->text ? field->text : "");
        return;
    }
    if (column->interval) {
        cnn_render_csv_number(out, field->low);
        cnn_text_append(out, ",");
    }
    cnn_render_csv_number(out, field->value);
}

/** place [joined->count]: of each column in the table. */
static void put_row(cnn_text *out, const cnn_joined *joined, const cnn_table *t, const int *place,
                    int row)
{
    for (int i = 0; i < joined->count; i++) {
        cnn_text_append(out, i ? "," : "");
        if (place[i] >= 0)
            put_field(out, &t->columns[place[i]], cnn_table_field(t, row, place[i]));
        else if (joined->columns[i]->interval)
            cnn_text_append(out, ",");
    }
    cnn_text_append(out, "\n");
}

static void put_rows(cnn_text *out, const cnn_joined *joined, const cnn_table *t)
{
    int *place = calloc((size_t)joined->count + 1, sizeof *place);
    out->failed |= !place;
    for (int i = 0; place && i < joined->count; i++)
        place[i] = cnn_joined_place(joined, t, i);
    for (int r = 0; place && r < t->row_count; r++)
        put_row(out, joined, t, place, r);
    free(place);
}

void cnn_render_csv(const cnn_document *d, const char *name, cnn_text *out)
{
    cnn_joined joined;
    if (!cnn_joined_make(d, name, &joined)) {
        out->failed = true;
        return;
    }
    if (joined.count)
        put_names(out, &joined);
    for (int i = 0; i < d->item_count; i++)
        if (cnn_joined_table(&joined, i))
            put_rows(out, &joined, cnn_joined_table(&joined, i));
    cnn_joined_free(&joined);
}
