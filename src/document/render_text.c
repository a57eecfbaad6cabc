/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    INDENT = 2,
    GAP = 2,             /* between columns, 1 where a table fits a line by that alone */
    LEAST_WRAPPED = 24,  /* characters that a wrapped column gets at least */
    LONGEST_NUMBER = 400 /* of %f, with room */
};

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static void spaces(cnn_text *out, int n)
{
    cnn_text_printf(out, "%*s", max_int(n, 0), "");
}

/** Bytes of the first word of s; a percent sign stays with its number. */
static size_t word_length(const char *s)
{
    const size_t n = strcspn(s, " \n");
    return strncmp(s + n, " %", 2) == 0 ? n + 1 + strcspn(s + n + 1, " \n") : n;
}

/** Blanks before further lines of an item of a list, so that none looks like another item. */
static int hanging(const char *s)
{
    return strncmp(s, "- ", 2) == 0 ? 2 : 0;
}

/** Lines of at most `width` characters, `indent` of them blank; the first line has `used`
 *  already. */
static void put_wrapped(cnn_text *out, const char *s, int used, int indent, int width)
{
    int hang = hanging(s), start = indent;
    while (*s) {
        char word[512];
        const size_t blank = strspn(s, " "), length = word_length(s + blank);
        snprintf(word, sizeof word, "%.*s", (int)length, s + blank);
        const int characters = cnn_utf8_count(word);
        if (used > indent && used + (int)blank + characters > width) {
            cnn_text_append(out, "\n");
            used = 0;
            start = indent + hang;
        }
        if (length > 0) {
            const int before = used > 0 ? (int)blank : start;
            spaces(out, before);
            cnn_text_append_bytes(out, s + blank, length);
            used += before + characters;
        }
        s += blank + length;
        if (*s == '\n') {
            cnn_text_append(out, "\n");
            used = 0;
            start = indent;
            hang = hanging(++s);
        }
    }
    if (used > 0)
        cnn_text_append(out, "\n");
}

void cnn_render_wrapped(cnn_text *out, const char *s, int indent, int width)
{
    put_wrapped(out, s, 0, indent, width);
}

/** A field of a column as text: s [size], or the field's own text. */
static const char *field_text(const cnn_table_column *c, const cnn_table_entry *f, char *s,
                              size_t size)
{
    if (c->format == CNN_FORMAT_TEXT)
        return f->text ? f->text : "-";
    if (c->interval && !(isnan(f->low) && isnan(f->value))) {
        char low[LONGEST_NUMBER], high[LONGEST_NUMBER];
        cnn_render_number(c, f->low, low, sizeof low);
        cnn_render_number(c, f->value, high, sizeof high);
        snprintf(s, size, "[%s, %s]", low, high);
    } else {
        cnn_render_number(c, f->value, s, size);
    }
    return s;
}

static bool has_unit(const cnn_table_column *c)
{
    return c->unit && *c->unit;
}

static int column_width(const cnn_table *t, int column)
{
    const cnn_table_column *c = &t->columns[column];
    char s[2 * LONGEST_NUMBER + 8];
    int width = t->headless ? 0 : cnn_utf8_count(c->title);
    if (has_unit(c) && !t->headless)
        width = max_int(width, cnn_utf8_count(c->unit) + 2);
    for (int r = 0; r < t->row_count; r++) {
        const cnn_table_entry *f = cnn_table_field(t, r, column);
        width = max_int(width, cnn_utf8_count(field_text(c, f, s, sizeof s)));
    }
    return width;
}

/** The columns that one fold shows. */
typedef struct {
    int count, gap, width; /* width: of a line */
    int *columns;          /* [count] */
    int *widths;           /* [column_count] of every column; -1: left out */
} fold;

/** A line of the fold: text_of gives what stands in a column. No blank ends a line. */
static void put_field(cnn_text *out, const fold *f, const cnn_table *t, int i, const char *s)
{
    const int column = f->columns[i];
    const int rest = f->widths[column] - cnn_utf8_count(s);
    spaces(out, i ? f->gap : INDENT);
    if (t->columns[column].format != CNN_FORMAT_TEXT)
        spaces(out, rest);
    cnn_text_append(out, s);
    if (t->columns[column].format == CNN_FORMAT_TEXT && i + 1 < f->count)
        spaces(out, rest);
}

