/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/live.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Lines that are being filled. */
typedef struct {
    cnn_text *out;
    int columns, most;
    int lines, used; /* used: characters of the last line */
} lines;

/** Bytes of the first `characters` of s. */
static size_t bytes_of(const char *s, int characters)
{
    size_t n = 0;
    for (; s[n]; n++)
        if (((unsigned char)s[n] & 0xc0) != 0x80 && characters-- == 0)
            break;
    return n;
}

/** Puts an item on this line or the next; reserve: characters to keep free on the last line. False:
 *  there is no room. */
static bool put(lines *l, const char *item, int reserve)
{
    const char *gap = l->used ? " | " : "";
    const bool is_last = l->lines + 1 == l->most;
    const int left = l->columns - 1 - (is_last ? reserve : 0);
    const int width = cnn_utf8_count(item), room = left > 0 ? left : 0;
    if (l->used + (int)strlen(gap) + width <= room) {
        cnn_text_printf(l->out, "%s%s", gap, item);
        l->used += (int)strlen(gap) + width;
        return true;
    }
    if (l->used == 0) { /* longer than a line */
        cnn_text_append_bytes(l->out, item, bytes_of(item, room));
        l->used = room;
        return true;
    }
    if (is_last)
        return false;
    cnn_text_append(l->out, "\n");
    l->lines++;
    l->used = 0;
    return put(l, item, reserve);
}

/** Every rank; false: there is no room for them. */
static bool put_ranks(lines *l, const cnn_live_rank *ranks, int count)
{
    bool fits = true;
    for (int i = 0; fits && i < count; i++) {
        cnn_text item = {0};
        cnn_text_printf(&item, "%d: %s %s", ranks[i].rank, ranks[i].run, ranks[i].epochs);
        l->out->failed |= item.failed;
        fits = item.failed || put(l, item.s, 0);
        cnn_text_free(&item);
    }
    return fits;
}

static bool is_same_cell(const cnn_live_rank *a, const cnn_live_rank *b)
{
    return a->cell == b->cell && strncmp(a->run, b->run, (size_t)a->cell) == 0;
}

/** "3 ranks: native / arch1 / mnist" for each cell, and how many ranks that leaves out. */
static void put_cells(lines *l, const cnn_live_rank *ranks, int count)
{
    enum { REST = 24 }; /* of " | ... and 1000 more" */
    int left = count;
    for (int i = 0; i < count; i++) {
        int same = 0;
        bool is_first = true;
        for (int k = 0; k < count; k++)
            if (is_same_cell(&ranks[i], &ranks[k])) {
                is_first &= k >= i;
                same++;
            }
        if (!is_first)
            continue;
        cnn_text item = {0};
        cnn_text_printf(&item, "%d rank%s: %.*s", same, same == 1 ? "" : "s", ranks[i].cell,
                        ranks[i].run);
        l->out->failed |= item.failed;
        const bool fits = item.failed || put(l, item.s, REST);
        cnn_text_free(&item);
        if (!fits)
            break;
        left -= same;
    }
    if (left)
        cnn_text_printf(l->out, " | ... and %d more", left);
}

void cnn_live_lay_out(const char *head, const cnn_live_rank *ranks, int count, int columns,
                      int most, cnn_text *out)
{
    lines l = {.out = out, .columns = columns, .most = most};
    put(&l, head, 0);
    const lines after_head = l;
    const size_t length = out->len;
    if (put_ranks(&l, ranks, count) || out->failed)
        return;
    out->len = length;
    out->s[length] = '\0';
    l = after_head;
    put_cells(&l, ranks, count);
}

int cnn_live_height(const char *text, int columns)
{
    int height = 0;
    while (true) {
        const size_t n = strcspn(text, "\n");
        char *line = cnn_strndup(text, n);
        const int width = line ? cnn_utf8_count(line) : 0;
        free(line);
        height += width > columns ? (width + columns - 1) / columns : 1;
        if (!text[n])
            return height;
        text += n + 1;
    }
}
