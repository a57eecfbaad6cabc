/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/variable.h"

#include "base/text.h"
#include "base/utf8.h"
#include "hdf5io/hdf5_error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

hid_t cnn_file_type(cnn_column_type type)
{
    switch (type) {
    case CNN_COLUMN_I8:
        return H5T_STD_I8LE;
    case CNN_COLUMN_I32:
        return H5T_STD_I32LE;
    case CNN_COLUMN_I64:
        return H5T_STD_I64LE;
    case CNN_COLUMN_F64:
        return H5T_IEEE_F64LE;
    case CNN_COLUMN_TEXT:
        break;
    }
    return H5T_C_S1;
}

hid_t cnn_memory_type(cnn_column_type type)
{
    switch (type) {
    case CNN_COLUMN_I8:
        return H5T_NATIVE_INT8;
    case CNN_COLUMN_I32:
        return H5T_NATIVE_INT32;
    case CNN_COLUMN_I64:
        return H5T_NATIVE_INT64;
    case CNN_COLUMN_F64:
        return H5T_NATIVE_DOUBLE;
    case CNN_COLUMN_TEXT:
        break;
    }
    return H5T_C_S1;
}

/** A link may lead out of the file: only what lies in it counts. */
static cnn_status check_links(hid_t file, const char *path)
{
    cnn_status st = CNN_OK;
    char part[128];
    for (const char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
        size_t n = slash ? (size_t)(slash - path) : strlen(path);
        H5L_info_t info;
        CNN_CHECK(n < sizeof part, CNN_EINVAL, "name of a variable too long: '%s'", path);
        memcpy(part, path, n);
        part[n] = '\0';
        CNN_CHECK(H5Lexists(file, part, H5P_DEFAULT) > 0, CNN_EDATA, "'%s' is missing", part);
        CNN_HDF5(H5Lget_info(file, part, &info, H5P_DEFAULT) >= 0, CNN_EDATA, "'%s'", part);
        CNN_CHECK(info.type == H5L_TYPE_HARD, CNN_EDATA, "'%s' is a link to another place", part);
        if (!slash)
            break;
    }
done:
    return st;
}

/** A character is one whatever HDF5 is told about the end of strings: h5netcdf pads them. */
static bool is_character(hid_t type)
{
    return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
           H5Tget_size(type) == 1;
}

static cnn_status check_type(hid_t set, const char *path, cnn_column_type expected)
{
    cnn_status st = CNN_OK;
    hid_t type = H5Dget_type(set);
    CNN_HDF5(type >= 0, CNN_EDATA, "type of '%s'", path);
    CNN_CHECK(expected == CNN_COLUMN_TEXT ? is_character(type)
                                          : H5Tequal(type, cnn_file_type(expected)) > 0,
              CNN_EDATA, "'%s' is of the wrong type", path);
done:
    return cnn_hdf5_close(st, &type, H5Tclose, "a type");
}

/** Extents of a variable. xarray gives characters a dimension of their own, of 1, behind all others:
 *  that one is allowed. */
static cnn_status read_extents(hid_t set, const char *path, cnn_column_type type, int rank,
                               hsize_t *extents)
{
    cnn_status st = CNN_OK;
    hsize_t all[CNN_VARIABLE_RANK_MAX + 1] = {0};
    hid_t space = H5Dget_space(set);
    CNN_HDF5(space >= 0, CNN_EDATA, "extents of '%s'", path);
    const int found = H5Sget_simple_extent_ndims(space);
    const bool more = type == CNN_COLUMN_TEXT && found == rank + 1;
    CNN_CHECK((found == rank || more) &&
                  (rank > 0 || H5Sget_simple_extent_type(space) == H5S_SCALAR),
              CNN_EDATA, "'%s' has %d dimensions, not %d", path, found, rank);
    CNN_HDF5(H5Sget_simple_extent_dims(space, all, NULL) >= 0, CNN_EDATA, "extents of '%s'", path);
    CNN_CHECK(!more || all[rank] == 1, CNN_EDATA, "'%s' has %d dimensions, not %d", path, found,
              rank);
    memcpy(extents, all, (size_t)rank * sizeof *extents);
done:
    return cnn_hdf5_close(st, &space, H5Sclose, "a data space");
}

