/* SPDX-License-Identifier: Apache-2.0 */
#include "document/latex.h"
#include "document/render.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Points. The text of an A4 article is 345 wide, a column of IEEEtran 252. Lines per float: a page of
 * the article has 62 of them, less caption and notes. */
enum { TEXT_WIDTH = 340, COLUMN_WIDTH = 235, SEPARATION = 6, NARROW_TEXT = 62, LINES = 44 };
enum { FLOATS_TO_A_PAGE_BREAK = 10 };

/** Some columns of a table that fit the width of a page. */
typedef struct {
    const cnn_table *t;
    int count;
    int *columns;   /* [count] of the table */
    double *widths; /* [t->column_count] natural, points */
    double rest;    /* width of each column that is broken into lines; 0: none is */
} layout;

static bool is_shown(const cnn_table_column *column)
{
    return !(column->left_out & CNN_NOT_IN_LATEX);
}

static double max_of(double a, double b)
{
    return a > b ? a : b;
}

/** Natural widths of all columns. */
static void measure(const cnn_table *t, double *widths)
{
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        widths[c] = t->headless ? 0 : cnn_latex_text_width(column->title);
        if (column->unit && !t->headless)
            widths[c] = max_of(widths[c], 7 + cnn_latex_text_width(column->unit));
        for (int r = 0; r < t->row_count; r++)
            widths[c] = max_of(widths[c], cnn_latex_field_width(column, cnn_table_field(t, r, c)));
    }
}

/** Whether a column is broken into lines where there is no room. */
static bool breaks(const layout *l, int column)
{
    return l->t->columns[column].format == CNN_FORMAT_TEXT && l->widths[column] > NARROW_TEXT;
}

static double least_width(const layout *l, int column)
{
    return SEPARATION + (breaks(l, column) ? NARROW_TEXT : l->widths[column]);
}

/** Takes the key columns and those of the others, from *next on, that fit a page; at least one.
 *  Returns whether there are more. */
static bool choose_columns(layout *l, int *next)
{
    const cnn_table *t = l->t;
    double width = 0;
    bool others = false;
    l->count = 0;
    for (int c = 0; c < t->column_count; c++) {
        const bool is_key = t->columns[c].key;
        if (!is_shown(&t->columns[c]) || (!is_key && c < *next))
            continue;
        if (!is_key && others && width + least_width(l, c) > TEXT_WIDTH)
            return true;
        width += least_width(l, c);
        l->columns[l->count++] = c;
        if (!is_key) {
            others = true;
            *next = c + 1;
        }
    }
    *next = t->column_count;
    return false;
}

/** Divides what the columns of one line leave of the page among those that are broken. */
static void divide_width(layout *l)
{
    double fixed = 0, natural = 0;
    int broken = 0;
    for (int i = 0; i < l->count; i++) {
        natural += SEPARATION + l->widths[l->columns[i]];
        broken += breaks(l, l->columns[i]);
        fixed += SEPARATION + (breaks(l, l->columns[i]) ? 0 : l->widths[l->columns[i]]);
    }
    l->rest = natural <= TEXT_WIDTH || !broken ? 0 : (TEXT_WIDTH - fixed) / broken;
}

static bool is_narrow(const layout *l)
{
    double natural = 0;
    for (int i = 0; i < l->count; i++)
        natural += SEPARATION + l->widths[l->columns[i]];
    return natural <= COLUMN_WIDTH;
}

/** Whether the row repeats this key column and those before it from the row above. */
static bool repeats(const layout *l, int row, int place)
{
    const cnn_table *t = l->t;
    if (row == 0 || place + 1 >= l->count || !t->columns[l->columns[place + 1]].key)
        return false;
    for (int i = 0; i <= place; i++) {
        const char *here = cnn_table_field(t, row, l->columns[i])->text;
        const char *above = cnn_table_field(t, row - 1, l->columns[i])->text;
        if (!here || !above || strcmp(here, above) != 0)
            return false;
    }
    return true;
}

/** Lines that a row takes. */
static int lines_of(const layout *l, int row)
{
    double most = 1;
    for (int i = 0; i < l->count && l->rest > 0; i++) {
        const int c = l->columns[i];
        if (breaks(l, c))
            most = max_of(
                most, ceil(1.15 *
                           cnn_latex_field_width(&l->t->columns[c], cnn_table_field(l->t, row, c)) /
                           l->rest));
    }
    return (int)most;
}

