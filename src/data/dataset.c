/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include "base/checksum.h"
#include "base/philox.h"
#include "data/idx.h"
#include "data/image_shape.h"
#include "data/npy.h"
#include "data/png_tree.h"
#include "data/split.h"
#include "data/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/** What is read: everything, or only what inspecting needs. */
typedef enum { READ_ALL, READ_HEADERS } reading;

static size_t image_bytes(const cnn_dataset *d)
{
    cnn_image_shape shape = {1, d->height, d->width, d->channels};
    return cnn_image_elements(&shape) * (d->is_f32 ? sizeof(float) : 1);
}

static void set_shape(cnn_dataset *d, const cnn_image_shape *shape)
{
    d->height = shape->height;
    d->width = shape->width;
    d->channels = shape->channels;
}

static void free_part(cnn_images *part)
{
    free(part->images);
    free(part->labels);
    *part = (cnn_images){0};
}

/** Brings images into the order [N,H,W,C]. Without a stated layout, what looks like channels first
 *  is refused: it would be trained on as a few lines of many channels. */
static cnn_status settle_layout(const cnn_source *source, const char *path, size_t element_size,
                                cnn_image_shape *shape, void *pixels)
{
    cnn_status st = CNN_OK;
    const bool unstated = source->layout == CNN_LAYOUT_UNSTATED;
    CNN_CHECK(
        !unstated || !cnn_image_looks_channels_first(shape), CNN_EDATA,
        "'%s' looks like channels first: [%d,%d,%d,%d] would be images of %d x %d pixels with "
        "%d channels. Save it as [N,H,W,C]: numpy.save(path, "
        "numpy.load(path).transpose(0, 2, 3, 1)); or write `layout: nchw` in the data set's "
        "entry, `layout: nhwc` if it is as it should be",
        path, shape->count, shape->height, shape->width, shape->channels, shape->height,
        shape->width, shape->channels);
    if (source->layout == CNN_LAYOUT_NCHW)
        CNN_TRY(cnn_image_channels_last(shape, element_size, pixels));
done:
    return st;
}

/** One of the four idx files of a folder. */
static cnn_status locate(const cnn_source *source, const char *folder, int which, char **path)
{
    cnn_status st = CNN_OK;
    CNN_TRY(cnn_idx_locate(folder, which, path));
    const char *advice = cnn_dataset_advice(source);
    CNN_CHECK(*path, CNN_EDATA, "'%s' holds neither %s nor %s.gz%s%s", folder, cnn_idx_names[which],
              cnn_idx_names[which], *advice ? "\n" : "", advice);
done:
    return st;
}

/** Reads the pair of files `which` and the one after it. */
static cnn_status read_idx_part(const cnn_source *source, const char *folder, int which,
                                reading how, cnn_dataset *d, cnn_images *part,
                                cnn_image_shape *shape)
{
    cnn_status st = CNN_OK;
    char *images = NULL, *labels = NULL;
    unsigned char *pixels = NULL;
    CNN_TRY(locate(source, folder, which, &images));
    CNN_TRY(locate(source, folder, which + 1, &labels));
    CNN_TRY(cnn_idx_images(images, shape, &d->checksum, how == READ_ALL ? &pixels : NULL));
    part->images = pixels;
    CNN_TRY(settle_layout(source, images, 1, shape, pixels));
    CNN_TRY(cnn_idx_labels(labels, &part->count, &d->checksum, &part->labels));
    CNN_CHECK(shape->count == part->count, CNN_EDATA,
              "'%s' has %d images, but '%s' has %d labels: are they of the same data set?", images,
              shape->count, labels, part->count);
done:
    free(labels);
    free(images);
    return st;
}

static cnn_status read_idx(const cnn_source *source, reading how, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    cnn_image_shape train, test;
    CNN_TRY(cnn_source_find(source, source->path, &d->found));
    CNN_TRY(read_idx_part(source, d->found, CNN_IDX_TRAIN_IMAGES, how, d, &d->train, &train));
    CNN_TRY(read_idx_part(source, d->found, CNN_IDX_TEST_IMAGES, how, d, &d->test, &test));
    CNN_CHECK(
        train.height == test.height && train.width == test.width && train.channels == test.channels,
        CNN_EDATA, "'%s': training images are %d x %d x %d, but test images %d x %d x %d", d->found,
        train.height, train.width, train.channels, test.height, test.width, test.channels);
    set_shape(d, &train);
done:
    return st;
}

