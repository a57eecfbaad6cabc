/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/file_image.h"

#include "hdf5io/attribute.h"
#include "hdf5io/hdf5_error.h"
#include "hdf5io/variable.h"

#include <hdf5_hl.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_STEP = 1 << 20 }; /* bytes by which the file in memory grows */

/* What netCDF-4 calls a dimension that has no variable of its own. */
#define BARE_SCALE_NAME "This is a netCDF dimension but not a netCDF variable.%10llu"

static cnn_status set_fill(hid_t plist, const cnn_column *column)
{
    cnn_status st = CNN_OK;
    int64_t number = cnn_column_fill(column->name);
    int8_t i8 = (int8_t)number;
    int32_t i32 = (int32_t)number;
    double unknown = NAN;
    char nothing = '\0';
    const void *const values[] = {[CNN_COLUMN_I8] = &i8,
                                  [CNN_COLUMN_I32] = &i32,
                                  [CNN_COLUMN_I64] = &number,
                                  [CNN_COLUMN_F64] = &unknown,
                                  [CNN_COLUMN_TEXT] = &nothing};
    CNN_HDF5(H5Pset_fill_value(plist, cnn_memory_type(column->type), values[column->type]) >= 0,
             CNN_EIO, "fill value of '%s'", column->name);
done:
    return st;
}

/** Early allocation, so that nothing written later changes metadata; no time stamps, so that the
 *  same job gives the same bytes; attributes in order, which netCDF asks for. */
