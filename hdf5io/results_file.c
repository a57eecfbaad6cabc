/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/results_file.h"

#include "hdf5io/hdf5_error.h"
#include "hdf5io/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** The size of a file that can be read. */
static cnn_status check_file(const char *path, uint64_t *size)
{
    cnn_status st = CNN_OK;
    struct stat info;
    /* O_NONBLOCK: a named pipe must not make us wait */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CNN_CHECK(fd >= 0, errno == ENOENT ? CNN_EDATA : CNN_EIO, "cannot open '%s': %s", path,
              strerror(errno));
    CNN_CHECK(fstat(fd, &info) == 0, CNN_EIO, "cannot read '%s': %s", path, strerror(errno));
    CNN_CHECK(S_ISREG(info.st_mode), CNN_EDATA, "'%s' is not a regular file", path);
    *size = (uint64_t)info.st_size;
done:
    if (fd >= 0)
        close(fd);
    return st;
}

cnn_status cnn_results_file_open(const char *path, hid_t *out, uint64_t *size, int *version)
{
    cnn_status st = CNN_OK;
    hid_t access = -1, file = -1;
    *out = -1;
    CNN_TRY(check_file(path, size));
    access = H5Pcreate(H5P_FILE_ACCESS);
    CNN_HDF5(access >= 0 && H5Pset_file_locking(access, false, true) >= 0, CNN_EIO,
             "cannot set up the reading of '%s'", path);
    file = H5Fopen(path, H5F_ACC_RDONLY, access);
    CNN_HDF5(file >= 0, CNN_EDATA, "'%s' is damaged or no HDF5 file", path);
    CNN_TRY(cnn_layout_check(file, path, version));
    *out = file;
    file = -1;
done:
    st = cnn_hdf5_close(st, &file, H5Fclose, path);
    return cnn_hdf5_close(st, &access, H5Pclose, "a property list");
}