static void put_alignment(cnn_text *out, const layout *l)
{
    cnn_text_append(out, "{@{}");
    for (int i = 0; i < l->count; i++) {
        const int c = l->columns[i];
        if (l->rest > 0 && breaks(l, c))
            cnn_text_append(out, ">{\\raggedright\\arraybackslash}X");
        else
            cnn_text_append(out, l->t->columns[c].format == CNN_FORMAT_TEXT ? "l" : "r");
    }
    cnn_text_append(out, "@{}}\n");
}

/** Titles, and units beneath where there are any. */
static void put_titles(cnn_text *out, const layout *l)
{
    bool has_units = false;
    if (l->t->headless)
        return;
    for (int i = 0; i < l->count; i++) {
        const cnn_table_column *column = &l->t->columns[l->columns[i]];
        cnn_text_append(out, i ? " & " : "");
        cnn_latex_put_text(out, column->title);
        has_units |= column->unit && *column->unit;
    }
    cnn_text_append(out, " \\\\\n");
    for (int i = 0; has_units && i < l->count; i++) {
        const cnn_table_column *column = &l->t->columns[l->columns[i]];
        cnn_text_append(out, i ? " & " : "");
        if (!column->unit || !*column->unit)
            continue;
        cnn_text_append(out, "(");
        cnn_latex_put_text(out, column->unit);
        cnn_text_append(out, ")");
    }
    cnn_text_append(out, has_units ? " \\\\\n\\midrule\n" : "\\midrule\n");
}

static void put_rows(cnn_text *out, const layout *l, int first, int end)
{
    for (int r = first; r < end; r++) {
        for (int i = 0; i < l->count; i++) {
            const int c = l->columns[i];
            cnn_text_append(out, i ? " & " : "");
            if (r == first || !repeats(l, r, i))
                cnn_latex_put_field(out, &l->t->columns[c], cnn_table_field(l->t, r, c));
        }
        cnn_text_append(out, " \\\\\n");
        if (l->t->row_ends[r] && r + 1 < end)
            cnn_text_append(out, "\\addlinespace\n");
    }
}

/** Rows first .. end - 1 of the layout's columns. */
static void put_tabular(cnn_text *out, const layout *l, int first, int end)
{
    const char *name = l->rest > 0 ? "tabularx" : "tabular";
    cnn_text_printf(out, "\\begin{%s}%s", name, l->rest > 0 ? "{\\textwidth}" : "");
    put_alignment(out, l);
    cnn_text_append(out, "\\toprule\n");
    put_titles(out, l);
    put_rows(out, l, first, end);
    cnn_text_printf(out, "\\bottomrule\n\\end{%s}\\par\n", name);
}

/* ---- floats --------------------------------------------------------------------------------- */

/** A table on its way into floats. */
typedef struct {
    cnn_text *out;
    const cnn_table *t;
    const char *environment;
    int number; /* among the tables of its name, from 1 */
    int floats; /* that have begun, of the whole document */
    int parts;  /* of this table */
    int lines;  /* in the float that is open; 0: none is */
} writer;

/** A paragraph under the table. */
static void put_notes(writer *w)
{
    if (!w->t->note_count)
        return;
    cnn_text_append(w->out, "\\smallskip\\raggedright\n");
    for (int i = 0; i < w->t->note_count; i++) {
        cnn_latex_put_text(w->out, w->t->notes[i]);
        cnn_text_append(w->out, "\n");
    }
}

static void end_float(writer *w)
{
    if (w->lines)
        cnn_text_printf(w->out, "\\end{%s}\n", w->environment);
    w->lines = 0;
}

