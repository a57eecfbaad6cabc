/* SPDX-License-Identifier: Apache-2.0 */
#include "document/table.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *format_text(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *s = n < 0 ? NULL : malloc((size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, format, args);
    return s;
}

static cnn_document_item *add_item(cnn_document *d)
{
    cnn_document_item *more = realloc(d->items, (size_t)(d->item_count + 1) * sizeof *more);
    if (!more) {
        d->failed = true;
        return NULL;
    }
    d->items = more;
    d->items[d->item_count] = (cnn_document_item){0};
    return &d->items[d->item_count++];
}

static void free_table(cnn_table *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->row_count * t->column_count; i++)
        free(t->fields[i].text);
    for (int i = 0; i < t->note_count; i++)
        free(t->notes[i]);
    free(t->notes);
    for (int i = 0; i < t->hint_count; i++)
        free(t->hints[i]);
    free(t->hints);
    free(t->fields);
    free(t->row_ends);
    free(t->columns);
    free(t->name);
    free(t->title);
    free(t);
}

cnn_table *cnn_document_table(cnn_document *d, const char *name, const cnn_table_column *columns,
                              int count, const char *title_format, ...)
{
    /* has no column, so that it takes no row and is never rendered */
    static bool ignored;
    static cnn_table nowhere = {.failed = &ignored};
    va_list args;
    cnn_table *t = calloc(1, sizeof *t);
    cnn_document_item *item = t ? add_item(d) : NULL;
    if (!item) {
        d->failed = true;
        free(t);
        return &nowhere;
    }
    item->table = t;
    t->failed = &d->failed;
    va_start(args, title_format);
    t->title = format_text(title_format, args);
    va_end(args);
    t->name = cnn_strdup(name);
    t->columns = calloc((size_t)count, sizeof *t->columns);
    if (!t->title || !t->name || !t->columns) {
        d->failed = true;
        return t;
    }
    for (int i = 0; i < count; i++) {
        t->columns[i] = columns[i];
        if (t->columns[i].scale == 0)
            t->columns[i].scale = 1;
    }
    t->column_count = count;
    t->next = count;
    return t;
}

void cnn_document_heading(cnn_document *d, const char *format, ...)
{
    va_list args;
    cnn_document_item *item = add_item(d);
    if (!item)
        return;
    va_start(args, format);
    item->heading = format_text(format, args);
    va_end(args);
    d->failed |= !item->heading;
}

static void add_paragraph(cnn_document *d, int left_out, const char *format, va_list args)
{
    cnn_document_item *item = add_item(d);
    if (!item)
        return;
    item->left_out = left_out;
    item->paragraph = format_text(format, args);
    d->failed |= !item->paragraph;
}

void cnn_document_paragraph(cnn_document *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_paragraph(d, 0, format, args);
    va_end(args);
}

void cnn_document_hint(cnn_document *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_paragraph(d, CNN_ONLY_IN_TEXT, format, args);
    va_end(args);
}

void cnn_document_end_lead(cnn_document *d)
{
    d->lead_count = d->item_count;
}

static void reverse(cnn_document_item *items, int n)
{
    for (int i = 0; i < n / 2; i++) {
        const cnn_document_item item = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = item;
    }
}

void cnn_document_put_lead_last(cnn_document *d)
{
    reverse(d->items, d->lead_count); /* a rotation by three reversals */
    reverse(d->items + d->lead_count, d->item_count - d->lead_count);
    reverse(d->items, d->item_count);
    d->lead_count = 0;
}

cnn_status cnn_document_status(const cnn_document *d)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(!d->failed, CNN_ENOMEM, "tables of the report");
    for (int i = 0; i < d->item_count; i++) {
        const cnn_table *t = d->items[i].table;
        CNN_CHECK(!t || t->next == t->column_count, CNN_EINVAL,
                  "table '%s': row %d has not one value for each of %d columns", t->name,
                  t->row_count - 1, t->column_count);
    }
done:
    return st;
}

void cnn_document_free(cnn_document *d)
{
    for (int i = 0; i < d->item_count; i++) {
        free(d->items[i].heading);
        free(d->items[i].paragraph);
        free_table(d->items[i].table);
    }
    free(d->items);
    *d = (cnn_document){0};
}

/** Whether something can be added to the table. */
static bool usable(const cnn_table *t)
{
    return t->column_count > 0 && !*t->failed;
}

static bool make_room(cnn_table *t)
{
    const int capacity = t->capacity ? 2 * t->capacity : 16;
    cnn_table_entry *fields =
        realloc(t->fields, (size_t)capacity * (size_t)t->column_count * sizeof *fields);
    if (fields)
        t->fields = fields;
    int *ends = realloc(t->row_ends, (size_t)capacity * sizeof *ends);
    if (ends)
        t->row_ends = ends;
    if (!fields || !ends) {
        *t->failed = true;
        return false;
    }
    t->capacity = capacity;
    return true;
}

void cnn_table_row(cnn_table *t)
{
    if (!usable(t) || t->next != t->column_count) /* an unfinished row stays the last one */
        return;
    if (t->row_count == t->capacity && !make_room(t))
        return;
    for (int c = 0; c < t->column_count; c++)
        t->fields[t->row_count * t->column_count + c] = (cnn_table_entry){NULL, NAN, NAN};
    t->row_ends[t->row_count++] = 0;
    t->next = 0;
}

/** The next field of the row; NULL where the format is not the column's, or the row is full: then
 *  the row stays unfinished, which cnn_document_status reports. */
static cnn_table_entry *next_field(cnn_table *t, bool text, bool interval)
{
    if (!usable(t))
        return NULL;
    if (t->row_count == 0 || t->next >= t->column_count) {
        t->next = t->column_count + 1;
        return NULL;
    }
    const cnn_table_column *c = &t->columns[t->next];
    if ((c->format == CNN_FORMAT_TEXT) != text || c->interval != interval)
        return NULL;
    return &t->fields[(t->row_count - 1) * t->column_count + t->next++];
}

void cnn_table_text(cnn_table *t, const char *format, ...)
{
    va_list args;
    cnn_table_entry *field = next_field(t, true, false);
    if (!field)
        return;
    va_start(args, format);
    field->text = format_text(format, args);
    va_end(args);
    *t->failed |= !field->text;
}

void cnn_table_number(cnn_table *t, double x)
{
    cnn_table_entry *field = next_field(t, false, false);
    if (field)
        field->value = x;
}

void cnn_table_interval(cnn_table *t, double low, double high)
{
    cnn_table_entry *field = next_field(t, false, true);
    if (!field)
        return;
    field->low = low;
    field->value = high;
}

void cnn_table_rule(cnn_table *t)
{
    if (usable(t) && t->row_count > 0)
        t->row_ends[t->row_count - 1] = 1;
}

static void add_note(cnn_table *t, char ***notes, int *count, const char *format, va_list args)
{
    if (!usable(t))
        return;
    char **more = realloc(*notes, (size_t)(*count + 1) * sizeof *more);
    if (!more) {
        *t->failed = true;
        return;
    }
    *notes = more;
    more[*count] = format_text(format, args);
    if (more[*count])
        ++*count;
    else
        *t->failed = true;
}

void cnn_table_note(cnn_table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(t, &t->notes, &t->note_count, format, args);
    va_end(args);
}

void cnn_table_hint(cnn_table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(t, &t->hints, &t->hint_count, format, args);
    va_end(args);
}
