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
    uint64_t checksum; /* of everything that was read, before split and limit */
    char *found;       /* where: paths, for people */
} cnn_dataset;

/** Reads, checks, splits and limits. CNN_EDATA names the file and what is wrong with it, or what is
 *  missing and how to get it. No allocation exceeds what the files honestly hold. */
cnn_status cnn_dataset_load(const cnn_source *source, cnn_dataset **out);
void cnn_dataset_destroy(cnn_dataset **dataset);

/** Only shape, classes and counts, from headers (npy labels are read): for `plan`. The images and
 *  labels of *out are NULL. */
cnn_status cnn_dataset_inspect(const cnn_source *source, cnn_dataset *out);

/** What to do to get a well-known data set that is missing; "" for others. */
const char *cnn_dataset_advice(const cnn_source *source);

#endif
