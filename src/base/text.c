/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/printable.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool reserve(cnn_text *t, size_t more)
{
    if (t->failed)
        return false;
    size_t need = t->len + more + 1;
    if (need <= t->cap)
        return true;
    size_t cap = t->cap ? t->cap : 64;
    while (cap < need)
        cap *= 2;
    char *s = realloc(t->s, cap);
    if (!s) {
        t->failed = true;
        return false;
    }
    t->s = s;
    t->cap = cap;
    return true;
}

void cnn_text_append_bytes(cnn_text *t, const char *s, size_t n)
{
    if (!reserve(t, n))
        return;
    if (n)
        memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = '\0';
}

void cnn_text_append(cnn_text *t, const char *s)
{
    cnn_text_append_bytes(t, s, strlen(s));
}

void cnn_text_printf(cnn_text *t, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        t->failed = true;
    else if (reserve(t, (size_t)n)) {
        vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    va_end(again);
}

void cnn_text_append_padded(cnn_text *t, const char *s, int width)
{
    int spaces = width - cnn_utf8_count(s);
    cnn_text_printf(t, "%s%*s", s, spaces > 0 ? spaces : 0, "");
}

void cnn_text_append_json(cnn_text *t, const char *s)
{
    cnn_text_append(t, "\"");
    for (size_t n; *s; s += n ? n : 1) {
        n = cnn_utf8_length(s);
        if (*s == '"' || *s == '\\')
            cnn_text_printf(t, "\\%c", *s);
        else if (cnn_printable_length(s))
            cnn_text_append_bytes(t, s, n);
        else /* all of them lie below U+10000 */
            cnn_text_printf(t, "\\u%04x", n ? (unsigned)cnn_utf8_code(s, n) : 0xfffdu);
    }
    cnn_text_append(t, "\"");
}

void cnn_text_append_json_number(cnn_text *t, double x)
{
    char digits[32] = "null";
    for (int n = 15; isfinite(x) && n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, x);
        if (strtod(digits, NULL) == x)
            break;
    }
    cnn_text_append(t, digits);
}

cnn_status cnn_text_status(const cnn_text *t)
{
    return t->failed ? cnn_error_set(CNN_ENOMEM, "text of %zu bytes", t->len) : CNN_OK;
}

char *cnn_text_take(cnn_text *t)
{
    cnn_text_append(t, "");
    char *s = t->failed ? NULL : t->s;
    if (t->failed)
        free(t->s);
    *t = (cnn_text){0};
    return s;
}

void cnn_text_free(cnn_text *t)
{
    free(t->s);
    *t = (cnn_text){0};
}

char *cnn_strndup(const char *s, size_t n)
{
    char *copy = malloc(n + 1);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

char *cnn_strdup(const char *s)
{
    return cnn_strndup(s, strlen(s));
}

char *cnn_asprintf(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : malloc((size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void cnn_copy_string(char *field, size_t n, const char *s)
{
    size_t len = strlen(s);
    if (len >= n)
        len = n - 1;
    memcpy(field, s, len);
    memset(field + len, 0, n - len);
}

void cnn_format_grouped(int64_t x, char out[CNN_GROUPED_SIZE])
{
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%" PRId64, x);
    int used = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

/** Levenshtein distance; words of 64 letters and more count as infinitely far. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { MOST = 64 };
    size_t n = strlen(a), m = strlen(b), row[MOST + 1];
    if (n >= MOST || m >= MOST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t insert = row[j - 1] + 1, drop = row[j] + 1;
            row[j] = change < insert ? change : insert;
            if (drop < row[j])
                row[j] = drop;
        }
    }
    return row[m];
}

const char *cnn_suggest(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 1;
    for (; names && *names; names++) {
        size_t d = edit_distance(word, *names);
        if (d <= least && (!best || d < least)) {
            best = *names;
            least = d;
        }
    }
    return best;
}

bool cnn_parse_int(const char *s, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (end == s || *end || errno)
        return false;
    *out = v;
    return true;
}

bool cnn_parse_real(const char *s, double *out)
{
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    if (end == s || *end || errno || !isfinite(v))
        return false;
    *out = v;
    return true;
}

cnn_status cnn_read_file(const char *path, size_t limit, char **out, size_t *len)
{
    cnn_status st = CNN_OK;
    char *s = NULL;
    size_t n = 0;
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CNN_CHECK(fd >= 0, errno == ENOENT ? CNN_EDATA : CNN_EIO, "cannot open '%s': %s", path,
              strerror(errno));
    CNN_CHECK(fstat(fd, &info) == 0, CNN_EIO, "cannot read '%s': %s", path, strerror(errno));
    CNN_CHECK(!S_ISDIR(info.st_mode), CNN_EDATA, "'%s' is a folder, not a file", path);
    size_t cap = info.st_size > 0 ? (size_t)info.st_size + 1 : 4096;
    for (;;) {
        CNN_CHECK(n <= limit, CNN_EUSAGE, "'%s' is larger than the %zu bytes allowed", path, limit);
        if (cap > limit + 1)
            cap = limit + 1;
        char *more = realloc(s, cap + 1);
        CNN_CHECK(more, CNN_ENOMEM, "%zu bytes for '%s'", cap + 1, path);
        s = more;
        ssize_t got = read(fd, s + n, cap - n);
        CNN_CHECK(got >= 0 || errno == EINTR, CNN_EIO, "cannot read '%s': %s", path,
                  strerror(errno));
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
        if (n == cap)
            cap *= 2;
    }
    s[n] = '\0';
    *out = s;
    if (len)
        *len = n;
    s = NULL;
done:
    free(s);
    if (fd >= 0)
        close(fd);
    return st;
}