/** Everything goes into the training part; it is split later. */
static cnn_status read_npy(const cnn_source *source, reading how, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    cnn_image_shape shape;
    char *images = NULL, *labels = NULL;
    CNN_TRY(cnn_source_find(source, source->images, &images));
    CNN_TRY(cnn_source_find(source, source->labels, &labels));
    CNN_TRY(cnn_npy_images(images, &shape, &d->is_f32, &d->checksum,
                           how == READ_ALL ? &d->train.images : NULL));
    CNN_TRY(settle_layout(source, images, d->is_f32 ? sizeof(float) : 1, &shape, d->train.images));
    CNN_TRY(cnn_npy_labels(labels, &d->train.count, &d->checksum, &d->train.labels));
    CNN_CHECK(shape.count == d->train.count, CNN_EDATA,
              "'%s' has %d images, but '%s' has %d labels: are they of the same data set?", images,
              shape.count, labels, d->train.count);
    set_shape(d, &shape);
    CNN_CHECK((d->found = cnn_asprintf("%s, %s", images, labels)) != NULL, CNN_ENOMEM,
              "paths of a data set");
done:
    free(labels);
    free(images);
    return st;
}

/** Everything goes into the training part. *patient, i32 [count], is owned by the caller. */
static cnn_status read_png_tree(const cnn_source *source, reading how, cnn_dataset *d,
                                int32_t **patient)
{
    cnn_status st = CNN_OK;
    cnn_png_tree tree = {0};
    const cnn_image_shape wanted = {1, source->height, source->width, source->channels};
    CNN_TRY(cnn_source_find(source, source->path, &d->found));
    CNN_TRY(cnn_png_tree_read(d->found, &wanted, source->skip == CNN_SKIP_ALLOW,
                              how == READ_HEADERS, &tree));
    set_shape(d, &tree.shape);
    d->files = tree.files;
    d->skipped = tree.skipped;
    d->other_files = tree.other_files;
    d->patients = tree.patients;
    d->train = (cnn_images){tree.shape.count, tree.pixels, tree.labels};
    *patient = tree.patient;
    tree.pixels = NULL;
    tree.labels = tree.patient = NULL;
    if (how == READ_ALL) {
        size_t n = (size_t)tree.shape.count;
        d->checksum = cnn_checksum(d->checksum, d->train.images, n * image_bytes(d));
        d->checksum = cnn_checksum(d->checksum, d->train.labels, n * sizeof *d->train.labels);
    }
done:
    cnn_png_tree_free(&tree);
    return st;
}

static cnn_status read_synthetic(const cnn_source *source, reading how, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    unsigned char *pixels = NULL;
    cnn_image_shape shape = {source->count, source->height, source->width, source->channels};
    CNN_TRY(cnn_synthetic_labels(source, &d->train.labels));
    d->train.count = source->count;
    set_shape(d, &shape);
    if (how == READ_ALL) {
        CNN_TRY(cnn_synthetic_images(source, &pixels));
        d->train.images = pixels;
        size_t n = (size_t)source->count;
        d->checksum = cnn_checksum(d->checksum, pixels, n * image_bytes(d));
        d->checksum = cnn_checksum(d->checksum, d->train.labels, n * sizeof *d->train.labels);
    }
    CNN_CHECK((d->found = cnn_strdup("made up (synthetic)")) != NULL, CNN_ENOMEM, "text");
done:
    return st;
}

static void widen_classes(const cnn_images *part, int *classes)
{
    for (int i = 0; i < part->count; i++)
        if (part->labels[i] >= *classes)
            *classes = part->labels[i] + 1;
}

/** Whether all labels of a part are `label`. */
static bool all_labels_are(const cnn_images *part, int32_t label)
{
    for (int i = 0; i < part->count; i++)
        if (part->labels[i] != label)
            return false;
    return true;
}

/** What is known of the only class, by the format. */
static const char *cause_of_single_class(const cnn_source *source)
{
    switch ((cnn_source_type)source->type) {
    case CNN_SOURCE_PNG_TREE:
        return "all images lie in class folders of one name; they must lie at "
               "PATIENT/CLASS/NAME.png below the path";
    case CNN_SOURCE_NPY:
        return "is `labels` the right file, and labels were not cast or cut before they were saved?";
    case CNN_SOURCE_IDX:
        return "are these the right files of labels?";
    case CNN_SOURCE_EXTERNAL:
    case CNN_SOURCE_SYNTHETIC:
        break;
    }
    return "raise `count`";
}

static cnn_status count_classes(const cnn_source *source, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    widen_classes(&d->train, &d->classes);
    widen_classes(&d->test, &d->classes);
    const int32_t first = d->train.labels[0];
    CNN_CHECK(!all_labels_are(&d->train, first) || !all_labels_are(&d->test, first), CNN_EDATA,
              "%s: there is one class alone (all %d labels are %d), and two are the least: %s",
              d->found, d->train.count + d->test.count, (int)first, cause_of_single_class(source));
done:
    return st;
}

