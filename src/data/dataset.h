/* SPDX-License-Identifier: Apache-2.0 */
/** A data set in memory: training and test images with labels. */
#ifndef CNN_DATA_DATASET_H
#define CNN_DATA_DATASET_H

#include "base/status.h"
#include "base/text.h"
#include "data/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One part of a data set. */
typedef struct {
    int count;
    void *images;    /* u8 or f32 [count, height, width, channels] */
    int32_t *labels; /* [count], in [0, classes) */
} cnn_images;

typedef struct {
    int height, width, channels, classes;
    bool is_f32;  /* images are f32, else u8 */
    double scale; /* multiply pixels by it: 1/255 for u8 */
    cnn_images train, test;
    int files, skipped;          /* png_tree: images there; those of another size. Else 0 */
    int other_files;             /* png_tree: files beside the images, left alone */
    int patients, test_patients; /* png_tree: of the images that were kept; those for testing, 0
                                    where single images are divided */
    /* FNV-1a of everything that was read, before split and limit: the elements' bytes as they are
     * in the files, without headers; idx: training images, training labels, test images, test
     * labels; npy: images, labels; png_tree: the pixels that were kept, labels as i32. */
    uint64_t checksum;
    char *found; /* where: paths, for people */
} cnn_dataset;

/** Reads, checks, splits and limits (data/split.h says how). CNN_EDATA names the file and what is
 *  wrong with it, or what is missing and how to get it. No allocation exceeds what the files
 *  honestly hold. */
cnn_status cnn_dataset_load(const cnn_source *source, cnn_dataset **out);
void cnn_dataset_destroy(cnn_dataset **dataset);

/** Identity of what is trained and tested on, after split and limit: the CRC-32 of the training
 *  part and that of the test part, 8 hexadecimal digits each. Of a part: its pixels as they lie in
 *  memory (u8, or f32 little-endian), then its labels as i32, little-endian. */
void cnn_dataset_fingerprint(const cnn_dataset *dataset, char out[17]);

/** Shape, classes, counts, scale and found only, from the headers and the labels: for `plan`. The
 *  images and labels of *out are NULL, its checksum is 0; the caller frees out->found. */
cnn_status cnn_dataset_inspect(const cnn_source *source, cnn_dataset *out);

/** What to do to get a well-known data set that is missing; "" for others. */
const char *cnn_dataset_advice(const cnn_source *source);

#endif
