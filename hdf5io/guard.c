/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD_SIZE = 96
}; /* HDF5's superblock, which holds the end of the file and where its root is */

struct cnn_guard {
    int fd;
    bool locked;
    off_t size;
    char head[HEAD_SIZE];
};

static cnn_status read_head(int fd, char head[HEAD_SIZE], off_t *size)
{
    cnn_status st = CNN_OK;
    struct stat info;
    CNN_CHECK(fstat(fd, &info) == 0 && pread(fd, head, HEAD_SIZE, 0) == HEAD_SIZE, CNN_EIO,
              "cannot read the results file: %s", errno ? strerror(errno) : "it is too short");
    *size = info.st_size;
done:
    return st;
}

/** Whether an fcntl lock for writing is refused while our flock is held. A byte of this rank's own,
 * which nobody else locks. */
static bool conflicts(const char *path, int rank)
{
    struct flock byte = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = ((off_t)1 << 61) + rank, .l_len = 1};
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    const bool refused = fd < 0 || fcntl(fd, F_OFD_SETLK, &byte) != 0;
    if (fd >= 0)
        close(fd);
    return refused;
}

cnn_status cnn_guard_create(const char *path, int rank, cnn_guard **out)
{
    cnn_status st = CNN_OK;
    cnn_guard *g = calloc(1, sizeof *g);
    CNN_CHECK(g != NULL, CNN_ENOMEM, "guard of the results file");
    g->fd = open(path, O_RDONLY | O_CLOEXEC);
    CNN_CHECK(g->fd >= 0, CNN_EIO, "cannot open '%s': %s", path, strerror(errno));
    errno = 0;
    CNN_TRY(read_head(g->fd, g->head, &g->size));
    g->locked = flock(g->fd, LOCK_SH | LOCK_NB) == 0;
    CNN_CHECK(g->locked || errno != EWOULDBLOCK, CNN_EBUSY,
              "'%s' is open for writing in another program (h5py, netCDF4, ...): close it there",
              path);
    if (g->locked && conflicts(path, rank)) {
        flock(g->fd, LOCK_UN);
        g->locked = false;
    }
    *out = g;
    g = NULL;
done:
    cnn_guard_destroy(&g);
    return st;
}

bool cnn_guard_excludes_writers(const cnn_guard *g)
{
    return g->locked;
}

cnn_status cnn_guard_check(const cnn_guard *g)
{
    cnn_status st = CNN_OK;
    char head[HEAD_SIZE];
    off_t size = 0;
    errno = 0;
    CNN_TRY(read_head(g->fd, head, &size));
    CNN_CHECK(size == g->size && memcmp(head, g->head, HEAD_SIZE) == 0, CNN_EIO,
              "another program has changed the structure of the results file while the job ran; "
              "no more is written to it");
done:
    return st;
}

void cnn_guard_destroy(cnn_guard **guard)
{
    if (*guard && (*guard)->fd >= 0)
        close((*guard)->fd);
    free(*guard);
    *guard = NULL;
}
