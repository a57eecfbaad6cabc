/* SPDX-License-Identifier: Apache-2.0 */
#include "data/npy.h"

#include "data/file.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "f4 pixels are used as they are read");

enum {
    MAGIC = 6,
    MAX_RANK = 4,
    MAX_HEADER = 1 << 16, /* NumPy's own headers of plain arrays have 118 bytes */
    MAX_DESCR = 16,
};

typedef struct {
    char descr[MAX_DESCR]; /* "|u1", "<f4", ... */
    bool fortran_order;
    int rank;
    uint64_t dims[MAX_RANK];
} npy_header;

/** The header's text, a Python dictionary, and where its parser stands. */
typedef struct {
    const char *path, *s;
    size_t at, end, start; /* start: offset of the text in the file */
} cursor;

static cnn_status malformed(const cursor *c, const char *expected)
{
    return cnn_error_set(CNN_EDATA, "'%s': malformed NPY header at byte %zu: expected %s", c->path,
                         c->start + c->at, expected);
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && isspace((unsigned char)c->s[c->at]))
        c->at++;
}

/** Skips white space, and the character ch if it comes next. */
static bool accept(cursor *c, char ch)
{
    skip_space(c);
    if (c->at >= c->end || c->s[c->at] != ch)
        return false;
    c->at++;
    return true;
}

