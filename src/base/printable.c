/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

#include <stdint.h>
#include <string.h>

/** Bytes of the UTF-8 character that begins with this byte; 0: none does. */
static size_t length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/** Bytes of the valid character at s; 0 when it is invalid or cut off. */
static size_t character_at(const char *s)
{
    const size_t n = length_of((unsigned char)s[0]);
    uint32_t code = (unsigned char)s[0] & (n == 1 ? 0x7fu : 0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80) /* also the terminator */
            return 0;
        code = code << 6 | ((unsigned char)s[i] & 0x3f);
    }
    const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
    const bool no_character = (code >= 0xd800 && code < 0xe000) || code > 0x10ffff;
    return overlong || no_character ? 0 : n;
}

/** ASCII's control characters, and those that UTF-8 writes as C2 80 to C2 9F. */
static bool is_control(const char *s, size_t n)
{
    const unsigned char c = (unsigned char)s[0];
    return n == 1 ? c < 0x20 || c == 0x7f : n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;
}

/** Whether the rest of s is the beginning of a character that a cut has shortened. */
static bool is_cut_off(const char *s)
{
    const size_t rest = strnlen(s, 4), n = length_of((unsigned char)s[0]);
    if (n <= rest)
        return false;
    for (size_t i = 1; i < rest; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return false;
    return true;
}

void cnn_make_printable(char *s, bool keep_lines)
{
    char *to = s;
    while (*s) {
        const size_t n = character_at(s);
        if (n == 0 && is_cut_off(s))
            break;
        if (n == 0) {
            *to++ = '?';
            s++;
        } else if (is_control(s, n) && !(keep_lines && *s == '\n')) {
            *to++ = ' ';
            s += n;
        } else {
            memmove(to, s, n);
            to += n;
            s += n;
        }
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
