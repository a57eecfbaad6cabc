/* SPDX-License-Identifier: Apache-2.0 */
/** A document of tables and paragraphs: described once, rendered in each format
 *  (document/render.h).
 *
 *  Numbers are kept as measured; `scale` and `digits` only say how they are shown to people, so
 *  that CSV has every digit of the unscaled number. Out of memory and rows that do not fit their
 *  columns are remembered, as cnn_text does: check once, with cnn_document_status. */
#ifndef CNN_DOCUMENT_TABLE_H
#define CNN_DOCUMENT_TABLE_H

#include "base/status.h"

#include <stdbool.h>

typedef enum {
    CNN_FORMAT_TEXT,   /* left-aligned */
    CNN_FORMAT_WHOLE,  /* a whole number */
    CNN_FORMAT_FIXED,  /* `digits` decimals */
    CNN_FORMAT_DIGITS, /* `digits` significant digits, scientific where very small or large */
    CNN_FORMAT_P,      /* a probability: 4 decimals, scientific below 0.001 */
} cnn_table_format;

/** Renderings that a column, a table or a paragraph is left out of. JSON has what CSV has, Markdown
 *  what LaTeX has. */
enum { CNN_NOT_IN_TEXT = 1, CNN_NOT_IN_CSV = 2, CNN_NOT_IN_LATEX = 4 };
#define CNN_ONLY_IN_CSV  (CNN_NOT_IN_TEXT | CNN_NOT_IN_LATEX)
#define CNN_ONLY_IN_TEXT (CNN_NOT_IN_CSV | CNN_NOT_IN_LATEX)

typedef struct {
    const char *name;  /* of the column in CSV: stable, for programs */
    const char *title; /* above the column */
    const char *unit;  /* below the title; NULL or "": none */
    cnn_table_format format;
    bool interval; /* two numbers: shown as "[low, high]", in CSV NAME_low and NAME_high */
    bool key;      /* repeated where a table is too wide and is folded; keys come first */
    bool wrap;     /* TEXT, the last column: broken into lines where it is too long for one */
    int digits;
    double scale; /* of what is shown: 100 for percent; 0 counts as 1 */
    int left_out; /* CNN_NOT_IN_... */
    int drop;     /* text of a short document leaves it out where the table is wider than a line,
                     that with the highest number first; 0: never */
} cnn_table_column;

typedef struct {
    char *text;        /* TEXT; NULL: missing */
    double value, low; /* NaN: missing; low: of an interval, whose high end is value */
} cnn_table_entry;

typedef struct {
    char *
        name; /* "cells": of its CSV file; tables of one name share it, and those of their columns that have one name */
    char *title;   /* one line, above the table */
    char **notes;  /* [note_count] paragraphs under it; not in CSV */
    char **hints;  /* [hint_count] notes on the use of the program: text alone has them */
    bool headless; /* a list of keys and values: no line of column titles */
    int note_count, hint_count, column_count, row_count;
    int next;                  /* column of the last row to be filled */
    cnn_table_column *columns; /* texts are borrowed: literals */
    cnn_table_entry *fields;   /* [row_count, column_count] */
    int *row_ends;             /* [row_count] 1: a rule follows this row */
    int capacity;              /* rows that there is room for */
    int left_out;              /* CNN_NOT_IN_...: renderings that leave the table out */
    bool *failed;              /* of the document */
} cnn_table;

/** A paragraph, a heading or a table. */
typedef struct {
    char *heading, *paragraph;
    cnn_table *table;
    int left_out; /* of a paragraph: CNN_NOT_IN_... */
} cnn_document_item;

/** The first `lead_count` items are the lead: the findings, first in files and last on a terminal. */
typedef struct {
    cnn_document_item *items;
    int item_count, lead_count;
    bool is_short; /* text leaves out columns (drop) instead of folding wide tables */
    bool failed;
} cnn_document;

/** A new table at the document's end, owned by it; never NULL: without memory what is added to it
 *  goes nowhere. columns [count] are copied, their texts borrowed. */
cnn_table *cnn_document_table(cnn_document *d, const char *name, const cnn_table_column *columns,
                              int count, const char *title_format, ...)
    __attribute__((format(printf, 5, 6)));
void cnn_document_heading(cnn_document *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** A paragraph, wrapped when rendered. */
void cnn_document_paragraph(cnn_document *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** A paragraph on the use of the program: text alone has it. */
void cnn_document_hint(cnn_document *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** What has been added is the lead. */
void cnn_document_end_lead(cnn_document *d);
/** Moves the lead to the end, where a terminal still shows it. */
void cnn_document_put_lead_last(cnn_document *d);
/** CNN_ENOMEM, or CNN_EINVAL where a row did not fit the columns of its table. */
cnn_status cnn_document_status(const cnn_document *d);
void cnn_document_free(cnn_document *d);

/** Starts a row; then one value for every column, in the order of the columns. */
void cnn_table_row(cnn_table *t);
void cnn_table_text(cnn_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A number, of any format; NaN: missing. */
void cnn_table_number(cnn_table *t, double x);
void cnn_table_interval(cnn_table *t, double low, double high);
/** A rule after the last row, between groups of rows. */
void cnn_table_rule(cnn_table *t);
void cnn_table_note(cnn_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** A note on the use of the program. */
void cnn_table_hint(cnn_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The table's field, of a row and a column. */
static inline const cnn_table_entry *cnn_table_field(const cnn_table *t, int row, int column)
{
    return &t->fields[row * t->column_count + column];
}

#endif