/** Pixels divided by scale must lie in 0..1. The first that does not is in *bad. */
static bool pixels_fit(const cnn_dataset *d, const cnn_images *part, double scale, size_t *bad,
                       double *value)
{
    size_t n = part->images ? (size_t)part->count * image_bytes(d) : 0;
    const unsigned char *bytes = part->images;
    const float *reals = part->images;
    if (!d->is_f32 && scale >= UINT8_MAX)
        return true;
    if (d->is_f32)
        n /= sizeof *reals;
    for (size_t i = 0; i < n; i++) {
        double x = d->is_f32 ? (double)reals[i] : bytes[i];
        if (!(x >= 0 && x <= scale)) { /* NaN fails as well */
            *bad = i;
            *value = x;
            return false;
        }
    }
    return true;
}

static cnn_status check_pixels(const cnn_source *source, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    double scale = source->scale > 0 ? source->scale : d->is_f32 ? 1 : UINT8_MAX;
    size_t bad = 0;
    double value = 0;
    d->scale = 1 / scale;
    bool fit = pixels_fit(d, &d->train, scale, &bad, &value) &&
               pixels_fit(d, &d->test, scale, &bad, &value);
    CNN_CHECK(fit || isfinite(value), CNN_EDATA, "%s: element %zu is %g, not a finite number",
              d->found, bad, value);
    CNN_CHECK(fit || value > 0, CNN_EDATA,
              "%s: element %zu is %g; pixels must not be negative. Save them in 0..1 or as bytes",
              d->found, bad, value);
    CNN_CHECK(
        fit, CNN_EDATA,
        "%s: element %zu is %g; pixels must lie in 0..1 after division by scale, which is %g. "
        "Are they 0..255? Then set `scale: 255` in the data set's entry",
        d->found, bad, value, scale);
done:
    return st;
}

/** A part of the n images of `from` at index, in that order. images may be NULL (inspecting). */
static cnn_status gather(const cnn_images *from, size_t bytes, const int32_t *index, int n,
                         cnn_images *to)
{
    cnn_status st = CNN_OK;
    cnn_images part = {.count = n};
    const unsigned char *source = from->images;
    CNN_CHECK((part.labels = malloc((size_t)n * sizeof *part.labels)) != NULL, CNN_ENOMEM,
              "%zu bytes for %d labels", (size_t)n * sizeof *part.labels, n);
    if (source)
        CNN_CHECK((part.images = malloc((size_t)n * bytes)) != NULL, CNN_ENOMEM,
                  "%zu bytes for %d images", (size_t)n * bytes, n);
    for (int i = 0; i < n; i++) {
        part.labels[i] = from->labels[index[i]];
        if (source)
            memcpy((unsigned char *)part.images + (size_t)i * bytes,
                   source + (size_t)index[i] * bytes, bytes);
    }
    *to = part;
    part = (cnn_images){0};
done:
    free_part(&part);
    return st;
}

/** Divides the training part into both parts. patient [count]: whole patients, unless NULL. */
static cnn_status split(const cnn_source *source, const int32_t *patient, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    cnn_images all = d->train;
    int n = all.count, test = 0, at[2] = {0, 0};
    bool *is_test = NULL;
    int32_t *index = NULL;
    d->train = (cnn_images){0};
    CNN_CHECK((is_test = calloc((size_t)n, sizeof *is_test)) != NULL &&
                  (index = malloc((size_t)n * sizeof *index)) != NULL,
              CNN_ENOMEM, "split of %d images", n);
    const uint64_t seed = source->split_seed;
    const double fraction = source->test_fraction;
    st = patient ? cnn_split_grouped(seed, fraction, n, patient, d->patients, is_test, &test,
                                     &d->test_patients)
                 : cnn_split_stratified(seed, fraction, n, all.labels, d->classes, is_test, &test);
    if (st != CNN_OK) {
        cnn_error_prefix(st, "data set '%s'", source->name ? source->name : d->found);
        goto done;
    }
    at[1] = n - test; /* index: training images, then test images */
    for (int i = 0; i < n; i++)
        index[at[is_test[i]]++] = i;
    CNN_TRY(gather(&all, image_bytes(d), index, n - test, &d->train));
    CNN_TRY(gather(&all, image_bytes(d), index + n - test, test, &d->test));
done:
    free(index);
    free(is_test);
    free_part(&all);
    return st;
}