static cnn_status make_plist(const cnn_column *column, hid_t *plist)
{
    cnn_status st = CNN_OK;
    *plist = H5Pcreate(H5P_DATASET_CREATE);
    CNN_HDF5(
        *plist >= 0 && H5Pset_obj_track_times(*plist, false) >= 0 &&
            H5Pset_attr_creation_order(*plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0,
        CNN_EIO, "properties of '%s'", column->name);
    CNN_HDF5(H5Pset_layout(*plist, H5D_CONTIGUOUS) >= 0 &&
                 H5Pset_alloc_time(*plist, H5D_ALLOC_TIME_EARLY) >= 0 &&
                 H5Pset_fill_time(*plist, H5D_FILL_TIME_ALLOC) >= 0,
             CNN_EIO, "storage of '%s'", column->name);
    CNN_TRY(set_fill(*plist, column));
done:
    return st;
}

static cnn_status make_set(hid_t file, const char *path, const cnn_column *column, int rank,
                           const hsize_t *extents, hid_t *set)
{
    cnn_status st = CNN_OK;
    hid_t plist = -1;
    hid_t space = rank ? H5Screate_simple(rank, extents, NULL) : H5Screate(H5S_SCALAR);
    CNN_HDF5(space >= 0, CNN_EIO, "extents of '%s'", path);
    CNN_TRY(make_plist(column, &plist));
    *set =
        H5Dcreate2(file, path, cnn_file_type(column->type), space, H5P_DEFAULT, plist, H5P_DEFAULT);
    CNN_HDF5(*set >= 0, CNN_EIO, "cannot make '%s'", path);
done:
    st = cnn_hdf5_close(st, &plist, H5Pclose, "a property list");
    return cnn_hdf5_close(st, &space, H5Sclose, "a data space");
}

static cnn_status describe_flags(hid_t set, const char *const *meanings)
{
    cnn_status st = CNN_OK;
    int8_t values[INT8_MAX];
    char words[1024] = "";
    int n = 0;
    for (size_t len = 0; meanings[n]; n++) {
        values[n] = (int8_t)n;
        len += (size_t)snprintf(words + len, sizeof words - len, "%s%s", n ? " " : "", meanings[n]);
        CNN_CHECK(n + 1 < INT8_MAX && len < sizeof words, CNN_EINVAL, "too many flags");
    }
    CNN_TRY(cnn_attribute_write(set, "flag_values", CNN_COLUMN_I8, n, values));
    CNN_TRY(cnn_attribute_write_text(set, "flag_meanings", words));
done:
    return st;
}

static cnn_status describe(hid_t set, const cnn_column *column)
{
    static const double unknown = NAN;
    cnn_status st = CNN_OK;
    const char *const *flags = cnn_column_flags(column->name);
    CNN_TRY(cnn_attribute_write_text(set, "long_name", column->long_name));
    if (column->units[0])
        CNN_TRY(cnn_attribute_write_text(set, "units", column->units));
    if (strstr(column->units, " since "))
        CNN_TRY(cnn_attribute_write_text(set, "calendar", "standard"));
    if (column->type == CNN_COLUMN_F64)
        CNN_TRY(cnn_attribute_write(set, "_FillValue", CNN_COLUMN_F64, 1, &unknown));
    if (column->type == CNN_COLUMN_TEXT)
        CNN_TRY(cnn_attribute_write_text(set, "_Encoding", "utf-8"));
    if (flags)
        CNN_TRY(describe_flags(set, flags));
done:
    return st;
}

/** A dimension with its index as coordinate. */
static cnn_status make_dimension(cnn_file_image *image, cnn_dimension dimension)
{
    cnn_status st = CNN_OK;
    const cnn_dimension_info *info = &cnn_dimensions[dimension];
    const char *slash = strrchr(info->path, '/');
    const char *name = slash ? slash + 1 : info->path;
    const cnn_column column = {name, CNN_COLUMN_I32, sizeof(int32_t), 0, "", info->long_name};
    hid_t *set = &image->scales[dimension];
    hsize_t start = 0, n = image->lengths.of[dimension];
    int32_t *index = NULL;
    CNN_CHECK((index = malloc(n * sizeof *index)) != NULL, CNN_ENOMEM, "index of '%s'", name);
    for (hsize_t i = 0; i < n; i++)
        index[i] = (int32_t)i + info->first;
    CNN_TRY(make_set(image->file, info->path, &column, 1, &n, set));
    CNN_TRY(cnn_variable_write(*set, &column, index, sizeof *index, 1, &start, &n));
    CNN_TRY(describe(*set, &column));
    CNN_HDF5(H5DSset_scale(*set, name) >= 0, CNN_EIO, "cannot make dimension '%s'", name);
done:
    free(index);
    return st;
}

static hid_t make_bare_set(hid_t file, const char *name, hsize_t length)
{
    hid_t space = H5Screate_simple(1, &length, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t set = -1;
    if (space >= 0 && plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0 &&
        H5Pset_attr_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
        set = H5Dcreate2(file, name, H5T_IEEE_F32BE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (plist >= 0)
        H5Pclose(plist);
    if (space >= 0)
        H5Sclose(space);
    return set;
}

/** Makes and attaches the dimension of a text's characters, "string_<name>". Each text has one of its
 *  own: xarray shortens texts to the longest value of their variable, and cannot write two that
 *  share a dimension and are shortened differently. */
static cnn_status attach_characters(cnn_file_image *image, hid_t set, const char *path, int axis,
                                    hsize_t length)
{
    cnn_status st = CNN_OK;
    char name[160], label[96];
    hid_t scale = -1;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    snprintf(name, sizeof name, "%.*sstring_%s", (int)(base - path), path, base);
    snprintf(label, sizeof label, BARE_SCALE_NAME, (unsigned long long)length);
    scale = make_bare_set(image->file, name, length);
    CNN_HDF5(scale >= 0 && H5DSset_scale(scale, label) >= 0, CNN_EIO, "cannot make dimension '%s'",
             name);
    CNN_HDF5(H5DSattach_scale(set, scale, (unsigned)axis) >= 0, CNN_EIO,
             "cannot attach dimension '%s'", name);
done:
    return cnn_hdf5_close(st, &scale, H5Dclose, "a dimension");
}

/** Makes one variable over the dimensions, plus characters for text, with all its attributes. */
static cnn_status make_variable(cnn_file_image *image, const char *path, const cnn_column *column,
                                int rank, const cnn_dimension *dimensions, hid_t *set)
{
    cnn_status st = CNN_OK;
    bool text = column->type == CNN_COLUMN_TEXT;
    hsize_t extents[CNN_VARIABLE_RANK_MAX];
    for (int i = 0; i < rank; i++)
        extents[i] = image->lengths.of[dimensions[i]];
    extents[rank] = column->width;
    CNN_TRY(make_set(image->file, path, column, rank + text, extents, set));
    for (int i = 0; i < rank; i++)
        CNN_HDF5(H5DSattach_scale(*set, image->scales[dimensions[i]], (unsigned)i) >= 0, CNN_EIO,
                 "cannot attach a dimension to '%s'", path);
    if (text)
        CNN_TRY(attach_characters(image, *set, path, rank, column->width));
    CNN_TRY(describe(*set, column));
done:
    return st;
}

static cnn_status write_all(cnn_file_image *image, hid_t set, const cnn_column *column, int rank,
                            const cnn_dimension *dimensions, const void *rows, size_t stride)
{
    const hsize_t start[CNN_VARIABLE_RANK_MAX] = {0};
    hsize_t count[CNN_VARIABLE_RANK_MAX];
    for (int i = 0; i < rank; i++)
        count[i] = image->lengths.of[dimensions[i]];
    return cnn_variable_write(set, column, rows, stride, rank, start, count);
}

cnn_status cnn_file_image_add_table(cnn_file_image *image, cnn_table_id id, const void *rows,
                                    size_t stride)
{
    cnn_status st = CNN_OK;
    const cnn_table *table = &cnn_tables[id];
    hid_t set = -1;
    for (int i = 0; i < table->column_count; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", table->folder, table->columns[i].name);
        CNN_TRY(
            make_variable(image, path, &table->columns[i], table->rank, table->dimensions, &set));
        if (rows)
            CNN_TRY(write_all(image, set, &table->columns[i], table->rank, table->dimensions, rows,
                              stride));
        CNN_TRY(cnn_hdf5_close(CNN_OK, &set, H5Dclose, path));
    }
done:
    return cnn_hdf5_close(st, &set, H5Dclose, "a column");
}

/** Room for every label and its end. */
static size_t label_width(const char *const *labels, size_t n)
{
    size_t width = 16;
    for (size_t i = 0; i < n; i++)
        while (labels[i] && strlen(labels[i]) >= width)
            width *= 2;
    return width;
}

cnn_status cnn_file_image_add_labels(cnn_file_image *image, const char *path, int rank,
                                     const cnn_dimension *dimensions, const char *long_name,
                                     const char *const *labels)
{
    cnn_status st = CNN_OK;
    hid_t set = -1;
    char *rows = NULL;
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= image->lengths.of[dimensions[i]];
    size_t width = label_width(labels, n);
    const cnn_column column = {path, CNN_COLUMN_TEXT, width, 0, "", long_name};
    CNN_CHECK((rows = calloc(n, width)) != NULL, CNN_ENOMEM, "labels of '%s'", path);
    for (size_t i = 0; i < n; i++)
        if (labels[i])
            memcpy(rows + i * width, labels[i], strlen(labels[i]));
    CNN_TRY(make_variable(image, path, &column, rank, dimensions, &set));
    CNN_TRY(write_all(image, set, &column, rank, dimensions, rows, width));
done:
    free(rows);
    return cnn_hdf5_close(st, &set, H5Dclose, path);
}

cnn_status cnn_file_image_add_text(cnn_file_image *image, const char *path, const char *long_name,
                                   const char *text)
{
    cnn_status st = CNN_OK;
    hid_t set = -1;
    const cnn_column column = {path, CNN_COLUMN_TEXT, strlen(text) + 1, 0, "", long_name};
    CNN_TRY(make_variable(image, path, &column, 0, NULL, &set));
    CNN_TRY(cnn_variable_write(set, &column, text, column.width, 0, NULL, NULL));
done:
    return cnn_hdf5_close(st, &set, H5Dclose, path);
}

static cnn_status make_file(hid_t *file)
{
    cnn_status st = CNN_OK;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    CNN_HDF5(access >= 0 && H5Pset_fapl_core(access, IMAGE_STEP, false) >= 0, CNN_EIO,
             "cannot make a file in memory");
    CNN_HDF5(create >= 0 && H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED |
                                                                   H5P_CRT_ORDER_INDEXED) >= 0,
             CNN_EIO, "cannot make a file in memory");
    *file = H5Fcreate("results", H5F_ACC_TRUNC, create, access);
    CNN_HDF5(*file >= 0, CNN_EIO, "cannot make a file in memory");
done:
    st = cnn_hdf5_close(st, &create, H5Pclose, "a property list");
    return cnn_hdf5_close(st, &access, H5Pclose, "a property list");
}

static cnn_status make_folder(hid_t file, const char *name)
{
    cnn_status st = CNN_OK;
    hid_t group = -1, plist = H5Pcreate(H5P_GROUP_CREATE);
    CNN_HDF5(plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0 &&
                 H5Pset_link_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >=
                     0,
             CNN_EIO, "properties of group '%s'", name);
    group = H5Gcreate2(file, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    CNN_HDF5(group >= 0, CNN_EIO, "cannot make group '%s'", name);
done:
    st = cnn_hdf5_close(st, &group, H5Gclose, "a group");
    return cnn_hdf5_close(st, &plist, H5Pclose, "a property list");
}

cnn_status cnn_file_image_create(cnn_file_image *image, const cnn_lengths *lengths)
{
    cnn_status st = CNN_OK;
    image->file = -1;
    image->lengths = *lengths;
    for (int d = 0; d < CNN_DIM_COUNT; d++)
        image->scales[d] = -1;
    CNN_TRY(make_file(&image->file));
    CNN_TRY(make_folder(image->file, "analysis"));
    for (int d = 0; d < CNN_DIM_COUNT; d++)
        CNN_TRY(make_dimension(image, (cnn_dimension)d));
done:
    return st;
}

cnn_status cnn_file_image_close(cnn_status st, cnn_file_image *image)
{
    for (int d = 0; d < CNN_DIM_COUNT; d++)
        st = cnn_hdf5_close(st, &image->scales[d], H5Dclose, cnn_dimensions[d].path);
    return cnn_hdf5_close(st, &image->file, H5Fclose, "the file in memory");
}

cnn_status cnn_file_image_bytes(cnn_file_image *image, void **bytes, size_t *size)
{
    cnn_status st = CNN_OK;
    void *copy = NULL;
    CNN_HDF5(H5Fflush(image->file, H5F_SCOPE_LOCAL) >= 0, CNN_EIO, "cannot flush the file");
    ssize_t n = H5Fget_file_image(image->file, NULL, 0);
    CNN_HDF5(n > 0, CNN_EIO, "size of the file in memory");
    CNN_CHECK((copy = malloc((size_t)n)) != NULL, CNN_ENOMEM, "a results file of %zd bytes", n);
    CNN_HDF5(H5Fget_file_image(image->file, copy, (size_t)n) == n, CNN_EIO,
             "bytes of the file in memory");
    *bytes = copy;
    *size = (size_t)n;
    copy = NULL;
done:
    free(copy);
    return st;
}
