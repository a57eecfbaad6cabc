/* SPDX-License-Identifier: Apache-2.0 */
#include "document/joined.h"
#include "document/render.h"

#include <math.h>
#include <string.h>

static const char *type_of(const cnn_table_column *column)
{
    return column->format == CNN_FORMAT_TEXT    ? "string"
           : column->format == CNN_FORMAT_WHOLE ? "integer"
                                                : "number";
}

/** Of the number as it is kept: a share that people see as a percentage has the unit 1; "": none. */
static const char *unit_of(const cnn_table_column *column)
{
    return column->scale == 100 ? "1" : column->unit ? column->unit : "";
}

/** The unit of a joined column; "": none, or that of the row's measure. */
static const char *joined_unit(const cnn_joined *joined, int column)
{
    const char *unit = unit_of(joined->columns[column]);
    for (int i = 0; i < joined->d->item_count; i++) {
        const cnn_table *t = cnn_joined_table(joined, i);
        const int place = t ? cnn_joined_place(joined, t, column) : -1;
        if (place >= 0 && strcmp(unit_of(&t->columns[place]), unit) != 0)
            return "";
    }
    return unit;
}

static void put_column(cnn_text *out, const cnn_joined *joined, int column, const char *end)
{
    const cnn_table_column *c = joined->columns[column];
    const char *unit = joined_unit(joined, column);
    cnn_text_append(out, column || !strcmp(end, "_high") ? ",\n     " : "\n     ");
    cnn_text_printf(out, "{\"name\": \"%s%s\", \"type\": \"%s\"", c->name, end, type_of(c));
    if (*unit) {
        cnn_text_append(out, ", \"unit\": ");
        cnn_text_append_json(out, unit);
    }
    cnn_text_append(out, "}");
}

static void put_columns(cnn_text *out, const cnn_joined *joined)
{
    cnn_text_append(out, "\n    \"columns\": [");
    for (int i = 0; i < joined->count; i++) {
        if (joined->columns[i]->interval)
            put_column(out, joined, i, "_low");
        put_column(out, joined, i, joined->columns[i]->interval ? "_high" : "");
    }
    cnn_text_append(out, "],");
}

static void put_number(cnn_text *out, double x)
{
    if (isinf(x))
        cnn_text_append(out, x < 0 ? "\"-inf\"" : "\"inf\"");
    else
        cnn_text_append_json_number(out, x);
}

static void put_field(cnn_text *out, const cnn_table_column *c, const cnn_table_entry *field)
{
    if (c->format == CNN_FORMAT_TEXT) {
        cnn_text_printf(out, "\"%s\": ", c->name);
        if (field->text)
            cnn_text_append_json(out, field->text);
        else
            cnn_text_append(out, "null");
        return;
    }
    if (c->interval) {
        cnn_text_printf(out, "\"%s_low\": ", c->name);
        put_number(out, field->low);
        cnn_text_append(out, ", ");
    }
    cnn_text_printf(out, "\"%s%s\": ", c->name, c->interval ? "_high" : "");
    put_number(out, field->value);
}

/** A row has the columns of its own table. */
static void put_row(cnn_text *out, const cnn_table *t, int row)
{
    const char *before = "";
    cnn_text_append(out, "{");
    for (int c = 0; c < t->column_count; c++) {
        if (t->columns[c].left_out & CNN_NOT_IN_CSV)
            continue;
        cnn_text_append(out, before);
        before = ", ";
        put_field(out, &t->columns[c], cnn_table_field(t, row, c));
    }
    cnn_text_append(out, "}");
}

static void put_table(cnn_text *out, const cnn_document *d, const char *name)
{
    cnn_joined joined;
    const char *before = "\n     ";
    if (!cnn_joined_make(d, name, &joined)) {
        out->failed = true;
        return;
    }
    cnn_text_printf(out, "\n   \"%s\": {", name);
    put_columns(out, &joined);
    cnn_text_append(out, "\n    \"rows\": [");
    for (int i = 0; i < d->item_count; i++) {
        const cnn_table *t = cnn_joined_table(&joined, i);
        for (int r = 0; t && r < t->row_count; r++) {
            cnn_text_append(out, before);
            before = ",\n     ";
            put_row(out, t, r);
        }
    }
    cnn_text_append(out, "]}");
    cnn_joined_free(&joined);
}

/** Whether an item is a table that CSV has, the first of its name. */
static bool is_first(const cnn_document *d, int item)
{
    const cnn_table *t = d->items[item].table;
    if (!t || t->left_out & CNN_NOT_IN_CSV)
        return false;
    for (int i = 0; i < item; i++) {
        const cnn_table *earlier = d->items[i].table;
        if (earlier && !(earlier->left_out & CNN_NOT_IN_CSV) && !strcmp(earlier->name, t->name))
            return false;
    }
    return true;
}

static void put_findings(cnn_text *out, const cnn_document *d)
{
    const char *before = "\n   ";
    cnn_text_append(out, "\n  \"findings\": [");
    for (int i = 0; i < d->lead_count; i++) {
        const cnn_document_item *item = &d->items[i];
        if (!item->paragraph || item->left_out & CNN_NOT_IN_CSV)
            continue;
        cnn_text_append(out, before);
        before = ",\n   ";
        cnn_text_append_json(out, item->paragraph);
    }
    cnn_text_append(out, "],");
}

void cnn_render_json(const cnn_document *d, const char *name, cnn_text *out)
{
    bool is_later = false;
    cnn_text_printf(out, "{\"format\": \"cnnmpi-report\", \"version\": %d,", CNN_JSON_VERSION);
    put_findings(out, d);
    cnn_text_append(out, "\n  \"tables\": {");
    for (int i = 0; i < d->item_count; i++) {
        if (!is_first(d, i) || (name && strcmp(d->items[i].table->name, name) != 0))
            continue;
        cnn_text_append(out, is_later ? "," : "");
        is_later = true;
        put_table(out, d, d->items[i].table->name);
    }
    cnn_text_append(out, "}}\n");
}
