/* SPDX-License-Identifier: Apache-2.0 */
/** Text of files, programs and people on its way to a terminal, a log or a column.
 *
 *  Not printable are control characters (U+0000 to U+001F, U+007F to U+009F), characters that
 *  change the direction of the text around them (U+202A to U+202E, U+2066 to U+2069), and bytes
 *  that are no UTF-8. Each is shown as '?', white space (tab, newline, carriage return and the
 *  like) as a blank. A newline stays where lines are kept.
 *
 *  Whatever prints text that did not come from the program itself does so through this file. */
#ifndef CNN_BASE_PRINTABLE_H
#define CNN_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Whether all of s can be printed as it is. */
bool cnn_is_printable(const char *s);

/** Bytes of the printable character at s (terminated); 0 if what begins there is none, or the
 *  terminator. */
size_t cnn_printable_length(const char *s);

/** Takes one character or stray byte off the front of s, not yet at its end: returns how many bytes
 *  that are and writes what is shown for them to shown, terminated. */
size_t cnn_show_character(const char *s, bool keep_lines, char shown[5]);

/** Makes s printable in place; a character that was cut off at the end is dropped. */
void cnn_make_printable(char *s, bool keep_lines);

/** Copies s into a field of n bytes, printable, cut between characters; the rest is zeros. */
void cnn_copy_printable(char *field, size_t n, const char *s, bool keep_lines);

/** Prints s, or formatted text, lines kept. Failures show in ferror(out). */
void cnn_print(FILE *out, const char *s);
void cnn_printf(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
