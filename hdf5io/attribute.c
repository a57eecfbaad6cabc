/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/attribute.h"

#include "base/text.h"
#include "hdf5io/hdf5_error.h"
#include "hdf5io/variable.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 65536 }; /* HDF5 keeps no larger attribute in an object's header */

static cnn_status write_attribute(hid_t object, const char *name, hid_t file_type,
                                  hid_t memory_type, int n, const void *values)
{
    cnn_status st = CNN_OK;
    hsize_t extent = (hsize_t)n;
    hid_t attribute = -1;
    hid_t space = n ? H5Screate_simple(1, &extent, NULL) : H5Screate(H5S_SCALAR);
    CNN_HDF5(space >= 0, CNN_EIO, "space of attribute '%s'", name);
    attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    CNN_HDF5(attribute >= 0, CNN_EIO, "cannot make attribute '%s'", name);
    CNN_HDF5(H5Awrite(attribute, memory_type, values) >= 0, CNN_EIO, "cannot write attribute '%s'",
             name);
done:
    st = cnn_hdf5_close(st, &attribute, H5Aclose, "an attribute");
    return cnn_hdf5_close(st, &space, H5Sclose, "a data space");
}

cnn_status cnn_attribute_write(hid_t object, const char *name, cnn_column_type type, int n,
                               const void *values)
{
    return write_attribute(object, name, cnn_file_type(type), cnn_memory_type(type), n, values);
}

cnn_status cnn_attribute_write_text(hid_t object, const char *name, const char *text)
{
    cnn_status st = CNN_OK;
    size_t len = strlen(text);
    hid_t type = H5Tcopy(H5T_C_S1);
    CNN_HDF5(type >= 0 && H5Tset_size(type, len ? len : 1) >= 0 &&
                 H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0,
             CNN_EIO, "type of attribute '%s'", name);
    CNN_TRY(write_attribute(object, name, type, type, 0, text));
done:
    return cnn_hdf5_close(st, &type, H5Tclose, "a type");
}

/** Opens an attribute that holds one element. */
static cnn_status open_scalar(hid_t object, const char *name, hid_t *attribute, hid_t *type)
{
    cnn_status st = CNN_OK;
    hid_t space = -1;
    CNN_CHECK(H5Aexists(object, name) > 0, CNN_EDATA, "attribute '%s' is missing", name);
    *attribute = H5Aopen(object, name, H5P_DEFAULT);
    CNN_HDF5(*attribute >= 0, CNN_EDATA, "attribute '%s'", name);
    space = H5Aget_space(*attribute);
    CNN_HDF5(space >= 0, CNN_EDATA, "extent of attribute '%s'", name);
    /* netCDF makes a list of one value out of a single one */
    CNN_CHECK(H5Sget_simple_extent_npoints(space) == 1, CNN_EDATA,
              "attribute '%s' is not a single value", name);
    *type = H5Aget_type(*attribute);
    CNN_HDF5(*type >= 0, CNN_EDATA, "type of attribute '%s'", name);
done:
    return cnn_hdf5_close(st, &space, H5Sclose, "a data space");
}

cnn_status cnn_attribute_read(hid_t object, const char *name, cnn_column_type type, void *value)
{
    cnn_status st = CNN_OK;
    hid_t attribute = -1, found = -1;
    CNN_TRY(open_scalar(object, name, &attribute, &found));
    CNN_CHECK(H5Tequal(found, cnn_file_type(type)) > 0, CNN_EDATA,
              "attribute '%s' is of the wrong type", name);
    CNN_HDF5(H5Aread(attribute, cnn_memory_type(type), value) >= 0, CNN_EDATA,
             "cannot read attribute '%s'", name);
done:
    st = cnn_hdf5_close(st, &found, H5Tclose, "a type");
    return cnn_hdf5_close(st, &attribute, H5Aclose, "an attribute");
}

cnn_status cnn_attribute_read_reals(hid_t object, const char *name, int most, double *values,
                                    int *n)
{
    cnn_status st = CNN_OK;
    hid_t attribute = -1, space = -1, type = -1;
    CNN_CHECK(H5Aexists(object, name) > 0, CNN_EDATA, "attribute '%s' is missing", name);
    attribute = H5Aopen(object, name, H5P_DEFAULT);
    CNN_HDF5(attribute >= 0, CNN_EDATA, "attribute '%s'", name);
    space = H5Aget_space(attribute);
    type = H5Aget_type(attribute);
    CNN_HDF5(space >= 0 && type >= 0, CNN_EDATA, "attribute '%s'", name);
    /* xarray makes a single one of a list of one */
    const hssize_t extent = H5Sget_simple_extent_npoints(space);
    CNN_CHECK(H5Tequal(type, cnn_file_type(CNN_COLUMN_F64)) > 0 &&
                  H5Sget_simple_extent_ndims(space) <= 1 && extent >= 1 && extent <= most,
              CNN_EDATA, "attribute '%s' is no list of 1 to %d numbers", name, most);
    CNN_HDF5(H5Aread(attribute, cnn_memory_type(CNN_COLUMN_F64), values) >= 0, CNN_EDATA,
             "cannot read attribute '%s'", name);
    *n = (int)extent;
done:
    st = cnn_hdf5_close(st, &type, H5Tclose, "a type");
    st = cnn_hdf5_close(st, &space, H5Sclose, "a data space");
    return cnn_hdf5_close(st, &attribute, H5Aclose, "an attribute");
}

/** A text of any length, as h5netcdf writes all of them. */
static cnn_status read_variable_text(hid_t attribute, hid_t type, const char *name, char **out)
{
    cnn_status st = CNN_OK;
    char *text = NULL;
    CNN_HDF5(H5Aread(attribute, type, &text) >= 0, CNN_EDATA, "cannot read attribute '%s'", name);
    CNN_CHECK(text && strlen(text) <= TEXT_LIMIT, CNN_EDATA,
              "attribute '%s' has an impossible length", name);
    CNN_CHECK((*out = cnn_strdup(text)) != NULL, CNN_ENOMEM, "%zu characters", strlen(text));
done:
    if (text)
        H5free_memory(text);
    return st;
}

cnn_status cnn_attribute_read_text(hid_t object, const char *name, char **out)
{
    cnn_status st = CNN_OK;
    hid_t attribute = -1, type = -1;
    char *text = NULL;
    CNN_TRY(open_scalar(object, name, &attribute, &type));
    CNN_CHECK(H5Tget_class(type) == H5T_STRING, CNN_EDATA, "attribute '%s' is not a text", name);
    if (H5Tis_variable_str(type) > 0) {
        CNN_TRY(read_variable_text(attribute, type, name, out));
        goto done;
    }
    size_t size = H5Tget_size(type);
    CNN_CHECK(size > 0 && size <= TEXT_LIMIT, CNN_EDATA, "attribute '%s' has an impossible length",
              name);
    CNN_CHECK((text = calloc(size + 1, 1)) != NULL, CNN_ENOMEM, "%zu characters", size);
    CNN_HDF5(H5Aread(attribute, type, text) >= 0, CNN_EDATA, "cannot read attribute '%s'", name);
    *out = text;
    text = NULL;
done:
    free(text);
    st = cnn_hdf5_close(st, &type, H5Tclose, "a type");
    return cnn_hdf5_close(st, &attribute, H5Aclose, "an attribute");
}
