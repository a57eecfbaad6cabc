/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

/** Bytes of the character that starts with this byte; 0: none does. */
static size_t length_by_first(unsigned char first)
{
    return first < 0x80             ? 1
           : (first & 0xe0) == 0xc0 ? 2
           : (first & 0xf0) == 0xe0 ? 3
           : (first & 0xf8) == 0xf0 ? 4
                                    : 0;
}

uint32_t cnn_utf8_code(const char *s, size_t length)
{
    uint32_t code = (unsigned char)s[0] & (length == 1 ? 0x7fu : 0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)s[i] & 0x3f);
    return code;
}

size_t cnn_utf8_length(const char *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = length_by_first((unsigned char)s[0]);
    if (n <= 1)
        return n;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80) /* also the terminator */
            return 0;
    const uint32_t code = cnn_utf8_code(s, n);
    return code >= least[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n : 0;
}

int cnn_utf8_count(const char *s)
{
    int count = 0;
    for (size_t n; *s; s += n ? n : 1, count++)
        n = cnn_utf8_length(s);
    return count;
}
