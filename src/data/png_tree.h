/* SPDX-License-Identifier: Apache-2.0 */
/** A tree of PNG images: <root>/<patient>/<class>/<name>.png, as the patches of breast histology
 *  are published.
 *
 *  Images are read in the order of patient, class and name, each sorted by its bytes, whatever
 *  the locale and the file system; so are classes: class k is the k-th of the names of class
 *  folders. Names that start with a dot and files on other levels of the tree are left alone; so
 *  are files that do not end in .png or .PNG, but they are counted. Where a file's name holds
 *  `_class<C>.png`, C must be its folder. */
#ifndef CNN_DATA_PNG_TREE_H
#define CNN_DATA_PNG_TREE_H

#include "base/status.h"
#include "data/image_shape.h"

#include <stdbool.h>
#include <stdint.h>

/** Owned by the caller: cnn_png_tree_free. */
typedef struct {
    cnn_image_shape shape; /* count: images that were kept */
    int files, skipped;    /* all images; those of another size */
    int other_files;       /* beside the images, of other kinds */
    int classes, patients; /* of kept images; classes counts all folders */
    char **class_names;    /* [classes] */
    int32_t *labels;       /* [count], in [0, classes) */
    int32_t *patient;      /* [count], in [0, patients): numbered in their order */
    unsigned char *pixels; /* u8 [count, height, width, channels]; NULL when only inspecting */
} cnn_png_tree;

/** Reads every file once. wanted: height, width and channels of the images to keep, others are
 *  skipped and counted; all 0: those of the size that most images have, the smallest (by height,
 *  width, channels) among equals. More than 5 % skipped is an error that names sizes and counts,
 *  unless allow_skip. So are folders called train, test and the like in the place of patients.
 *  inspect: only the headers are read. Memory grows with what the files can really hold. CNN_EDATA
 *  names what is wrong. */
cnn_status cnn_png_tree_read(const char *root, const cnn_image_shape *wanted, bool allow_skip,
                             bool inspect, cnn_png_tree *out);
void cnn_png_tree_free(cnn_png_tree *tree);

#endif