/** Keeps the first `limit` images of a shuffle of the part. */
static cnn_status limit_part(const cnn_source *source, cnn_split_stream stream, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    bool train = stream == CNN_SPLIT_LIMIT_TRAIN;
    cnn_images *part = train ? &d->train : &d->test, kept = {0};
    int limit = train ? source->limit : source->test_limit;
    int32_t *order = NULL;
    if (limit == 0)
        return CNN_OK;
    CNN_CHECK(limit > 0 && limit <= part->count, CNN_EDATA,
              "data set '%s': %s is %d, but there are %d %s images",
              source->name ? source->name : "", train ? "limit" : "test_limit", limit, part->count,
              train ? "training" : "test");
    CNN_CHECK((order = malloc((size_t)part->count * sizeof *order)) != NULL, CNN_ENOMEM,
              "order of %d images", part->count);
    CNN_TRY(cnn_random_order(source->split_seed, CNN_RANDOM_SPLIT, stream, part->count, order));
    CNN_TRY(gather(part, image_bytes(d), order, limit, &kept));
    free_part(part);
    *part = kept;
done:
    free(order);
    return st;
}

static cnn_status read_dataset(const cnn_source *source, reading how, cnn_dataset *d)
{
    cnn_status st = CNN_OK;
    int32_t *patient = NULL;
    d->checksum = CNN_CHECKSUM_START;
    switch ((cnn_source_type)source->type) {
    case CNN_SOURCE_IDX:
        CNN_TRY(read_idx(source, how, d));
        break;
    case CNN_SOURCE_NPY:
        CNN_TRY(read_npy(source, how, d));
        break;
    case CNN_SOURCE_PNG_TREE:
        CNN_TRY(read_png_tree(source, how, d, &patient));
        break;
    case CNN_SOURCE_SYNTHETIC:
        CNN_TRY(read_synthetic(source, how, d));
        break;
    case CNN_SOURCE_EXTERNAL:
        CNN_CHECK(false, CNN_EUSAGE,
                  "data set '%s' is external: only trainers that know it can read it",
                  source->name);
        break;
    }
    CNN_CHECK(d->found, CNN_EINVAL, "a data set's type %d is not known", source->type);
    CNN_TRY(count_classes(source, d));
    CNN_TRY(check_pixels(source, d));
    if (source->type != CNN_SOURCE_IDX)
        CNN_TRY(split(source, source->split == CNN_SPLIT_BY_PATIENT ? patient : NULL, d));
    CNN_TRY(limit_part(source, CNN_SPLIT_LIMIT_TRAIN, d));
    CNN_TRY(limit_part(source, CNN_SPLIT_LIMIT_TEST, d));
done:
    free(patient);
    return st;
}

cnn_status cnn_dataset_load(const cnn_source *source, cnn_dataset **out)
{
    cnn_status st = CNN_OK;
    cnn_dataset *d = NULL;
    CNN_CHECK(source && out, CNN_EINVAL, "source and out must not be NULL");
    CNN_CHECK((d = calloc(1, sizeof *d)) != NULL, CNN_ENOMEM, "a data set");
    CNN_TRY(read_dataset(source, READ_ALL, d));
    *out = d;
    d = NULL;
done:
    cnn_dataset_destroy(&d);
    return st;
}

cnn_status cnn_dataset_inspect(const cnn_source *source, cnn_dataset *out)
{
    cnn_status st = CNN_OK;
    cnn_dataset d = {0};
    CNN_CHECK(source && out, CNN_EINVAL, "source and out must not be NULL");
    CNN_TRY(read_dataset(source, READ_HEADERS, &d));
    *out = d;
    out->checksum = 0;
    out->train = (cnn_images){.count = d.train.count};
    out->test = (cnn_images){.count = d.test.count};
    d.found = NULL;
done:
    free_part(&d.train);
    free_part(&d.test);
    free(d.found);
    return st;
}

static unsigned long fingerprint_of(const cnn_dataset *d, const cnn_images *part)
{
    const size_t pixels = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    const size_t count = (size_t)part->count;
    const uLong crc = crc32_z(0, part->images, count * pixels * (d->is_f32 ? 4 : 1));
    return crc32_z(crc, (const unsigned char *)part->labels, count * sizeof *part->labels);
}

void cnn_dataset_fingerprint(const cnn_dataset *d, char out[17])
{
    snprintf(out, 17, "%08lx%08lx", fingerprint_of(d, &d->train) & 0xffffffff,
             fingerprint_of(d, &d->test) & 0xffffffff);
}

void cnn_dataset_destroy(cnn_dataset **dataset)
{
    cnn_dataset *d = *dataset;
    if (!d)
        return;
    free_part(&d->train);
    free_part(&d->test);
    free(d->found);
    free(d);
    *dataset = NULL;
}