/** The last field of a line, which may need several. */
static void put_last(cnn_text *out, const fold *f, int i, const char *s)
{
    int start = INDENT;
    for (int before = 0; before < i; before++)
        start += f->widths[f->columns[before]] + f->gap;
    spaces(out, i ? f->gap : INDENT);
    put_wrapped(out, *s ? s : "-", start, start, f->width);
}

/** Ends a line without the blanks that it would end in. */
static void end_line(cnn_text *out)
{
    while (out->len > 0 && out->s[out->len - 1] == ' ')
        out->s[--out->len] = '\0';
    cnn_text_append(out, "\n");
}

static void put_titles(cnn_text *out, const fold *f, const cnn_table *t)
{
    bool units = false;
    if (t->headless)
        return;
    for (int i = 0; i < f->count; i++) {
        put_field(out, f, t, i, t->columns[f->columns[i]].title);
        units |= has_unit(&t->columns[f->columns[i]]);
    }
    end_line(out);
    if (!units)
        return;
    for (int i = 0; i < f->count; i++) {
        const cnn_table_column *c = &t->columns[f->columns[i]];
        char unit[64] = "";
        if (has_unit(c))
            snprintf(unit, sizeof unit, "(%s)", c->unit);
        put_field(out, f, t, i, unit);
    }
    end_line(out);
}

static void put_fold(cnn_text *out, const fold *f, const cnn_table *t)
{
    char s[2 * LONGEST_NUMBER + 8];
    put_titles(out, f, t);
    for (int r = 0; r < t->row_count; r++) {
        for (int i = 0; i < f->count; i++) {
            const cnn_table_column *c = &t->columns[f->columns[i]];
            const char *field = field_text(c, cnn_table_field(t, r, f->columns[i]), s, sizeof s);
            if (c->wrap && i + 1 == f->count)
                put_last(out, f, i, field);
            else
                put_field(out, f, t, i, field);
        }
        if (!f->count || !t->columns[f->columns[f->count - 1]].wrap)
            end_line(out);
        if (t->row_ends[r] && r + 1 < t->row_count)
            cnn_text_append(out, "\n");
    }
}

/** What a column needs of a line, at least. */
static int least_width(const cnn_table *t, const int *widths, int column)
{
    const bool wraps = t->columns[column].wrap && widths[column] > LEAST_WRAPPED;
    return wraps ? LEAST_WRAPPED : widths[column];
}

/** Width of the whole table. */
static int width_of(const cnn_table *t, const int *widths, int gap)
{
    int width = INDENT - gap;
    for (int c = 0; c < t->column_count; c++)
        if (widths[c] >= 0)
            width += gap + least_width(t, widths, c);
    return width;
}

/** The column that goes next where the table is too wide; -1: none may. */
static int next_to_drop(const cnn_table *t, const int *widths)
{
    int next = -1;
    for (int c = 0; c < t->column_count; c++)
        if (widths[c] >= 0 && t->columns[c].drop > (next < 0 ? 0 : t->columns[next].drop))
            next = c;
    return next;
}

/** Leaves out columns until the table fits a line. dropped: their titles. */
static void drop_columns(const cnn_table *t, const fold *f, cnn_text *dropped)
{
    for (int c; width_of(t, f->widths, 1) > f->width && (c = next_to_drop(t, f->widths)) >= 0;) {
        f->widths[c] = -1;
        cnn_text_printf(dropped, "%s%s", dropped->len ? ", " : "", t->columns[c].title);
    }
}

/** Takes the key columns and as many of the others, from *next on, as fit; at least one. */
static void choose_columns(const cnn_table *t, int *next, fold *f)
{
    int width = INDENT - f->gap;
    bool others = false;
    f->count = 0;
    for (int c = 0; c < t->column_count; c++) {
        const cnn_table_column *column = &t->columns[c];
        if (f->widths[c] < 0 || (!column->key && c < *next))
            continue;
        const int needed = f->gap + least_width(t, f->widths, c);
        if (!column->key && others && width + needed > f->width)
            break;
        width += needed;
        f->columns[f->count++] = c;
        if (!column->key) {
            others = true;
            *next = c + 1;
        }
    }
    if (!others)
        *next = t->column_count;
}

