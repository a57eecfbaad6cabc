/* SPDX-License-Identifier: Apache-2.0 */
/** Making what other programs wrote fit for a log and for a text column. */
#ifndef CNN_BASE_PRINTABLE_H
#define CNN_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/** Cleans a string in place: control characters become spaces (newlines stay if keep_lines), bytes
 *  that are not valid UTF-8 become '?', a character cut off at the end is dropped. */
void cnn_make_printable(char *s, bool keep_lines);

/** Copies s into a field of n bytes, printable, cut between characters. */
void cnn_copy_printable(char *field, size_t n, const char *s, bool keep_lines);

#endif
