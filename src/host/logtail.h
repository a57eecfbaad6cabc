/* SPDX-License-Identifier: Apache-2.0 */
/** The last lines of what a program has printed. */
#ifndef CNN_HOST_LOGTAIL_H
#define CNN_HOST_LOGTAIL_H

#include <stddef.h>

enum { CNN_LOGTAIL_MOST = 511, CNN_LOGTAIL_KEPT = 1024 };

/** Start with {0}. */
typedef struct {
    char bytes[CNN_LOGTAIL_KEPT]; /* the last ones, oldest first */
    size_t count;
    char text[CNN_LOGTAIL_MOST + 1];
} cnn_logtail;

void cnn_logtail_add(cnn_logtail *tail, const char *bytes, size_t n);

/** The last CNN_LOGTAIL_MOST bytes at most: whole lines as far as they fit (one longer line is
 *  given by its end), printable, without the last newline. Borrowed; never NULL. */
const char *cnn_logtail_text(cnn_logtail *tail);

#endif
