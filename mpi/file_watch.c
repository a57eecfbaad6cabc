/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/file_watch.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct cnn_file_watch {
    const char *path;
    const cnn_writer *writer;
    int fd;          /* of the file itself, by O_PATH: closing it releases no lock */
    double due;      /* monotonic */
    bool was_absent; /* the last look found fault */
    bool is_lost;    /* and the one before */
};

static const double interval = 10; /* seconds */

cnn_status cnn_file_watch_create(const char *path, const cnn_writer *writer, cnn_file_watch **out)
{
    cnn_status st = CNN_OK;
    cnn_file_watch *w = calloc(1, sizeof *w);
    CNN_CHECK(w != NULL, CNN_ENOMEM, "watch over the results file");
    w->path = path;
    w->writer = writer;
    w->due = cnn_clock_monotonic() + interval;
    w->fd = open(path, O_PATH | O_CLOEXEC);
    CNN_CHECK(w->fd >= 0, CNN_EIO, "cannot open '%s': %s", path, strerror(errno));
    *out = w;
    w = NULL;
done:
    cnn_file_watch_destroy(&w);
    return st;
}

void cnn_file_watch_destroy(cnn_file_watch **watch)
{
    if (*watch && (*watch)->fd >= 0)
        close((*watch)->fd);
    free(*watch);
    *watch = NULL;
}

/** Whether the name is known not to lead to the file. */
static bool is_absent(const cnn_file_watch *w)
{
    struct stat file, named;
    if (fstat(w->fd, &file) != 0)
        return errno == ESTALE;
    if (file.st_nlink == 0)
        return true;
    if (stat(w->path, &named) != 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    return file.st_dev != named.st_dev || file.st_ino != named.st_ino;
}

static cnn_status look(cnn_file_watch *w)
{
    cnn_status st = CNN_OK;
    const bool absent = is_absent(w), again = absent && w->was_absent;
    w->was_absent = absent;
    w->due = cnn_clock_monotonic() + interval;
    w->is_lost = w->is_lost || again;
    CNN_CHECK(!again, CNN_EIO,
              "the results file '%s' was deleted, renamed or replaced by another program while the "
              "job ran; rows written so far are lost unless the file still has another name",
              w->path);
    CNN_TRY(cnn_writer_check(w->writer));
done:
    return st;
}

cnn_status cnn_file_watch_step(cnn_file_watch *w)
{
    return cnn_clock_monotonic() < w->due ? CNN_OK : look(w);
}

cnn_status cnn_file_watch_finish(cnn_file_watch *w)
{
    cnn_status st = CNN_OK;
    if (!is_absent(w))
        return CNN_OK;
    if (!w->was_absent)
        CNN_TRY(look(w));
    const double wait = fmax(0, w->due - cnn_clock_monotonic());
    nanosleep(&(struct timespec){(time_t)wait, (long)(1e9 * fmod(wait, 1))}, NULL);
    CNN_TRY(look(w));
done:
    return st;
}

bool cnn_file_watch_is_lost(const cnn_file_watch *w)
{
    return w && w->is_lost;
}
