/* SPDX-License-Identifier: Apache-2.0 */
#include "host/lines.h"

#include <string.h>

char *cnn_lines_space(cnn_lines *lines, size_t *room)
{
    if (lines->start > 0) {
        memmove(lines->bytes, lines->bytes + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    *room = CNN_LINES_ROOM - lines->end;
    return lines->bytes + lines->end;
}

void cnn_lines_added(cnn_lines *lines, size_t n)
{
    lines->end += n;
}

/** Drops the rest of a line that was given cut, as far as it has been read. */
static void skip(cnn_lines *lines)
{
    char *from = lines->bytes + lines->start;
    char *newline = memchr(from, '\n', lines->end - lines->start);
    lines->skipping = !newline;
    lines->start = newline ? (size_t)(newline + 1 - lines->bytes) : lines->end;
}

const char *cnn_lines_next(cnn_lines *lines, bool *too_long)
{
    *too_long = false;
    if (lines->skipping)
        skip(lines);
    char *line = lines->bytes + lines->start;
    const size_t n = lines->end - lines->start;
    char *newline = memchr(line, '\n', n < CNN_LINE_MOST + 1 ? n : CNN_LINE_MOST + 1);
    if (newline) {
        *newline = '\0';
        lines->start += (size_t)(newline - line) + 1;
        return line;
    }
    if (n > CNN_LINE_MOST) {
        line[CNN_LINE_MOST] = '\0';
        lines->start += CNN_LINE_MOST + 1;
        lines->skipping = *too_long = true;
        return line;
    }
    if (n > 0 && lines->closed) {
        line[n] = '\0'; /* there is room for it: see the array's size */
        lines->start = lines->end;
        return line;
    }
    return NULL;
}
