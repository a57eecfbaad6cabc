/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/file_replace.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that go out at once. Linux caches what one call writes in pieces of up to megabytes, and on
 * ext4 each later write of some bytes then walks over the whole piece: 1 ms a run
 * (docs/scaling.md). */
enum { PIECE = 16384 };

static cnn_status write_all(int fd, const char *path, const char *bytes, size_t n)
{
    cnn_status st = CNN_OK;
    while (n > 0) {
        ssize_t written = write(fd, bytes, n < PIECE ? n : PIECE);
        CNN_CHECK(written >= 0 || errno == EINTR, CNN_EIO,
                  "cannot write '%s' (%zu bytes to go): %s", path, n, strerror(errno));
        bytes += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
    CNN_CHECK(fsync(fd) == 0, CNN_EIO, "cannot bring '%s' to disk: %s", path, strerror(errno));
done:
    return st;
}

/** Makes the new name last through a crash of the machine. */
static cnn_status sync_folder(const char *path)
{
    cnn_status st = CNN_OK;
    int fd = -1;
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? cnn_strdup(".") : cnn_strndup(path, (size_t)(slash - path) + 1);
    CNN_CHECK(folder, CNN_ENOMEM, "name of a folder");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CNN_CHECK(fd >= 0, CNN_EIO, "cannot open the folder '%s': %s", folder, strerror(errno));
    /* some file systems cannot sync a folder, and need not */
    CNN_CHECK(fsync(fd) == 0 || errno == EINVAL, CNN_EIO,
              "cannot bring the folder '%s' to disk: %s", folder, strerror(errno));
done:
    if (fd >= 0)
        close(fd);
    free(folder);
    return st;
}

cnn_status cnn_file_replace(const char *path, const void *bytes, size_t n)
{
    cnn_status st = CNN_OK;
    int fd = -1;
    bool made = false;
    char *part = cnn_asprintf("%s.part", path);
    CNN_CHECK(part, CNN_ENOMEM, "name of a file");
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    CNN_CHECK(fd >= 0, CNN_EIO, "cannot make '%s': %s", part, strerror(errno));
    made = true;
    CNN_TRY(write_all(fd, part, bytes, n));
    int closed = close(fd);
    fd = -1;
    CNN_CHECK(closed == 0, CNN_EIO, "cannot close '%s': %s", part, strerror(errno));
    CNN_CHECK(rename(part, path) == 0, CNN_EIO, "cannot rename '%s' to '%s': %s", part, path,
              strerror(errno));
    made = false;
    CNN_TRY(sync_folder(path));
done:
    if (fd >= 0)
        close(fd);
    if (made)
        unlink(part);
    free(part);
    return st;
}
