/* SPDX-License-Identifier: Apache-2.0 */
/** Where a data set comes from: an entry of `datasets:` in a job file, and "dataset" in a run's
 *  specification. */
#ifndef CNN_DATA_SOURCE_H
#define CNN_DATA_SOURCE_H

#include "base/text.h"
#include "base/yaml.h"

#include <stdint.h>

typedef enum {
    CNN_SOURCE_IDX,
    CNN_SOURCE_NPY,
    CNN_SOURCE_PNG_TREE,
    CNN_SOURCE_SYNTHETIC,
    CNN_SOURCE_EXTERNAL /* trainers alone know it */
} cnn_source_type;
extern const char *const cnn_source_type_names[]; /* "idx", ...; NULL-terminated */

/** What is divided into training and test images: images of each class, or whole patients. */
typedef enum { CNN_SPLIT_BY_IMAGE, CNN_SPLIT_BY_PATIENT } cnn_split_by;
extern const char *const cnn_split_by_names[]; /* "image", "patient"; NULL-terminated */

/** The order of an image's dimensions in a file. Unstated: channels last, and what looks like
 *  channels first is an error. */
typedef enum { CNN_LAYOUT_UNSTATED, CNN_LAYOUT_NHWC, CNN_LAYOUT_NCHW } cnn_layout;
extern const char *const cnn_layout_names[]; /* "unstated", "nhwc", "nchw"; NULL-terminated */

/** What becomes of a tree of images of which many have another size. */
typedef enum { CNN_SKIP_FEW, CNN_SKIP_ALLOW } cnn_skip;
extern const char *const cnn_skip_names[]; /* "few", "allow"; NULL-terminated */

typedef struct {
    char *name;                  /* as the job calls it */
    int type;                    /* cnn_source_type */
    char *path;                  /* idx: the folder of the four files; png_tree: the root */
    char *images;                /* npy: [N,H,W,C] (or [N,H,W]) u1 or f4 */
    char *labels;                /* npy: [N] u1, i4 or i8 */
    double scale;                /* pixels are divided by it; 0: 255 for u1, 1 for f4 */
    double test_fraction;        /* npy, png_tree, synthetic: share of the images; default 0.2 */
    int split;                   /* png_tree: cnn_split_by */
    int layout;                  /* idx, npy: cnn_layout */
    int skip;                    /* png_tree: cnn_skip */
    int limit;                   /* training images, the first of the seeded shuffle; 0: all */
    int test_limit;              /* test images likewise; 0: all */
    int height, width, channels; /* synthetic: 28, 28, 1; png_tree: `shape`, 0: most images' */
    int classes, count;          /* synthetic only: 10, 1000 */
    uint32_t split_seed;         /* of split and limit; the job's, not the run's */
    char *external;              /* external: the whole mapping as JSON text, unread */
    char *folder; /* where relative paths are sought first: the job file's folder; may be NULL */
} cnn_source;

/** Reads one mapping into *out, which need not be initialised: defaults come first, so set folder
 *  and split_seed afterwards. Errors go into y, among them keys of another type. Strings are owned
 *  by *out; cnn_source_free. */
void cnn_source_read(cnn_yaml *y, struct fy_node *node, const char *name, cnn_source *out);
/** Appends the mapping that cnn_source_read reads, as JSON on one line. Paths are absolute where
 *  the files are found, so that a program with another working directory finds the same ones. */
void cnn_source_write_json(const cnn_source *source, cnn_text *out);
cnn_status cnn_source_copy(const cnn_source *from, cnn_source *to);
void cnn_source_free(cnn_source *source);

/** A source for a name that needs no entry: mnist, fashion_mnist (idx) and idc (npy) by their usual
 *  paths. CNN_EUSAGE, *out untouched: it is none of these. */
cnn_status cnn_source_wellknown(const char *name, cnn_source *out);

/** Finds a file or folder of a source: as given (absolute), in source->folder (the working
 *  directory where that is NULL), in each folder of $CNNMPI_DATA (colon-separated), in ./data, in
 *  /usr/share/datasets. A folder of an idx source counts only if one of the four files is in it.
 *  *out is owned by the caller. CNN_EDATA lists the places that were tried and how to get the data
 *  set, if it is a well-known one. */
cnn_status cnn_source_find(const cnn_source *source, const char *path, char **out);

#endif
