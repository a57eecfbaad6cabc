/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/script.h"

#include "base/printable.h"
#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Width of a character of 12 px on average. */
static const double character_width = 6.6;
/* Of the label of an x axis beneath it, in px. */
enum { X_LABEL = 42 };

void cnn_script_start(cnn_figure *f)
{
    CNN_SCRIPT(f,
               "# gnuplot %s.gp writes %s.svg; gnuplot -e 'pdf = 1' %s.gp writes %s.pdf.\n"
               "if (!exists('pdf')) pdf = 0\n"
               "if (pdf) {\n"
               "    set terminal pdfcairo noenhanced font 'sans,9' size %.4fin,%.4fin\n"
               "    set output '%s.pdf'\n"
               "} else {\n"
               "    set terminal svg noenhanced dynamic font 'sans-serif,12' size %d,%d\n"
               "    set output '%s.svg'\n"
               "}\n"
               "set datafile separator ','\n"
               "set datafile columnheaders\n",
               f->name, f->name, f->name, f->name, f->width / 96.0, f->height / 96.0, f->name,
               f->width, f->height, f->name);
    for (int level = 0; level <= CNN_COLOURED_LEVELS; level++)
        CNN_SCRIPT(f, "set linetype %d linecolor rgb '%s' pointtype %d\n", cnn_level_type(level),
                   cnn_level_colour(level), cnn_level_shape(level));
    CNN_SCRIPT(f, "set style fill solid 1 noborder\n"
                  "set bars 0\n"
                  "unset key\n"
                  "set multiplot\n");
}

/** Printable text in single quotes, which gnuplot writes twice within. */
static void put_quoted(cnn_text *out, const char *s)
{
    char *shown = cnn_strdup(s);
    if (!shown) {
        out->failed = true;
        return;
    }
    cnn_make_printable(shown, false);
    cnn_text_append(out, "'");
    for (const char *c = shown; *c; c++) {
        if (*c == '\'')
            cnn_text_append(out, "'");
        cnn_text_append_bytes(out, c, 1);
    }
    cnn_text_append(out, "'");
    free(shown);
}

void cnn_script_shorten(const char *s, int room, char out[CNN_SHORT_SIZE])
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    int count = 0;
    size_t kept = 0, all = 0;
    for (const char *c = s; *c && all + sizeof ellipsis + 4 < CNN_SHORT_SIZE;) {
        const int n = cnn_utf8_length(c);
        const size_t bytes = n > 0 ? (size_t)n : 1;
        all += bytes;
        c += bytes;
        if (++count < room)
            kept = all;
    }
    const bool fits = count <= room && !s[all];
    snprintf(out, CNN_SHORT_SIZE, "%.*s%s", (int)(fits ? all : kept), s, fits ? "" : ellipsis);
}

/** The label of a y axis, left of the longest tick's. */
static void put_y_label(cnn_figure *f, const char *label, const cnn_ticks *ticks, cnn_frame frame)
{
    char shown[CNN_SHORT_SIZE];
    int longest = 0;
    for (int i = 0; i < ticks->count; i++)
        longest =
            cnn_utf8_count(ticks->labels[i]) > longest ? cnn_utf8_count(ticks->labels[i]) : longest;
    cnn_script_shorten(label, (int)((frame.bottom - frame.top) / character_width), shown);
    CNN_SCRIPT(f, "set label ");
    put_quoted(&f->script, shown);
    CNN_SCRIPT(f, " at screen %.5f, screen %.5f center rotate by 90 textcolor rgb '%s'\n",
               fmax(9, frame.left - 22 - character_width * longest) / f->width,
               1 - (frame.top + frame.bottom) / 2 / f->height, cnn_colours_light[CNN_COLOUR_MUTED]);
}

static void put_axis(cnn_figure *f, char c, const cnn_axis *axis, cnn_frame frame)
{
    const double length = c == 'x' ? frame.right - frame.left : frame.bottom - frame.top;
    cnn_ticks ticks;
    CNN_SCRIPT(f, "unset logscale %c\n", c);
    if (!axis) {
        CNN_SCRIPT(f, "set %crange [0:1]\nunset %ctics\n", c, c);
        return;
    }
    if (axis->is_log)
        CNN_SCRIPT(f, "set logscale %c\n", c);
    CNN_SCRIPT(f, "set %crange [%.17g:%.17g]\n", c, axis->low, axis->high);
    cnn_axis_ticks(axis, (int)(length / (c == 'x' ? 70 : 45)) + 1, &ticks);
    CNN_SCRIPT(f, "set %ctics nomirror out scale 0.4 textcolor rgb '%s' (", c,
               cnn_colours_light[CNN_COLOUR_MUTED]);
    for (int i = 0; i < ticks.count; i++)
        CNN_SCRIPT(f, "%s'%s' %.17g", i ? ", " : "", ticks.labels[i], ticks.at[i]);
    CNN_SCRIPT(f, ")\nset grid %ctics linetype 1 linecolor rgb '%s' linewidth 1\n", c,
               cnn_colours_light[CNN_COLOUR_GRID]);
    if (axis->label && c == 'x')
        cnn_script_label(f, (frame.left + frame.right) / 2, frame.bottom + X_LABEL,
                         CNN_ALIGN_CENTER, CNN_COLOUR_MUTED, "%s", axis->label);
    else if (axis->label)
        put_y_label(f, axis->label, &ticks, frame);
}

