/* SPDX-License-Identifier: Apache-2.0 */
/** Characters of UTF-8 text. */
#ifndef CNN_BASE_UTF8_H
#define CNN_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the valid character at s (terminated), 0 if there is none; NUL counts as one. */
size_t cnn_utf8_length(const char *s);
/** The code point of the valid character at s, `length` bytes long. */
uint32_t cnn_utf8_code(const char *s, size_t length);
/** Characters of s; a byte that is no part of one counts as one. */
int cnn_utf8_count(const char *s);

#endif
