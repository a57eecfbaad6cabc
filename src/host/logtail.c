/* SPDX-License-Identifier: Apache-2.0 */
#include "host/logtail.h"

#include "base/printable.h"

#include <string.h>

void cnn_logtail_add(cnn_logtail *tail, const char *bytes, size_t n)
{
    if (n > CNN_LOGTAIL_KEPT) {
        bytes += n - CNN_LOGTAIL_KEPT;
        n = CNN_LOGTAIL_KEPT;
    }
    if (tail->count + n > CNN_LOGTAIL_KEPT) {
        const size_t drop = tail->count + n - CNN_LOGTAIL_KEPT;
        memmove(tail->bytes, tail->bytes + drop, tail->count - drop);
        tail->count -= drop;
    }
    memcpy(tail->bytes + tail->count, bytes, n);
    tail->count += n;
}

const char *cnn_logtail_text(cnn_logtail *tail)
{
    size_t end = tail->count, start = 0;
    while (end > 0 && (tail->bytes[end - 1] == '\n' || tail->bytes[end - 1] == '\r'))
        end--;
    if (end > CNN_LOGTAIL_MOST) {
        start = end - CNN_LOGTAIL_MOST;
        /* Not in the middle of a line, unless that line is all there is ... */
        const char *newline = memchr(tail->bytes + start - 1, '\n', end - start);
        if (newline)
            start = (size_t)(newline + 1 - tail->bytes);
        else /* ... nor in the middle of a character. */
            while (start < end && ((unsigned char)tail->bytes[start] & 0xc0) == 0x80)
                start++;
    }
    memcpy(tail->text, tail->bytes + start, end - start);
    tail->text[end - start] = '\0';
    for (char *c = tail->text; *c; c++)
        if (*c == '\r') /* progress bars */
            *c = '\n';
    cnn_make_printable(tail->text, true);
    return tail->text;
}