/** How many bytes one stored byte may stand for; 0: a filter that is not read here. */
static uint64_t expansion(hid_t plist)
{
    enum { DEFLATE_RATIO = 1032 /* 258 bytes from 2 bits */ };
    uint64_t ratio = 1;
    const int n = H5Pget_nfilters(plist);
    for (int i = 0; i < n; i++) {
        unsigned flags;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
        if (filter == H5Z_FILTER_DEFLATE && ratio == 1)
            ratio = DEFLATE_RATIO;
        else if (filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
            return 0;
    }
    return n < 0 ? 0 : ratio;
}

/** In one piece that lies in the file. */
static bool is_whole(hid_t set, uint64_t file_size, uint64_t bytes)
{
    uint64_t end;
    const haddr_t offset = H5Dget_offset(set);
    return offset != HADDR_UNDEF && H5Dget_storage_size(set) == bytes &&
           !__builtin_add_overflow((uint64_t)offset, bytes, &end) && end <= file_size;
}

/** Chunks, compressed or not, and data in an object's header, as h5repack, nccopy and xarray write
 *  them: what they may hold is bounded by what is stored. */
static cnn_status check_rewritten(hid_t set, hid_t plist, uint64_t file_size, const char *path,
                                  uint64_t bytes)
{
    cnn_status st = CNN_OK;
    const uint64_t ratio = expansion(plist), stored = H5Dget_storage_size(set);
    CNN_CHECK(
        ratio > 0, CNN_EDATA,
        "'%s' is compressed by a filter that is not read here; h5repack -f NONE takes it away",
        path);
    CNN_CHECK(stored > 0 && stored <= file_size && (bytes - 1) / ratio < stored, CNN_EDATA,
              "'%s' is not stored in full", path);
done:
    return st;
}

static cnn_status check_storage(hid_t set, uint64_t file_size, const char *path, size_t element,
                                int rank, const hsize_t *extents)
{
    cnn_status st = CNN_OK;
    uint64_t bytes = element;
    hid_t plist = H5Dget_create_plist(set);
    CNN_HDF5(plist >= 0, CNN_EDATA, "storage of '%s'", path);
    const H5D_layout_t layout = H5Pget_layout(plist);
    CNN_CHECK(H5Pget_external_count(plist) == 0 &&
                  (layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED || layout == H5D_COMPACT),
              CNN_EDATA, "'%s' is not stored in this file", path);
    for (int i = 0; i < rank; i++)
        CNN_CHECK(extents[i] > 0 && !__builtin_mul_overflow(bytes, (uint64_t)extents[i], &bytes),
                  CNN_EDATA, "'%s' has impossible extents", path);
    if (layout != H5D_CONTIGUOUS)
        CNN_TRY(check_rewritten(set, plist, file_size, path, bytes));
    else
        CNN_CHECK(is_whole(set, file_size, bytes), CNN_EDATA, "'%s' is not stored in full", path);
done:
    return cnn_hdf5_close(st, &plist, H5Pclose, "a property list");
}

/** Stored characters of a text. Rewritten ones may be fewer: as many as the longest value has. */
static size_t stored_width(hid_t space, int rank)
{
    hsize_t extents[CNN_VARIABLE_RANK_MAX + 1] = {0};
    if (space < 0 || rank > CNN_VARIABLE_RANK_MAX ||
        H5Sget_simple_extent_ndims(space) > CNN_VARIABLE_RANK_MAX + 1 ||
        H5Sget_simple_extent_dims(space, extents, NULL) < rank)
        return 0;
    return (size_t)extents[rank - 1];
}

bool cnn_variable_is_original(hid_t set, const cnn_column *column, int rank)
{
    const bool text = column->type == CNN_COLUMN_TEXT;
    hid_t plist = H5Dget_create_plist(set), space = H5Dget_space(set);
    const bool same = plist >= 0 && H5Pget_layout(plist) == H5D_CONTIGUOUS && space >= 0 &&
                      H5Sget_simple_extent_ndims(space) == rank + text &&
                      (!text || stored_width(space, rank + 1) == column->width);
    if (plist >= 0)
        H5Pclose(plist);
    if (space >= 0)
        H5Sclose(space);
    return same;
}

static size_t type_size(cnn_column_type type)
{
    static const size_t sizes[] = {1, 4, 8, 8, 1};
    return sizes[type];
}

cnn_status cnn_variable_open(hid_t file, uint64_t file_size, const char *path, cnn_column_type type,
                             int rank, hsize_t *extents, hid_t *out)
{
    cnn_status st = CNN_OK;
    hid_t set = -1;
    *out = -1;
    CNN_TRY(check_links(file, path));
    set = H5Dopen2(file, path, H5P_DEFAULT);
    CNN_HDF5(set >= 0, CNN_EDATA, "'%s' cannot be opened as a data set", path);
    CNN_TRY(check_type(set, path, type));
    CNN_TRY(read_extents(set, path, type, rank, extents));
    CNN_TRY(check_storage(set, file_size, path, type_size(type), rank, extents));
    *out = set;
    set = -1;
done:
    return cnn_hdf5_close(st, &set, H5Dclose, path);
}

/** Invalid bytes become '?': a trainer's output may hold anything, and a long text may have been
 *  cut within a character. Bytes after the end become zero. */
static void clean_text(char *s, size_t width)
{
    size_t i = 0;
    s[width - 1] = '\0';
    while (s[i]) {
        size_t n = cnn_utf8_length(s + i);
        if (n == 0)
            s[i] = '?';
        i += n ? n : 1;
    }
    memset(s + i, 0, width - i);
}

static void gather(const cnn_column *column, const void *rows, size_t stride, size_t n,
                   char *packed)
{
    const char *from = (const char *)rows + column->offset;
    for (size_t i = 0; i < n; i++) {
        memcpy(packed + i * column->width, from + i * stride, column->width);
        if (column->type == CNN_COLUMN_TEXT)
            clean_text(packed + i * column->width, column->width);
    }
}

/** Selects the cells in the file and makes the matching space in memory; rank >= 1. */
static cnn_status select_cells(hid_t set, const cnn_column *column, int rank, const hsize_t *start,
                               const hsize_t *count, hid_t *file_space, hid_t *memory_space)
{
    cnn_status st = CNN_OK;
    hsize_t first[CNN_VARIABLE_RANK_MAX] = {0}, extent[CNN_VARIABLE_RANK_MAX] = {0};
    for (int i = 0; i < rank; i++) {
        first[i] = start[i];
        extent[i] = count[i];
    }
    if (column->type == CNN_COLUMN_TEXT)
        extent[rank++] = column->width;
    *file_space = H5Dget_space(set);
    CNN_HDF5(*file_space >= 0, CNN_EIO, "extents of '%s'", column->name);
    if (rank == 0) {
        *memory_space = H5Screate(H5S_SCALAR);
    } else {
        CNN_HDF5(H5Sselect_hyperslab(*file_space, H5S_SELECT_SET, first, NULL, extent, NULL) >= 0,
                 CNN_EIO, "cannot select cells of '%s'", column->name);
        *memory_space = H5Screate_simple(rank, extent, NULL);
    }
    CNN_HDF5(*memory_space >= 0, CNN_EIO, "space for '%s'", column->name);
done:
    return st;
}

cnn_status cnn_variable_write(hid_t set, const cnn_column *column, const void *rows, size_t stride,
                              int rank, const hsize_t *start, const hsize_t *count)
{
    cnn_status st = CNN_OK;
    hid_t file_space = -1, memory_space = -1;
    size_t n = 1;
    char *packed = NULL;
    for (int i = 0; i < rank; i++)
        n *= (size_t)count[i];
    CNN_CHECK((packed = malloc(n * column->width)) != NULL, CNN_ENOMEM, "%zu cells of '%s'", n,
              column->name);
    gather(column, rows, stride, n, packed);
    CNN_TRY(select_cells(set, column, rank, start, count, &file_space, &memory_space));
    errno = 0;
    const herr_t written =
        H5Dwrite(set, cnn_memory_type(column->type), memory_space, file_space, H5P_DEFAULT, packed);
    const char *reason = cnn_hdf5_system_reason();
    CNN_HDF5(written >= 0, CNN_EIO, "cannot write '%s' (%s)", column->name, reason);
done:
    free(packed);
    st = cnn_hdf5_close(st, &memory_space, H5Sclose, "a data space");
    return cnn_hdf5_close(st, &file_space, H5Sclose, "a data space");
}

cnn_status cnn_variable_read(hid_t set, const cnn_column *column, int rank, void *rows,
                             size_t stride, size_t n)
{
    cnn_status st = CNN_OK;
    const bool text = column->type == CNN_COLUMN_TEXT;
    char *packed = NULL, *to = (char *)rows + column->offset;
    /* characters as they are stored: a conversion would make room for an end */
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    const size_t width = text ? stored_width(space, rank + 1) : column->width;
    CNN_HDF5(space >= 0 && width > 0 && width <= column->width, CNN_EDATA, "extents of '%s'",
             column->name);
    CNN_CHECK((packed = calloc(n, width)) != NULL, CNN_ENOMEM, "%zu cells of '%s'", n,
              column->name);
    CNN_HDF5(type >= 0 && H5Dread(set, text ? type : cnn_memory_type(column->type), H5S_ALL,
                                  H5S_ALL, H5P_DEFAULT, packed) >= 0,
             CNN_EDATA, "cannot read '%s'", column->name);
    for (size_t i = 0; i < n; i++) {
        char *cell = to + i * stride;
        memcpy(cell, packed + i * width, width);
        if (text)
            memset(cell + width, 0, column->width - width);
        if (text)
            cell[column->width - 1] = '\0';
    }
done:
    free(packed);
    st = cnn_hdf5_close(st, &type, H5Tclose, "a type");
    return cnn_hdf5_close(st, &space, H5Sclose, "a data space");
}

void cnn_column_set_unknown(const cnn_column *column, void *rows, size_t stride, size_t n)
{
    const int fill = cnn_column_fill(column->name);
    const int8_t i8 = (int8_t)fill;
    const int32_t i32 = fill;
    const int64_t i64 = fill;
    const double f64 = NAN;
    for (size_t row = 0; row < n; row++) {
        char *at = (char *)rows + row * stride + column->offset;
        switch (column->type) {
        case CNN_COLUMN_I8:
            memcpy(at, &i8, sizeof i8);
            break;
        case CNN_COLUMN_I32:
            memcpy(at, &i32, sizeof i32);
            break;
        case CNN_COLUMN_I64:
            memcpy(at, &i64, sizeof i64);
            break;
        case CNN_COLUMN_F64:
            memcpy(at, &f64, sizeof f64);
            break;
        case CNN_COLUMN_TEXT:
            memset(at, 0, column->width);
            break;
        }
    }
}