static bool accept_word(cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_space(c);
    if (c->end - c->at < n || memcmp(c->s + c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/** A quoted string without escapes, at most n - 1 characters. */
static cnn_status parse_string(cursor *c, char *out, size_t n)
{
    cnn_status st = CNN_OK;
    size_t len = 0;
    char quote = accept(c, '\'') ? '\'' : '"';
    if (quote == '"' && !accept(c, '"'))
        return malformed(c, "a quoted string");
    while (c->at < c->end && c->s[c->at] != quote) {
        if (len + 1 >= n || !isprint((unsigned char)c->s[c->at]))
            return malformed(c, "a short quoted string");
        out[len++] = c->s[c->at++];
    }
    out[len] = '\0';
    return accept(c, quote) ? st : malformed(c, "the string's end");
}

static cnn_status parse_size(cursor *c, uint64_t *out)
{
    skip_space(c);
    if (c->at >= c->end || !isdigit((unsigned char)c->s[c->at]))
        return malformed(c, "a size");
    uint64_t v = 0;
    for (; c->at < c->end && isdigit((unsigned char)c->s[c->at]); c->at++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(c->s[c->at] - '0'), &v))
            return malformed(c, "a size below 2^64");
    *out = v;
    return CNN_OK;
}

/** "(N,)", "(N, H, W)", ... */
static cnn_status parse_shape(cursor *c, npy_header *h)
{
    cnn_status st = CNN_OK;
    if (!accept(c, '('))
        return malformed(c, "the shape in parentheses");
    for (h->rank = 0; !accept(c, ')'); h->rank++) {
        CNN_CHECK(h->rank < MAX_RANK, CNN_EDATA,
                  "'%s' has more than %d dimensions; images are [N,H,W,C] or [N,H,W], labels [N]",
                  c->path, MAX_RANK);
        CNN_TRY(parse_size(c, &h->dims[h->rank]));
        if (!accept(c, ',') && (c->at >= c->end || c->s[c->at] != ')'))
            return malformed(c, "',' or ')'");
    }
done:
    return st;
}

/** descr is a string, or a list where elements are records. */
static cnn_status parse_descr(cursor *c, npy_header *h)
{
    skip_space(c);
    if (c->at < c->end && c->s[c->at] == '[')
        return cnn_error_set(CNN_EDATA,
                             "'%s' holds records, not numbers; save one field of it alone: "
                             "numpy.save(..., a['field'])",
                             c->path);
    return parse_string(c, h->descr, sizeof h->descr);
}

static cnn_status parse_dictionary(cursor *c, npy_header *h)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    cnn_status st = CNN_OK;
    unsigned seen = 0;
    if (!accept(c, '{'))
        return malformed(c, "'{'");
    while (!accept(c, '}')) {
        char key[MAX_DESCR];
        CNN_TRY(parse_string(c, key, sizeof key));
        if (!accept(c, ':'))
            return malformed(c, "':'");
        if (strcmp(key, "descr") == 0) {
            CNN_TRY(parse_descr(c, h));
            seen |= DESCR;
        } else if (strcmp(key, "fortran_order") == 0) {
            h->fortran_order = accept_word(c, "True");
            if (!h->fortran_order && !accept_word(c, "False"))
                return malformed(c, "True or False");
            seen |= ORDER;
        } else if (strcmp(key, "shape") == 0) {
            CNN_TRY(parse_shape(c, h));
            seen |= SHAPE;
        } else {
            return malformed(c, "'descr', 'fortran_order' or 'shape' before this");
        }
        if (!accept(c, ',') && (c->at >= c->end || c->s[c->at] != '}'))
            return malformed(c, "',' or '}'");
    }
    skip_space(c);
    if (c->at != c->end)
        return malformed(c, "nothing but white space");
    if (seen != ALL)
        return malformed(c, "'descr', 'fortran_order' and 'shape' before this");
done:
    return st;
}

/** Reads magic, version and the header's length. */
static cnn_status read_preamble(cnn_data_file *f, size_t *length)
{
    cnn_status st = CNN_OK;
    const char *path = cnn_data_file_path(f);
    unsigned char magic[MAGIC], version[2], n[4] = {0};
    CNN_TRY(cnn_data_file_read(f, "the NPY header", magic, sizeof magic));
    CNN_CHECK(memcmp(magic, "PK\x03\x04", 4) != 0, CNN_EDATA,
              "'%s' is an archive of arrays (NPZ); save the array that is meant on its own: "
              "numpy.save('X.npy', numpy.load('%s')['NAME'])",
              path, path);
    CNN_CHECK(memcmp(magic, "\x93NUMPY", MAGIC) == 0, CNN_EDATA,
              "'%s' is no NPY file (numpy.save writes them): it does not start with \\x93NUMPY",
              path);
    CNN_TRY(cnn_data_file_read(f, "the NPY header", version, sizeof version));
    CNN_CHECK(version[0] >= 1 && version[0] <= 3, CNN_EDATA,
              "'%s' has NPY version %d.%d (byte 6); 1, 2 and 3 can be read", path, version[0],
              version[1]);
    CNN_TRY(cnn_data_file_read(f, "the NPY header", n, version[0] == 1 ? 2 : 4));
    *length = (size_t)n[0] | (size_t)n[1] << 8 | (size_t)n[2] << 16 | (size_t)n[3] << 24;
    CNN_CHECK(*length <= MAX_HEADER, CNN_EDATA,
              "'%s': an NPY header of %zu bytes (bytes 8 to 11) is not possible for a plain array",
              path, *length);
done:
    return st;
}

static cnn_status read_header(cnn_data_file *f, npy_header *h)
{
    cnn_status st = CNN_OK;
    char *text = NULL;
    size_t length = 0;
    *h = (npy_header){0};
    CNN_TRY(read_preamble(f, &length));
    cursor c = {.path = cnn_data_file_path(f), .end = length};
    c.start = (size_t)cnn_data_file_offset(f);
    CNN_CHECK((text = malloc(length + 1)) != NULL, CNN_ENOMEM, "header of '%s'", c.path);
    CNN_TRY(cnn_data_file_read(f, "the NPY header", text, length));
    c.s = text;
    CNN_TRY(parse_dictionary(&c, h));
    CNN_CHECK(!h->fortran_order, CNN_EDATA,
              "'%s' is in Fortran order; convert it: numpy.save(path, "
              "numpy.ascontiguousarray(numpy.load(path)))",
              c.path);
done:
    free(text);
    return st;
}

/** NumPy writes '|' for bytes, where order means nothing; other writers write '<'. */
static bool has_type(const npy_header *h, const char *type)
{
    bool little = h->descr[0] == '<' || (type[1] == '1' && h->descr[0] == '|');
    return little && strcmp(h->descr + 1, type) == 0;
}

static cnn_status wrong_type(const char *path, const npy_header *h, const char *what,
                             const char *types, const char *type)
{
    bool big = h->descr[0] == '>';
    return cnn_error_set(CNN_EDATA,
                         "'%s' holds elements of type '%s'%s; %s may be %s, little-endian; convert "
                         "them: numpy.save(path, numpy.load(path).astype('%s'))",
                         path, h->descr, big ? ", big-endian" : "", what, types, type);
}

cnn_status cnn_npy_images(const char *path, cnn_image_shape *shape, bool *is_f32, uint64_t *sum,
                          void **pixels)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = NULL;
    npy_header h;
    uint64_t bytes;
    unsigned char *data = NULL;
    CNN_TRY(cnn_data_file_open(path, &f));
    CNN_TRY(read_header(f, &h));
    *is_f32 = has_type(&h, "f4");
    if (!*is_f32 && !has_type(&h, "u1")) {
        bool real = strlen(h.descr) > 1 && h.descr[1] == 'f';
        st = wrong_type(path, &h, "images", "u1 or f4", real ? "<f4" : "u1");
        goto done;
    }
    CNN_CHECK(h.rank == 3 || h.rank == 4, CNN_EDATA,
              "'%s' has %d dimensions; images are [N,H,W,C] or [N,H,W]", path, h.rank);
    CNN_TRY(cnn_image_shape_set(path, h.dims, h.rank, *is_f32 ? 4 : 1, shape, &bytes));
    if (!pixels) {
        CNN_TRY(cnn_data_file_promise(f, "images", bytes));
    } else {
        CNN_TRY(cnn_data_file_payload(f, "images", bytes, sum, &data));
        *pixels = data;
    }
done:
    cnn_data_file_close(&f);
    return st;
}

