/* SPDX-License-Identifier: Apache-2.0 */
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

/** A column of all tables of a name. */
typedef struct {
    const char *name;
    bool interval;
} csv_column;

/** Tables of one name: their columns, in the order in which they first appear. */
typedef struct {
    const cnn_document *d;
    const char *name;
    csv_column *columns;
    int count;
} csv_file;

static const cnn_table *table_at(const csv_file *f, int item)
{
    const cnn_table *t = f->d->items[item].table;
    return t && !(t->left_out & CNN_NOT_IN_CSV) && !strcmp(t->name, f->name) ? t : NULL;
}

static bool is_of(const cnn_table_column *column, const csv_column *c)
{
    return !(column->left_out & CNN_NOT_IN_CSV) && column->interval == c->interval &&
           !strcmp(column->name, c->name);
}

static void add_column(csv_file *f, const cnn_table_column *column)
{
    for (int i = 0; i < f->count; i++)
        if (is_of(column, &f->columns[i]))
            return;
    f->columns[f->count++] = (csv_column){column->name, column->interval};
}

static bool gather(csv_file *f)
{
    size_t most = 0;
    for (int i = 0; i < f->d->item_count; i++)
        most += table_at(f, i) ? (size_t)table_at(f, i)->column_count : 0;
    f->columns = calloc(most + 1, sizeof *f->columns);
    for (int i = 0; f->columns && i < f->d->item_count; i++) {
        const cnn_table *t = table_at(f, i);
        for (int c = 0; t && c < t->column_count; c++)
            if (!(t->columns[c].left_out & CNN_NOT_IN_CSV))
                add_column(f, &t->columns[c]);
    }
    return f->columns != NULL;
}

static void put_names(cnn_text *out, const csv_file *f)
{
    for (int i = 0; i < f->count; i++) {
        const csv_column *c = &f->columns[i];
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

/** place: of each column of the file in the table; -1: the table lacks it. */
static void put_row(cnn_text *out, const csv_file *f, const cnn_table *t, const int *place, int row)
{
    for (int i = 0; i < f->count; i++) {
        cnn_text_append(out, i ? "," : "");
        if (place[i] >= 0)
            put_field(out, &t->columns[place[i]], cnn_table_field(t, row, place[i]));
        else if (f->columns[i].interval)
            cnn_text_append(out, ",");
    }
    cnn_text_append(out, "\n");
}

static void put_rows(cnn_text *out, const csv_file *f, const cnn_table *t)
{
    int *place = calloc((size_t)f->count + 1, sizeof *place);
    out->failed |= !place;
    for (int i = 0; place && i < f->count; i++) {
        place[i] = -1;
        for (int c = 0; c < t->column_count; c++)
            if (is_of(&t->columns[c], &f->columns[i]))
                place[i] = c;
    }
    for (int r = 0; place && r < t->row_count; r++)
        put_row(out, f, t, place, r);
    free(place);
}

void cnn_render_csv(const cnn_document *d, const char *name, cnn_text *out)
{
    csv_file f = {.d = d, .name = name};
    if (!gather(&f)) {
        out->failed = true;
        return;
    }
    if (f.count)
        put_names(out, &f);
    for (int i = 0; i < d->item_count; i++)
        if (table_at(&f, i))
            put_rows(out, &f, table_at(&f, i));
    free(f.columns);
}