/** Whether a column that is no key is left for another fold. */
static bool columns_left(const cnn_table *t, const int *widths, int next)
{
    for (int c = next; c < t->column_count; c++)
        if (!t->columns[c].key && widths[c] >= 0)
            return true;
    return false;
}

/** Prose has shorter lines than a wide table. */
static int prose_width(int width)
{
    return width < CNN_TEXT_WIDTH ? width : CNN_TEXT_WIDTH;
}

static void put_notes(cnn_text *out, const cnn_table *t, const char *dropped, int width)
{
    for (int i = 0; i < t->note_count; i++)
        cnn_render_wrapped(out, t->notes[i], INDENT, prose_width(width));
    for (int i = 0; i < t->hint_count; i++)
        cnn_render_wrapped(out, t->hints[i], INDENT, prose_width(width));
    if (!dropped)
        return;
    cnn_text note = {0};
    cnn_text_printf(&note, "Too wide for this line: %s (--full).", dropped);
    out->failed |= note.failed;
    if (!note.failed)
        cnn_render_wrapped(out, note.s, INDENT, prose_width(width));
    cnn_text_free(&note);
}

static void put_table(cnn_text *out, const cnn_table *t, bool is_short, int width)
{
    int next = 0;
    cnn_text dropped = {0};
    fold f = {.width = width,
              .columns = calloc((size_t)t->column_count + 1, sizeof *f.columns),
              .widths = calloc((size_t)t->column_count + 1, sizeof *f.widths)};
    if (!f.widths || !f.columns) {
        out->failed = true;
        goto done;
    }
    for (int c = 0; c < t->column_count; c++)
        f.widths[c] = t->columns[c].left_out & CNN_NOT_IN_TEXT ? -1 : column_width(t, c);
    if (is_short)
        drop_columns(t, &f, &dropped);
    f.gap = width_of(t, f.widths, GAP) > width && width_of(t, f.widths, 1) <= width ? 1 : GAP;
    cnn_text_append(out, "\n");
    cnn_render_wrapped(out, t->title, 0, prose_width(width));
    do {
        if (next > 0)
            cnn_text_append(out, "\n");
        choose_columns(t, &next, &f);
        put_fold(out, &f, t);
    } while (columns_left(t, f.widths, next));
    put_notes(out, t, dropped.s, width);
done:
    out->failed |= dropped.failed;
    cnn_text_free(&dropped);
    free(f.widths);
    free(f.columns);
}

static void put_heading(cnn_text *out, const char *heading)
{
    cnn_text_printf(out, "\n%s\n", heading);
    for (int i = cnn_utf8_count(heading); i > 0; i--)
        cnn_text_append(out, "=");
    cnn_text_append(out, "\n");
}

static bool is_wanted(const cnn_table *t, const char *name)
{
    return t && t->row_count && !(t->left_out & CNN_NOT_IN_TEXT) &&
           (!name || !strcmp(t->name, name));
}

int cnn_render_width(int columns)
{
    enum { LEAST = 80, MOST = 200 };
    return columns < LEAST ? LEAST : columns > MOST ? MOST : columns;
}

int cnn_render_terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return CNN_TEXT_WIDTH;
    return cnn_render_width(size.ws_col);
}

void cnn_render_text(const cnn_document *d, const char *name, int width, cnn_text *out)
{
    const size_t start = out->len;
    for (int i = 0; i < d->item_count; i++) {
        const cnn_document_item *item = &d->items[i];
        if (is_wanted(item->table, name))
            put_table(out, item->table, d->is_short, width);
        else if (item->heading && !name)
            put_heading(out, item->heading);
        else if (item->paragraph && !name && !(item->left_out & CNN_NOT_IN_TEXT)) {
            cnn_text_append(out, "\n");
            cnn_render_wrapped(out, item->paragraph, 0, prose_width(width));
        }
    }
    if (out->len > start && out->s[start] == '\n') { /* no empty line before everything */
        memmove(out->s + start, out->s + start + 1, out->len - start);
        out->len--;
    }
}
