/* SPDX-License-Identifier: Apache-2.0 */
#include "host/log_reason.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool holds_word(const char *line, size_t n, const char *word)
{
    const size_t m = strlen(word);
    for (size_t i = 0; i + m <= n; i++)
        if (strncasecmp(line + i, word, m) == 0)
            return true;
    return false;
}

/** A line that speaks of an error, and not of none. */
static bool is_error(const char *line, size_t n)
{
    static const char *const words[] = {
        "error",     "exception",          "fatal",  "abort",        "panic",
        "assertion", "segmentation fault", "killed", "out of memory"};
    if (holds_word(line, n, "0 error") || holds_word(line, n, "no error"))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (holds_word(line, n, words[i]))
            return true;
    return false;
}

const char *cnn_log_reason(const char *log, size_t *n)
{
    static const char traceback[] = "Traceback (most recent call last)";
    const char *exception = NULL, *error = NULL, *last = log;
    size_t exception_size = 0, error_size = 0, last_size = 0;
    bool in_traceback = false;
    for (const char *line = log; *line;) {
        const size_t size = strcspn(line, "\n");
        const size_t blanks = strspn(line, " \t\r");
        if (size >= sizeof traceback - 1 && !strncmp(line, traceback, sizeof traceback - 1)) {
            in_traceback = true;
        } else if (in_traceback && blanks == 0 && size > 0) { /* frames are indented */
            exception = line;
            exception_size = size;
            in_traceback = false;
        } else if (is_error(line, size)) {
            error = line;
            error_size = size;
        }
        if (blanks < size) {
            last = line;
            last_size = size;
        }
        line += size + (line[size] == '\n');
    }
    *n = exception ? exception_size : error ? error_size : last_size;
    return exception ? exception : error ? error : last;
}
