/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include <string.h>

static const char mnist[] =
    "How to get it: MNIST is published as four files (yann.lecun.com/exdb/mnist and mirrors of "
    "it):\n"
    "  train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz\n"
    "  t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz\n"
    "Put them, zipped or not, into data/mnist/ of the working directory, or into mnist/ of a "
    "folder\n"
    "named in $CNNMPI_DATA. Unzipped, the right training images have the MD5\n"
    "6bbc9ace898e44ae57da46a324031adb.";

static const char fashion_mnist[] =
    "How to get it: on Debian and Ubuntu, `apt-get install dataset-fashion-mnist` puts it into\n"
    "/usr/share/datasets/fashion-mnist, where it is found. Elsewhere, put the four .gz files of\n"
    "github.com/zalandoresearch/fashion-mnist into data/fashion-mnist/ of the working directory,\n"
    "or into fashion-mnist/ of a folder named in $CNNMPI_DATA.";

static const char idc[] =
    "How to get it: the breast histology set of 5,547 patches is published on Kaggle as two NumPy\n"
    "files, X.npy ([5547, 50, 50, 3], bytes) and Y.npy ([5547], 0 or 1). Put them into data/idc/\n"
    "of the working directory, or into idc/ of a folder named in $CNNMPI_DATA.";

/** Whether path is or ends in the folder (or file) called last. */
static bool ends_in(const char *path, const char *last)
{
    size_t n = path ? strlen(path) : 0, k = strlen(last);
    while (n > 0 && path[n - 1] == '/')
        n--;
    return n >= k && memcmp(path + n - k, last, k) == 0 && (n == k || path[n - k - 1] == '/');
}

/** By the usual path, since a job may call its data sets as it likes; else by the name. */
const char *cnn_dataset_advice(const cnn_source *source)
{
    const char *name = source->name ? source->name : "";
    if (source->type == CNN_SOURCE_NPY)
        return ends_in(source->images, "idc/X.npy") || strcmp(name, "idc") == 0 ? idc : "";
    if (source->type != CNN_SOURCE_IDX)
        return "";
    if (ends_in(source->path, "fashion-mnist") || strcmp(name, "fashion_mnist") == 0)
        return fashion_mnist;
    return ends_in(source->path, "mnist") || strcmp(name, "mnist") == 0 ? mnist : "";
}
