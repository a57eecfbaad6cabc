/* SPDX-License-Identifier: Apache-2.0 */
/* Small data sets as files, since a trainer may refuse synthetic ones. */
#include "conformance/internal.h"

#include "data/synthetic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_TRAIN = 192, DIGITS_TEST = 64, PATCHES = 60 };

static cnn_status write_file(const trial *t, const char *name, const void *head, size_t head_size,
                             const void *body, size_t size)
{
    cnn_status st = CNN_OK;
    FILE *file = NULL;
    char *path = cnn_asprintf("%s/%s", t->folder, name);
    CNN_CHECK(path, CNN_ENOMEM, "a file's name");
    CNN_CHECK((file = fopen(path, "we")) != NULL, CNN_EENV, "cannot write '%s': %s", path,
              strerror(errno));
    const bool whole =
        fwrite(head, 1, head_size, file) == head_size && fwrite(body, 1, size, file) == size;
    const bool closed = fclose(file) == 0;
    CNN_CHECK(whole && closed, CNN_EENV, "cannot write '%s': %s", path, strerror(errno));
done:
    free(path);
    return st;
}

/** An IDX file of unsigned bytes: `rank` dimensions, then the elements. */
static cnn_status write_idx(const trial *t, const char *name, int rank, const int *dims,
                            const void *elements)
{
    unsigned char head[4 + 4 * 3] = {0, 0, 8, (unsigned char)rank};
    size_t size = 1;
    for (int i = 0; i < rank; i++) {
        for (int b = 0; b < 4; b++)
            head[4 + 4 * i + b] = (unsigned char)((unsigned)dims[i] >> (24 - 8 * b));
        size *= (size_t)dims[i];
    }
    return write_file(t, name, head, 4 + 4 * (size_t)rank, elements, size);
}

/** An NPY file, version 1, of u1. */
static cnn_status write_npy(const trial *t, const char *name, const char *shape, size_t size,
                            const void *elements)
{
    enum { HEAD = 128, MAGIC = 10 };
    char head[HEAD + 1] = "\x93NUMPY\x01";
    head[8] = HEAD - MAGIC; /* little-endian length of the rest */
    const int n = snprintf(head + MAGIC, HEAD - MAGIC + 1,
                           "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }", shape);
    memset(head + MAGIC + n, ' ', (size_t)(HEAD - MAGIC - n));
    head[HEAD - 1] = '\n';
    return write_file(t, name, head, HEAD, elements, size);
}

/** Labels as bytes, owned by the caller. */
static unsigned char *narrow(const int32_t *labels, int n)
{
    unsigned char *bytes = malloc((size_t)n);
    for (int i = 0; bytes && i < n; i++)
        bytes[i] = (unsigned char)labels[i];
    return bytes;
}

static cnn_status make(const cnn_source *source, unsigned char **images, unsigned char **labels)
{
    cnn_status st = CNN_OK;
    int32_t *wide = NULL;
    CNN_TRY(cnn_synthetic_images(source, images));
    CNN_TRY(cnn_synthetic_labels(source, &wide));
    CNN_CHECK((*labels = narrow(wide, source->count)) != NULL, CNN_ENOMEM, "%d labels",
              source->count);
done:
    free(wide);
    return st;
}

static cnn_status write_digits(const trial *t)
{
    cnn_status st = CNN_OK;
    unsigned char *images = NULL, *labels = NULL;
    const cnn_source source = {.name = (char *)"digits",
                               .type = CNN_SOURCE_SYNTHETIC,
                               .height = 28,
                               .width = 28,
                               .channels = 1,
                               .classes = 10,
                               .count = DIGITS_TRAIN + DIGITS_TEST,
                               .test_fraction = 0.2,
                               .split_seed = 11};
    const int train[] = {DIGITS_TRAIN, 28, 28}, test[] = {DIGITS_TEST, 28, 28};
    CNN_TRY(make(&source, &images, &labels));
    CNN_TRY(write_idx(t, "train-images-idx3-ubyte", 3, train, images));
    CNN_TRY(write_idx(t, "train-labels-idx1-ubyte", 1, train, labels));
    CNN_TRY(write_idx(t, "t10k-images-idx3-ubyte", 3, test, images + DIGITS_TRAIN * 28 * 28));
    CNN_TRY(write_idx(t, "t10k-labels-idx1-ubyte", 1, test, labels + DIGITS_TRAIN));
done:
    free(images);
    free(labels);
    return st;
}

static cnn_status write_patches(const trial *t)
{
    cnn_status st = CNN_OK;
    unsigned char *images = NULL, *labels = NULL;
    const cnn_source source = {.name = (char *)"patches",
                               .type = CNN_SOURCE_SYNTHETIC,
                               .height = 50,
                               .width = 50,
                               .channels = 3,
                               .classes = 2,
                               .count = PATCHES,
                               .test_fraction = 0.2,
                               .split_seed = 12};
    CNN_TRY(make(&source, &images, &labels));
    CNN_TRY(write_npy(t, "X.npy", "(60, 50, 50, 3)", (size_t)PATCHES * 50 * 50 * 3, images));
    CNN_TRY(write_npy(t, "Y.npy", "(60,)", PATCHES, labels));
done:
    free(images);
    free(labels);
    return st;
}

cnn_status trial_data_write(const trial *t)
{
    cnn_status st = CNN_OK;
    CNN_TRY(write_digits(t));
    CNN_TRY(write_patches(t));
done:
    return st;
}

/** Appends "key":"folder/name". */
static void append_path(cnn_text *out, const char *key, const char *folder, const char *name)
{
    cnn_text path = {0};
    cnn_text_printf(&path, "%s%s", folder, name);
    cnn_text_printf(out, "\"%s\":", key);
    cnn_text_append_json(out, path.s ? path.s : "");
    out->failed |= path.failed;
    cnn_text_free(&path);
}

void trial_data_source(const trial *t, const trial_case *c, cnn_text *out)
{
    cnn_text_append(out, c->data == DATA_PATCHES ? "{\"type\":\"npy\"," : "{\"type\":\"idx\",");
    if (c->data == DATA_PATCHES) {
        append_path(out, "images", t->folder, "/X.npy");
        cnn_text_append(out, ",");
        append_path(out, "labels", t->folder, "/Y.npy");
        cnn_text_append(out, ",\"test_fraction\":0.25");
    } else {
        append_path(out, "path", t->folder, c->data == DATA_ABSENT ? "/absent" : "");
    }
    if (c->data == DATA_FAINT)
        cnn_text_append(out, ",\"scale\":255000");
    cnn_text_printf(out, ",\"limit\":%d,\"test_limit\":%d,\"split_seed\":20180601}", c->images,
                    c->test_images);
}
