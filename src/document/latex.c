/* SPDX-License-Identifier: Apache-2.0 */
#include "document/latex.h"

#include "base/utf8.h"
#include "document/render.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 400, LONG_WORD = 13, PIECE = 4 };

/* Exponents as scripts would be smaller than 7 pt. Characters beyond Latin 1 need a font that has
 * them, which pdfLaTeX's lack: it shows their code points. */
const char cnn_latex_definitions[] = "\\DeclareRobustCommand{\\cnnmpiexponent}[1]"
                                     "{\\raisebox{0.5ex}{\\fontsize{7}{8}\\selectfont$#1$}}\n"
                                     "\\DeclareRobustCommand{\\cnnmpicharacter}[2]"
                                     "{\\ifdefined\\Umathchar\\symbol{#1}\\else[U+#2]\\fi}\n";

/* ---- text ----------------------------------------------------------------------------------- */

/** Latin 1 without the letters and signs that the encoding OT1 lacks. */
static bool is_plain(uint32_t code)
{
    return code >= 0xc0 && code <= 0xff && code != 0xd0 && code != 0xd7 && code != 0xde &&
           code != 0xf0 && code != 0xf7 && code != 0xfe;
}

/** What TeX would join to another sign: -- '' `` ,, ?` !` */
static bool joins(char c, char next)
{
    return (strchr("-',`", c) && next == c) || ((c == '?' || c == '!') && next == '`');
}

static void put_ascii(cnn_text *out, const char *s)
{
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
    case '`':
        cnn_text_append(out, "\\textasciigrave{}");
        break;
    case '<':
    case '>':
    case '|':
        cnn_text_printf(out, "$%c$", *s);
        break;
    case '"': /* a letter with dots in babel's German; \textquotedbl is not in OT1 */
        cnn_text_append(out, "\\symbol{34}");
        break;
    case '[': /* an optional argument after \\ */
    case '*':
        cnn_text_printf(out, "{%c}", *s);
        break;
    default:
        cnn_text_append_bytes(out, s, 1);
        if (joins(*s, s[1]))
            cnn_text_append(out, "{}");
    }
}

static void put_character(cnn_text *out, const char *s, size_t n)
{
    const uint32_t code = cnn_utf8_code(s, n);
    if (n == 1)
        put_ascii(out, s);
    else if (code == 0xa0)
        cnn_text_append(out, "~");
    else if (is_plain(code))
        cnn_text_append_bytes(out, s, n);
    else
        cnn_text_printf(out, "\\cnnmpicharacter{%u}{%04X}", (unsigned)code, (unsigned)code);
}

/** Characters of the word that begins at s, less the punctuation that it ends in. */
static int word_length(const char *s)
{
    int n = 0, length = 0;
    for (size_t bytes; *s && *s != ' ' && *s != '\n'; s += bytes ? bytes : 1) {
        bytes = cnn_utf8_length(s);
        n++;
        length = bytes == 1 && ispunct((unsigned char)*s) ? length : n;
    }
    return length;
}

void cnn_latex_put_text(cnn_text *out, const char *s)
{
    int word = 0, piece = 0; /* characters of this word; since the last place to break it */
    bool is_start = true;
    int place = 0;     /* in the word */
    char before = ' '; /* the last character */
    for (size_t n; *s; s += n ? n : 1) {
        n = cnn_utf8_length(s);
        if (is_start) {
            word = word_length(s);
            place = piece = 0;
        }
        is_start = *s == ' ' || *s == '\n';
        if (!n)
            cnn_text_append(out, "?");
        else if (before == ' ' && *s == '-' && isdigit((unsigned char)s[1]))
            cnn_text_append(out, "$-$"); /* of a number */
        else
            put_character(out, s, n);
        before = *s;
        piece++;
        if (is_start || word <= LONG_WORD || ++place >= word)
            continue;
        if (n == 1 && ispunct((unsigned char)*s)) {
            cnn_text_append(out, "\\penalty100{}");
            piece = 0;
        } else if (piece >= PIECE) {
            cnn_text_append(out, "\\penalty1000{}");
            piece = 0;
        }
    }
}

/* ---- numbers -------------------------------------------------------------------------------- */

/** A number of cnn_render_number: in math where it has a sign or a relation. */
static void put_number(cnn_text *out, const cnn_table_column *column, double x)
{
    char s[LONGEST_NUMBER], *number = s, *exponent;
    cnn_render_number(column, x, s, sizeof s);
    if (!strcmp(s, "-")) {
        cnn_text_append(out, "--");
        return;
    }
    if (!strncmp(number, "< ", 2)) {
        cnn_text_append(out, "$<$");
        number += 2;
    }
    if (*number == '-') {
        cnn_text_append(out, "$-$");
        number++;
    }
    if (!strcmp(number, "inf")) {
        cnn_text_append(out, "$\\infty$");
        return;
    }
    if ((exponent = strchr(number, 'e')) == NULL) {
        cnn_text_append(out, number);
        return;
    }
    *exponent = '\0';
    if (strcmp(number, "1") != 0) /* 10^-300, not 1 x 10^-300 */
        cnn_text_printf(out, "%s$\\times$", number);
    cnn_text_printf(out, "10\\cnnmpiexponent{%ld}", strtol(exponent + 1, NULL, 10));
}

void cnn_latex_put_field(cnn_text *out, const cnn_table_column *column, const cnn_table_entry *f)
{
    if (column->format == CNN_FORMAT_TEXT) {
        cnn_latex_put_text(out, f->text ? f->text : "-");
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

/* ---- widths --------------------------------------------------------------------------------- */

static double character_width(const char *s, size_t n)
{
    if (n != 1)
        return n == 2 ? 6.5 : 32; /* beyond Latin 1: [U+4E2D] */
    if (isdigit((unsigned char)*s))
        return 4.3;
    if (strchr("ijlft.,:;!|'()[] ", *s))
        return 3.1;
    if (strchr("mwMW@%", *s))
        return 8.8;
    return isupper((unsigned char)*s) || strchr("-<>+=&\\^~", *s) ? 6.8 : 4.9;
}

double cnn_latex_text_width(const char *s)
{
    double width = 0;
    for (size_t n; *s; s += n ? n : 1) {
        n = cnn_utf8_length(s);
        width += character_width(s, n ? n : 1);
    }
    return width;
}

static double number_width(const cnn_table_column *column, double x)
{
    enum { TIMES_TEN = 20 };
    char s[LONGEST_NUMBER];
    cnn_render_number(column, x, s, sizeof s);
    return cnn_latex_text_width(s) + (strchr(s, 'e') ? TIMES_TEN : 0);
}

double cnn_latex_field_width(const cnn_table_column *column, const cnn_table_entry *f)
{
    enum { BRACKETS = 10 };
    if (column->format == CNN_FORMAT_TEXT)
        return cnn_latex_text_width(f->text ? f->text : "-");
    if (column->interval && !(isnan(f->low) && isnan(f->value)))
        return number_width(column, f->low) + number_width(column, f->value) + BRACKETS;
    return number_width(column, f->value);
}