/** Little-endian integer of `size` bytes, two's complement unless it is one byte (u1). */
static int64_t integer_at(const unsigned char *p, size_t size)
{
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return size == 1 ? (int64_t)v : size == 4 ? (int32_t)(uint32_t)v : (int64_t)v;
}

cnn_status cnn_npy_labels(const char *path, int *count, uint64_t *sum, int32_t **labels)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = NULL;
    npy_header h;
    unsigned char *bytes = NULL;
    int32_t *values = NULL;
    CNN_TRY(cnn_data_file_open(path, &f));
    CNN_TRY(read_header(f, &h));
    size_t size = has_type(&h, "u1") ? 1 : has_type(&h, "i4") ? 4 : has_type(&h, "i8") ? 8 : 0;
    if (size == 0) {
        st = wrong_type(path, &h, "labels", "u1, i4 or i8", "<i8");
        goto done;
    }
    CNN_CHECK(h.rank == 1, CNN_EDATA,
              "'%s' has %d dimensions; labels are [N]: numpy.save(path, "
              "numpy.load(path).reshape(-1)), or argmax(axis=1) where they are one-hot",
              path, h.rank);
    CNN_TRY(cnn_label_count_set(path, h.dims[0], count));
    size_t start = (size_t)cnn_data_file_offset(f);
    CNN_TRY(cnn_data_file_payload(f, "labels", h.dims[0] * size, sum, &bytes));
    CNN_CHECK((values = malloc((size_t)*count * sizeof *values)) != NULL, CNN_ENOMEM,
              "%zu bytes for %d labels", (size_t)*count * sizeof *values, *count);
    for (size_t i = 0; i < (size_t)*count; i++) {
        int64_t v = integer_at(bytes + i * size, size);
        CNN_CHECK(v >= 0 && v < CNN_DATA_CLASSES_MAX, CNN_EDATA,
                  "'%s': label %zu (byte %zu) is %" PRId64 "; labels count from 0 to at most %d",
                  path, i, start + i * size, v, CNN_DATA_CLASSES_MAX - 1);
        values[i] = (int32_t)v;
    }
    *labels = values;
    values = NULL;
done:
    free(values);
    free(bytes);
    cnn_data_file_close(&f);
    return st;
}
