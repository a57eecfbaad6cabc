/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/** Embeddings, overrides and isolates of the bidirectional algorithm, and what ends them. */
static bool turns_text(uint32_t code)
{
    return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

size_t cnn_printable_length(const char *s)
{
    const size_t n = cnn_utf8_length(s);
    const uint32_t code = n ? cnn_utf8_code(s, n) : 0;
    return n && !is_control(code) && !turns_text(code) ? n : 0;
}

bool cnn_is_printable(const char *s)
{
    for (size_t n; *s; s += n)
        if ((n = cnn_printable_length(s)) == 0)
            return false;
    return true;
}

size_t cnn_show_character(const char *s, bool keep_lines, char shown[5])
{
    const size_t printable = cnn_printable_length(s), all = cnn_utf8_length(s);
    const size_t used = all ? all : 1;
    if (printable) {
        memcpy(shown, s, printable);
        shown[printable] = '\0';
        return printable;
    }
    const bool is_blank = *s >= '\t' && *s <= '\r';
    shown[0] = keep_lines && *s == '\n' ? '\n' : is_blank ? ' ' : '?';
    shown[1] = '\0';
    return used;
}

/** Whether the rest of s is the beginning of a character that a cut has shortened. */
static bool is_cut_off(const char *s)
{
    const unsigned char first = (unsigned char)s[0];
    const size_t rest = strnlen(s, 4), n = first >= 0xf5   ? 0
                                           : first >= 0xf0 ? 4
                                           : first >= 0xe0 ? 3
                                           : first >= 0xc2 ? 2
                                                           : 0;
    for (size_t i = 1; i < rest; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return false;
    return n > rest;
}

void cnn_make_printable(char *s, bool keep_lines)
{
    char *to = s, shown[5];
    while (*s && !is_cut_off(s)) {
        s += cnn_show_character(s, keep_lines, shown); /* what is shown is never longer */
        const size_t n = strlen(shown);
        memcpy(to, shown, n);
        to += n;
    }
    *to = '\0';
}

void cnn_copy_printable(char *field, size_t n, const char *s, bool keep_lines)
{
    const size_t len = strnlen(s, n - 1);
    memcpy(field, s, len);
    field[len] = '\0';
    cnn_make_printable(field, keep_lines);
    /* fields are written as they are: nothing old may stay in them */
    memset(field + strlen(field), 0, n - strlen(field));
}

void cnn_print(FILE *out, const char *s)
{
    char shown[5];
    while (*s) {
        size_t plain = 0; /* most text is printed as it is */
        for (size_t n; s[plain] && (s[plain] == '\n' || cnn_printable_length(s + plain));
             plain += n)
            n = s[plain] == '\n' ? 1 : cnn_printable_length(s + plain);
        fwrite(s, 1, plain, out);
        s += plain;
        if (*s) {
            s += cnn_show_character(s, true, shown);
            fputs(shown, out);
        }
    }
}

void cnn_printf(FILE *out, const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    cnn_print(out, s ? s : "out of memory\n");
    free(s);
}
