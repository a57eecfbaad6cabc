/* SPDX-License-Identifier: Apache-2.0 */
/** Growing text, and small helpers on strings. */
#ifndef CNN_BASE_TEXT_H
#define CNN_BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A growing, always terminated string. Start with {0}; end with cnn_text_free.
 *  Out of memory is remembered in `failed` and later appends do nothing: check once, at the end. */
typedef struct {
    char *s;    /* terminated; NULL only before the first append */
    size_t len; /* bytes, terminator not counted */
    size_t cap;
    bool failed;
} cnn_text;

void cnn_text_append(cnn_text *t, const char *s);
void cnn_text_append_bytes(cnn_text *t, const char *s, size_t n);
void cnn_text_printf(cnn_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Appends s as a JSON string, quotes included. What is not printable is escaped; bytes that are
 *  not UTF-8 become U+FFFD. */
void cnn_text_append_json(cnn_text *t, const char *s);
/** Appends a number as JSON in as few digits as give it back exactly; NaN and infinities as
 *  null. */
void cnn_text_append_json_number(cnn_text *t, double x);
/** Appends s and as many spaces as fill it up to `width` characters: printf's %-*s counts bytes.
 *  Characters that take two columns of a terminal count as one. */
void cnn_text_append_padded(cnn_text *t, const char *s, int width);
/** CNN_ENOMEM if any append failed. */
cnn_status cnn_text_status(const cnn_text *t);
/** Gives the string to the caller (who frees it) and empties t; NULL if any append failed. */
char *cnn_text_take(cnn_text *t);
void cnn_text_free(cnn_text *t);

/** Copies of strings, owned by the caller; NULL when out of memory. */
char *cnn_strdup(const char *s);
char *cnn_strndup(const char *s, size_t n);
char *cnn_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Copies s into a field of n bytes, always terminated, cut where it does not fit. */
void cnn_copy_string(char *field, size_t n, const char *s);

/** x in decimal digits with a comma between thousands: "1,234,567". */
enum { CNN_GROUPED_SIZE = 32 };
void cnn_format_grouped(int64_t x, char out[CNN_GROUPED_SIZE]);

/** The entry of names (NULL-terminated) closest to word by edit distance, or NULL when none is
 *  close (more than a third of its letters differ). For "did you mean". */
const char *cnn_suggest(const char *word, const char *const *names);

/** Whole-string number parsing; false when s is not exactly one number in range. */
bool cnn_parse_int(const char *s, int64_t *out);
bool cnn_parse_real(const char *s, double *out);

/** Reads a whole file of at most limit bytes; *out is terminated and owned by the caller.
 *  CNN_EUSAGE: it is larger; CNN_EDATA: it is not there or a folder; CNN_EIO. */
cnn_status cnn_read_file(const char *path, size_t limit, char **out, size_t *len);

#endif