void cnn_script_panel(cnn_figure *f, cnn_frame frame, const cnn_axis *x, const cnn_axis *y)
{
    CNN_SCRIPT(f,
               "\nunset label\nunset object\nunset arrow\nunset grid\n"
               "set lmargin at screen %.17g\nset rmargin at screen %.17g\n"
               "set tmargin at screen %.17g\nset bmargin at screen %.17g\n",
               frame.left / f->width, frame.right / f->width, 1 - frame.top / f->height,
               1 - frame.bottom / f->height);
    CNN_SCRIPT(f, "set border %d linecolor rgb '%s'\n", (x ? 1 : 0) | (y ? 2 : 0),
               cnn_colours_light[CNN_COLOUR_RULE]);
    put_axis(f, 'x', x, frame);
    put_axis(f, 'y', y, frame);
}

/** A tick's label: gnuplot reads it as a format. */
static void quote_tick(cnn_figure *f, const char *name)
{
    char doubled[2 * CNN_SHORT_SIZE];
    size_t n = 0;
    for (const char *c = name; *c && n + 3 < sizeof doubled; c++) {
        if (*c == '%')
            doubled[n++] = '%';
        doubled[n++] = *c;
    }
    doubled[n] = '\0';
    put_quoted(&f->script, doubled);
}

void cnn_script_names(cnn_figure *f, char axis, const char *const *names, int n, int room)
{
    char name[CNN_SHORT_SIZE];
    CNN_SCRIPT(f, "unset grid\nset %ctics nomirror out scale 0 textcolor rgb '%s' (", axis,
               cnn_colours_light[CNN_COLOUR_INK]);
    for (int i = 0; i < n; i++) {
        cnn_script_shorten(names[i], room, name);
        CNN_SCRIPT(f, "%s", i ? ", " : "");
        quote_tick(f, name);
        CNN_SCRIPT(f, " %d", i + 1);
    }
    CNN_SCRIPT(f, ")\nset grid %ctics linetype 1 linecolor rgb '%s'\n", axis == 'x' ? 'y' : 'x',
               cnn_colours_light[CNN_COLOUR_GRID]);
}

void cnn_script_label(cnn_figure *f, double left, double top, cnn_align align, cnn_colour colour,
                      const char *format, ...)
{
    static const char *const words[] = {"left", "center", "right"};
    va_list args;
    char *s = NULL;
    va_start(args, format);
    const int n = vasprintf(&s, format, args);
    va_end(args);
    if (n < 0) {
        f->tables.failed = true;
        return;
    }
    CNN_SCRIPT(f, "set label ");
    put_quoted(&f->script, s);
    CNN_SCRIPT(f, " at screen %.5f, screen %.5f %s textcolor rgb '%s'\n", left / f->width,
               1 - top / f->height, words[align], cnn_colours_light[colour]);
    free(s);
}

void cnn_script_band(cnn_figure *f, char axis, double low, double high, cnn_colour colour)
{
    if (axis == 'x')
        CNN_SCRIPT(f, "set object rectangle from first %.17g, graph 0 to first %.17g, graph 1 ",
                   low, high);
    else
        CNN_SCRIPT(f, "set object rectangle from graph 0, first %.17g to graph 1, first %.17g ",
                   low, high);
    CNN_SCRIPT(f, "fillcolor rgb '%s' fillstyle solid noborder behind\n",
               cnn_colours_light[colour]);
}

void cnn_script_line(cnn_figure *f, char axis, double at, cnn_colour colour, bool is_dashed)
{
    if (axis == 'x')
        CNN_SCRIPT(f, "set arrow from first %.17g, graph 0 to first %.17g, graph 1 ", at, at);
    else
        CNN_SCRIPT(f, "set arrow from graph 0, first %.17g to graph 1, first %.17g ", at, at);
    CNN_SCRIPT(f, "nohead back linewidth 1 linecolor rgb '%s'%s\n", cnn_colours_light[colour],
               is_dashed ? " dashtype (4, 3)" : "");
}

void cnn_script_key(cnn_figure *f, const char *const *levels, int n, double left, double top)
{
    enum { ROOM = 18 };
    char name[CNN_SHORT_SIZE];
    const int shown = n < CNN_COLOURED_LEVELS ? n : CNN_COLOURED_LEVELS;
    for (int level = 0; level < shown; level++) {
        cnn_script_shorten(levels[level], ROOM, name);
        CNN_SCRIPT(f, "set label ");
        put_quoted(&f->script, name);
        CNN_SCRIPT(f,
                   " at screen %.5f, screen %.5f left offset 1.2, -0.3 textcolor rgb '%s' point "
                   "pointtype %d pointsize 0.8 linecolor rgb '%s'\n",
                   left / f->width, 1 - top / f->height, cnn_colours_light[CNN_COLOUR_INK],
                   cnn_level_shape(level), cnn_level_colour(level));
        left += 30 + character_width * cnn_utf8_count(name);
    }
    if (n > shown)
        cnn_script_label(f, left, top, CNN_ALIGN_LEFT, CNN_COLOUR_MUTED, "and %d more", n - shown);
}
