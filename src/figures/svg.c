/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot's SVG as part of a page: one after the other, in one document, in the page's colours. */
#include "document/render.h"
#include "figures/figures.h"
#include "figures/palette.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The symbols that gnuplot's SVG refers to by these names, each of radius 1 about the origin. */
void cnn_figures_symbols(cnn_text *out)
{
    cnn_text_append(
        out,
        "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"symbols\"><defs>\n"
        "<circle id=\"gpDot\" r=\"0.5\" stroke-width=\"0.5\"/>\n"
        "<path id=\"gpPt0\" stroke-width=\"0.222\" stroke=\"currentColor\" d=\"M-1,0 h2 M0,-1 v2\"/>\n"
        "<path id=\"gpPt1\" stroke-width=\"0.4\" stroke=\"currentColor\" d=\"M-1,-1 L1,1 M1,-1 L-1,1\"/>\n"
        "<rect id=\"gpPt4\" fill=\"currentColor\" stroke=\"none\" x=\"-1\" y=\"-1\" width=\"2\" height=\"2\"/>\n"
        "<circle id=\"gpPt6\" fill=\"currentColor\" stroke=\"none\" r=\"1\"/>\n"
        "<path id=\"gpPt8\" fill=\"currentColor\" stroke=\"none\" d=\"M0,-1.33 L-1.33,0.67 L1.33,0.67 z\"/>\n"
        "<path id=\"gpPt10\" fill=\"currentColor\" stroke=\"none\" d=\"M0,1.33 L1.33,-0.67 L-1.33,-0.67 z\"/>\n"
        "<path id=\"gpPt12\" fill=\"currentColor\" stroke=\"none\" d=\"M0,-1.414 L1.414,0 L0,1.414 L-1.414,0 z\"/>\n"
        "<path id=\"gpPt14\" fill=\"currentColor\" stroke=\"none\" "
        "d=\"M0,-1.330 L1.265,-0.411 L0.782,1.067 L-0.782,1.076 L-1.265,-0.411 z\"/>\n"
        "</defs></svg>\n");
}

void cnn_figures_colours(cnn_text *out)
{
    cnn_text_append(out, ":root {");
    for (int c = 0; c < CNN_COLOUR_COUNT; c++)
        cnn_text_printf(out, " --%s: %s;", cnn_colour_variables[c], cnn_colours_light[c]);
    cnn_text_append(out, " }\n@media screen and (prefers-color-scheme: dark) { :root {");
    for (int c = 0; c < CNN_COLOUR_COUNT; c++)
        cnn_text_printf(out, " --%s: %s;", cnn_colour_variables[c], cnn_colours_dark[c]);
    cnn_text_append(out, " } }\n");
}

/** The CSS variable of "rgb( 0, 99, 168)" or a name; NULL: it has none. length: of the colour. */
static const char *variable_of(const char *s, size_t *length)
{
    int r, g, b, n = 0;
    char hex[16];
    if (!strncmp(s, "black", 5) && (s[5] == '"' || s[5] == '\'')) {
        *length = 5;
        return "ink";
    }
    if (sscanf(s, "rgb(%d,%d,%d)%n", &r, &g, &b, &n) == 3 && n > 0) {
        *length = (size_t)n;
        snprintf(hex, sizeof hex, "#%02x%02x%02x", r & 255, g & 255, b & 255);
    } else if (*s == '#' && strspn(s + 1, "0123456789abcdefABCDEF") == 6) {
        *length = 7;
        snprintf(hex, sizeof hex, "%.7s", s);
    } else {
        return NULL;
    }
    for (int c = 0; c < CNN_COLOUR_COUNT; c++)
        if (!strcasecmp(hex, cnn_colours_light[c]))
            return cnn_colour_variables[c];
    return NULL;
}

/** Behind the first `mark` from s on; `end` where there is none before it. */
static const char *behind(const char *s, const char *mark, const char *end)
{
    const char *found = strstr(s, mark);
    return found && found < end ? found + strlen(mark) : end;
}

/** One line of gnuplot's, with attributes as the page needs them; text between tags stays as it is.
 *  is_tag: whether the line begins inside of a tag; kept from line to line. */
static void put_line(const char *s, size_t length, bool *is_tag, cnn_text *out)
{
    const char *end = s + length;
    while (s < end) {
        size_t n = 0;
        if (!strncmp(s, "<title>", 7)) {
            s = behind(s, "</title>", end);
            continue;
        }
        *is_tag = *s == '<' || (*is_tag && *s != '>');
        const bool may_be_colour = *is_tag && (*s == 'r' || *s == '#' || *s == 'b');
        const char *variable = may_be_colour ? variable_of(s, &n) : NULL;
        const bool is_attribute = s[-1] == '"' || s[-1] == '\'';
        if (variable && is_attribute && s + n <= end) {
            cnn_text_printf(out, "var(--%s)", variable);
            s += n;
        } else if (*is_tag && !strncmp(s, "xlink:", 6)) {
            s += 6;
        } else if (*is_tag && !strncmp(s, " font-family=\"", 14)) {
            s = behind(s + 14, "\"", end);
        } else if (*is_tag && !strncmp(s, "id=\"", 4)) {
            s = behind(s + 4, "\"", end);
        } else {
            cnn_text_append_bytes(out, s++, 1);
        }
    }
}

static const char *next_line(const char *s)
{
    const char *end = strchr(s, '\n');
    return end ? end + 1 : s + strlen(s);
}

static bool is_group_start(const char *s)
{
    return !strncmp(s, "<g ", 3);
}

static bool is_group_end(const char *s)
{
    return !strncmp(s, "</g>\n", 5);
}

void cnn_figures_svg(const cnn_figure *figure, cnn_text *out)
{
    const char *s = figure->svg ? strstr(figure->svg, "</defs>") : NULL;
    bool is_tag = false;
    cnn_text_printf(out,
                    "<svg class=\"drawing\" role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                    "height=\"%d\" aria-label=\"",
                    figure->width, figure->height, figure->width, figure->height);
    cnn_render_html_text(out, figure->alt);
    cnn_text_append(out, "\">\n<g>\n"); /* as gnuplot's canvas, whose end is still to come */
    for (s = s ? next_line(s) : ""; *s && strncmp(s, "</svg>", 6);) {
        const char *after = next_line(s);
        if (is_group_start(s) && is_group_end(after)) { /* empty */
            s = next_line(after);
            continue;
        }
        put_line(s, (size_t)(after - s), &is_tag, out);
        s = after;
    }
    if (!figure->svg)
        cnn_text_append(out, "</g>\n");
    cnn_text_append(out, "</svg>\n");
}
