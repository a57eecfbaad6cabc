/* SPDX-License-Identifier: Apache-2.0 */
#include "data/idx.h"

#include "base/text.h"
#include "data/file.h"

#include <stdlib.h>
#include <unistd.h>

enum { IDX_U8 = 0x08, MAX_RANK = 4 };

const char *const cnn_idx_names[CNN_IDX_FILES] = {
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
};

cnn_status cnn_idx_locate(const char *folder, int which, char **path)
{
    *path = NULL;
    for (int zipped = 0; zipped <= 1; zipped++) {
        char *p = cnn_asprintf("%s/%s%s", folder, cnn_idx_names[which], zipped ? ".gz" : "");
        if (!p)
            return cnn_error_set(CNN_ENOMEM, "path of '%s'", cnn_idx_names[which]);
        if (access(p, F_OK) == 0) {
            *path = p;
            return CNN_OK;
        }
        free(p);
    }
    return CNN_OK;
}

/** Reads the header of a file of lowest to highest dimensions. */
static cnn_status read_header(cnn_data_file *f, const char *what, int lowest, int highest,
                              uint64_t *dims, int *rank)
{
    cnn_status st = CNN_OK;
    const char *path = cnn_data_file_path(f);
    unsigned char head[4], size[4];
    CNN_TRY(cnn_data_file_read(f, "the IDX header", head, sizeof head));
    CNN_CHECK(head[0] == 0 && head[1] == 0, CNN_EDATA,
              "'%s' is no IDX file: it starts with %02x %02x, not with 00 00", path, head[0],
              head[1]);
    CNN_CHECK(head[2] == IDX_U8, CNN_EDATA,
              "'%s' holds elements of IDX type %02x (byte 2); only 08, unsigned bytes, can be read",
              path, head[2]);
    CNN_CHECK(head[3] >= lowest && head[3] <= highest, CNN_EDATA,
              "'%s' has %d dimensions (byte 3), but a file of %s has %s%d: is it the right file?",
              path, head[3], what, lowest < highest ? "3 or " : "", highest);
    *rank = head[3];
    for (int i = 0; i < *rank; i++) {
        CNN_TRY(cnn_data_file_read(f, "the IDX header", size, sizeof size));
        dims[i] =
            (uint64_t)size[0] << 24 | (uint64_t)size[1] << 16 | (uint64_t)size[2] << 8 | size[3];
    }
done:
    return st;
}

cnn_status cnn_idx_images(const char *path, cnn_image_shape *shape, uint64_t *sum,
                          unsigned char **pixels)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = NULL;
    uint64_t dims[MAX_RANK], bytes;
    int rank;
    CNN_TRY(cnn_data_file_open(path, &f));
    CNN_TRY(read_header(f, "images", 3, MAX_RANK, dims, &rank));
    CNN_TRY(cnn_image_shape_set(path, dims, rank, 1, shape, &bytes));
    if (pixels)
        CNN_TRY(cnn_data_file_payload(f, "images", bytes, sum, pixels));
    else
        CNN_TRY(cnn_data_file_promise(f, "images", bytes));
done:
    cnn_data_file_close(&f);
    return st;
}

cnn_status cnn_idx_labels(const char *path, int *count, uint64_t *sum, int32_t **labels)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = NULL;
    unsigned char *bytes = NULL;
    uint64_t dims[MAX_RANK];
    int rank;
    CNN_TRY(cnn_data_file_open(path, &f));
    CNN_TRY(read_header(f, "labels", 1, 1, dims, &rank));
    CNN_TRY(cnn_label_count_set(path, dims[0], count));
    CNN_TRY(cnn_data_file_payload(f, "labels", dims[0], sum, &bytes));
    *labels = malloc((size_t)*count * sizeof **labels);
    CNN_CHECK(*labels, CNN_ENOMEM, "%d labels", *count);
    for (int i = 0; i < *count; i++)
        (*labels)[i] = bytes[i];
done:
    free(bytes);
    cnn_data_file_close(&f);
    return st;
}
