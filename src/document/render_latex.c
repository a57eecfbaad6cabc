/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_OF_A_PAGE = 40, LONGEST_NUMBER = 400 };

/** Text with the characters that mean something to TeX made harmless. */
static void put_escaped(cnn_text *out, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '#':
        case '$':
        case '%':
        case '&':
        case '_':
        case '{':
        case '}':
            cnn_text_printf(out, "\\%c", *s);
            break;
        case '~':
            cnn_text_append(out, "\\textasciitilde{}");
            break;
        case '^':
            cnn_text_append(out, "\\textasciicircum{}");
            break;
        case '\\':
            cnn_text_append(out, "\\textbackslash{}");
            break;
        case '<':
        case '>':
        case '|':
            cnn_text_printf(out, "$%c$", *s);
            break;
        case '"': /* a letter with dots in babel's German */
            cnn_text_append(out, "\\textquotedbl{}");
            break;
        default:
            cnn_text_append_bytes(out, s, 1);
        }
    }
}

/** A number of cnn_render_number: in math where it has a sign, an exponent or a relation. */
static void put_number(cnn_text *out, const cnn_table_column *column, double x)
{
    char s[LONGEST_NUMBER];
    cnn_render_number(column, x, s, sizeof s);
    char *number = s, *exponent = strchr(s, 'e');
    if (!strcmp(s, "-")) {
        cnn_text_append(out, "--");
        return;
    }
    if (!strcmp(s, "inf") || !strcmp(s, "-inf")) {
        cnn_text_append(out, *s == '-' ? "$-\\infty$" : "$\\infty$");
        return;
    }
    if (!exponent && *s != '-') {
        cnn_text_append(out, s);
        return;
    }
    cnn_text_append(out, "$");
    if (!strncmp(number, "< ", 2)) {
        cnn_text_append(out, "<");
        number += 2;
    }
    if (exponent) {
        *exponent = '\0';
        if (strcmp(number, "1") != 0) /* 10^{-300}, not 1 x 10^{-300} */
            cnn_text_printf(out, "%s\\times", number);
        cnn_text_printf(out, "10^{%ld}", strtol(exponent + 1, NULL, 10));
    } else {
        cnn_text_append(out, number);
    }
    cnn_text_append(out, "$");
}

static void put_field(cnn_text *out, const cnn_table_column *column, const cnn_table_entry *f)
{
    if (column->format == CNN_FORMAT_TEXT) {
        put_escaped(out, f->text ? f->text : "--");
    } else if (column->interval && !(isnan(f->low) && isnan(f->value))) {
        cnn_text_append(out, "{[}"); /* [ after \\ would be an optional argument */
        put_number(out, column, f->low);
        cnn_text_append(out, ", ");
        put_number(out, column, f->value);
        cnn_text_append(out, "]");
    } else {
        put_number(out, column, f->value);
    }
}

static bool is_shown(const cnn_table_column *column)
{
    return !(column->left_out & CNN_NOT_IN_LATEX);
}

static void put_alignment(cnn_text *out, const cnn_table *t)
{
    cnn_text_append(out, "{");
    for (int c = 0; c < t->column_count; c++)
        if (is_shown(&t->columns[c]))
            cnn_text_append(out, t->columns[c].wrap                        ? "p{0.4\\linewidth}"
                                 : t->columns[c].format == CNN_FORMAT_TEXT ? "l"
                                                                           : "r");
    cnn_text_append(out, "}\n");
}

static void put_titles(cnn_text *out, const cnn_table *t)
{
    const char *before = "";
    cnn_text_append(out, "\\toprule\n");
    if (t->headless)
        return;
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        if (!is_shown(column))
            continue;
        cnn_text_append(out, before);
        before = " & ";
        put_escaped(out, column->title);
        if (column->unit && *column->unit) {
            cnn_text_append(out, " (");
            put_escaped(out, column->unit);
            cnn_text_append(out, ")");
        }
    }
    cnn_text_append(out, " \\\\\n\\midrule\n");
}

static void put_rows(cnn_text *out, const cnn_table *t)
{
    for (int r = 0; r < t->row_count; r++) {
        const char *before = "";
        for (int c = 0; c < t->column_count; c++) {
            if (!is_shown(&t->columns[c]))
                continue;
            cnn_text_append(out, before);
            before = " & ";
            put_field(out, &t->columns[c], cnn_table_field(t, r, c));
        }
        cnn_text_append(out, " \\\\\n");
        if (t->row_ends[r] && r + 1 < t->row_count)
            cnn_text_append(out, "\\midrule\n");
    }
}

static void put_caption(cnn_text *out, const cnn_table *t, int number)
{
    cnn_text_append(out, "\\caption{");
    put_escaped(out, t->title);
    for (int i = 0; i < t->note_count; i++) {
        cnn_text_append(out, i || !ispunct((unsigned char)t->title[strlen(t->title) - 1])
                                 ? (i ? " " : ". ")
                                 : " ");
        put_escaped(out, t->notes[i]);
    }
    cnn_text_printf(out, "}\n\\label{tab:%s", t->name);
    if (number > 1)
        cnn_text_printf(out, "-%d", number);
    cnn_text_append(out, "}");
}

static void put_table(cnn_text *out, const cnn_table *t, int number)
{
    const bool is_long = t->row_count > ROWS_OF_A_PAGE;
    if (is_long) {
        cnn_text_append(out, "\n\\begin{longtable}");
        put_alignment(out, t);
        put_caption(out, t, number);
        cnn_text_append(out, "\\\\\n");
        put_titles(out, t);
        cnn_text_append(out, "\\endhead\n\\bottomrule\n\\endfoot\n");
        put_rows(out, t);
        cnn_text_append(out, "\\end{longtable}\n");
        return;
    }
    cnn_text_append(out, "\n\\begin{table}\n\\centering\\small\n");
    put_caption(out, t, number);
    cnn_text_append(out, "\n\\begin{tabular}");
    put_alignment(out, t);
    put_titles(out, t);
    put_rows(out, t);
    cnn_text_append(out, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

/** Which of the tables with its name an item is, from 1. */
static int number_of(const cnn_document *d, int item)
{
    int number = 0;
    for (int i = 0; i <= item; i++)
        if (d->items[i].table && d->items[i].table->row_count &&
            !strcmp(d->items[i].table->name, d->items[item].table->name))
            number++;
    return number;
}

static bool is_wanted(const cnn_table *t, const char *name)
{
    return t && t->row_count && !(t->left_out & CNN_NOT_IN_LATEX) &&
           (!name || !strcmp(t->name, name));
}

void cnn_render_latex(const cnn_document *d, const char *name, cnn_text *out)
{
    cnn_text_append(out, "% \\usepackage{booktabs,longtable}\n");
    for (int i = 0; i < d->item_count; i++) {
        const cnn_document_item *item = &d->items[i];
        if (is_wanted(item->table, name)) {
            put_table(out, item->table, number_of(d, i));
        } else if (item->heading && !name) {
            cnn_text_append(out, "\n\\subsection*{");
            put_escaped(out, item->heading);
            cnn_text_append(out, "}\n");
        } else if (item->paragraph && !name) {
            cnn_text_append(out, "\n");
            put_escaped(out, item->paragraph);
            cnn_text_append(out, "\n");
        }
    }
}
