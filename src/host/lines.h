/* SPDX-License-Identifier: Apache-2.0 */
/** Splitting a stream of bytes into lines. */
#ifndef CNN_HOST_LINES_H
#define CNN_HOST_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { CNN_LINE_MOST = 65536, CNN_LINES_ROOM = 2 * CNN_LINE_MOST };

/** Start with {0}. */
typedef struct {
    char bytes[CNN_LINES_ROOM + 1];
    size_t start, end; /* what has not been taken yet */
    bool skipping;     /* the rest of a line that was given cut */
    bool closed;       /* nothing more will come: a last line needs no newline */
} cnn_lines;

/** Where to put new bytes, and how many fit; 0 while whole lines wait to be taken. */
char *cnn_lines_space(cnn_lines *lines, size_t *room);
/** Says that n bytes have been put there. */
void cnn_lines_added(cnn_lines *lines, size_t n);

/** The next line, terminated, without its newline, borrowed until the next call; NULL: none yet. A
 *  line of more than CNN_LINE_MOST bytes is given cut and sets *too_long. */
const char *cnn_lines_next(cnn_lines *lines, bool *too_long);

#endif