static void begin_float(writer *w)
{
    if (w->floats && w->floats % FLOATS_TO_A_PAGE_BREAK == 0)
        cnn_text_append(w->out, "\\clearpage\n");
    cnn_text_printf(w->out, "\n\\begin{%s}[!htbp]\n", w->environment);
    if (w->parts)
        cnn_text_append(w->out, "\\addtocounter{table}{-1}");
    cnn_text_append(w->out, "\\caption{");
    cnn_latex_put_text(w->out, w->t->title);
    cnn_text_append(w->out, w->parts ? " (continued)}\n" : "}\n");
    if (!w->parts) {
        cnn_text_printf(w->out, "\\label{tab:%s", w->t->name);
        if (w->number > 1)
            cnn_text_printf(w->out, "-%d", w->number);
        cnn_text_append(w->out, "}\n");
    }
    cnn_text_append(
        w->out,
        "\\smallskip\\centering\\fontsize{8}{9.5}\\selectfont\\setlength{\\tabcolsep}{3pt}\n");
    w->floats++;
    w->parts++;
    w->lines = 1;
}

/** The rows, as many in a float as a page has room for. */
static void put_layout(writer *w, const layout *l)
{
    enum { HEAD = 4 };
    int all = HEAD;
    for (int r = 0; r < l->t->row_count; r++)
        all += lines_of(l, r);
    if (w->lines + all > LINES) /* under other columns only as a whole */
        end_float(w);
    for (int first = 0, end; first < l->t->row_count; first = end) {
        int lines = HEAD;
        if (first > 0)
            end_float(w);
        for (end = first; end < l->t->row_count; end++) {
            const int more = lines_of(l, end);
            if (end > first && w->lines + lines + more > LINES)
                break;
            lines += more;
        }
        if (w->lines)
            cnn_text_append(w->out, "\\medskip\n");
        else
            begin_float(w);
        put_tabular(w->out, l, first, end);
        w->lines += lines;
    }
}

static void put_table(writer *w)
{
    layout l = {.t = w->t};
    int next = 0;
    l.columns = calloc((size_t)w->t->column_count + 1, sizeof *l.columns);
    l.widths = calloc((size_t)w->t->column_count + 1, sizeof *l.widths);
    if (!l.columns || !l.widths) {
        w->out->failed = true;
    } else {
        measure(w->t, l.widths);
        for (bool more = true; more;) {
            const bool is_first = next == 0;
            more = choose_columns(&l, &next);
            divide_width(&l);
            if (is_first)
                w->environment = !more && is_narrow(&l) ? "table" : "table*";
            put_layout(w, &l);
        }
        put_notes(w);
        end_float(w);
    }
    free(l.columns);
    free(l.widths);
}

/* ---- the document --------------------------------------------------------------------------- */

/** Lines that begin with "- " as a list. */
static void put_paragraph(cnn_text *out, const char *s)
{
    bool in_list = false;
    cnn_text_append(out, "\n\\begin{sloppypar}\n");
    while (*s) {
        const size_t n = strcspn(s, "\n");
        char *line = cnn_strndup(s, n);
        const bool is_item = line && !strncmp(line, "- ", 2);
        if (is_item != in_list)
            cnn_text_append(out, is_item ? "\\begin{itemize}\n" : "\\end{itemize}\n");
        in_list = is_item;
        if (is_item)
            cnn_text_append(out, "\\item ");
        cnn_latex_put_text(out, !line ? "" : is_item ? line + 2 : line);
        cnn_text_append(out, "\n");
        out->failed |= !line;
        free(line);
        s += n + (s[n] == '\n');
    }
    if (in_list)
        cnn_text_append(out, "\\end{itemize}\n");
    cnn_text_append(out, "\\end{sloppypar}\n");
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
    int floats = 0;
    cnn_text_append(out, "% \\usepackage{booktabs,tabularx}\n");
    cnn_text_append(out, cnn_latex_definitions);
    for (int i = 0; i < d->item_count; i++) {
        const cnn_document_item *item = &d->items[i];
        if (is_wanted(item->table, name)) {
            writer w = {.out = out, .t = item->table, .number = number_of(d, i), .floats = floats};
            put_table(&w);
            floats = w.floats;
        } else if (item->heading && !name) {
            cnn_text_append(out, "\n\\subsection*{");
            cnn_latex_put_text(out, item->heading);
            cnn_text_append(out, "}\n");
        } else if (item->paragraph && !name && !(item->left_out & CNN_NOT_IN_LATEX)) {
            put_paragraph(out, item->paragraph);
        }
    }
}
