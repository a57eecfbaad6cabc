/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/lock.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOLDER_SIZE = 256 };

/** Takes the lock of an open file description. Unlike a process's lock it is not lost when some
 *  library closes another descriptor of the same file; and as the descriptor closes on exec, a
 *  trainer that outlives its rank does not keep it. */
static bool take(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;
    do
        rc = fcntl(fd, F_OFD_SETLK, &whole);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

/** A holder that unlocks removes the file: what we locked may have lost its name to a newer one. */
static bool still_named(int fd, const char *lock_path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(lock_path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

static void read_holder(int fd, char holder[HOLDER_SIZE])
{
    ssize_t n = pread(fd, holder, HOLDER_SIZE - 1, 0);
    holder[n > 0 ? n : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    if (!holder[0])
        snprintf(holder, HOLDER_SIZE, "another process");
}

static cnn_status write_holder(int fd, const char *lock_path)
{
    cnn_status st = CNN_OK;
    char host[128] = "", now[32], holder[HOLDER_SIZE];
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        snprintf(host, sizeof host, "unknown host");
    cnn_clock_format(cnn_clock_wall(), now, sizeof now);
    int n =
        snprintf(holder, sizeof holder, "process %ld on %s since %s\n", (long)getpid(), host, now);
    CNN_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, holder, (size_t)n, 0) == n, CNN_EIO,
              "cannot write '%s': %s", lock_path, strerror(errno));
done:
    return st;
}

/** One try; *stale: the file was removed meanwhile, try again. */
static cnn_status try_lock(const char *path, const char *lock_path, int *fd, bool *stale)
{
    cnn_status st = CNN_OK;
    char holder[HOLDER_SIZE];
    *stale = false;
    /* O_NOFOLLOW: in a folder of several people a link could lead to a file of ours */
    *fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    CNN_CHECK(*fd >= 0, CNN_EIO, "cannot make the lock '%s': %s", lock_path, strerror(errno));
    if (!take(*fd)) {
        CNN_CHECK(errno == EAGAIN || errno == EACCES, CNN_EENV,
                  "cannot lock '%s': %s; choose an output on a file system with locks", lock_path,
                  strerror(errno));
        read_holder(*fd, holder);
        CNN_CHECK(false, CNN_EBUSY,
                  "'%s' is in use by %s; wait for it to end or choose another output", path,
                  holder);
    }
    *stale = !still_named(*fd, lock_path);
    if (!*stale && (st = write_holder(*fd, lock_path)) != CNN_OK)
        unlink(lock_path);
done:
    if ((st != CNN_OK || *stale) && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return st;
}

cnn_status cnn_results_lock(const char *path, int *fd)
{
    cnn_status st = CNN_OK;
    bool stale = false;
    char *lock_path = cnn_asprintf("%s.lock", path);
    *fd = -1;
    CNN_CHECK(lock_path, CNN_ENOMEM, "name of a file");
    do
        CNN_TRY(try_lock(path, lock_path, fd, &stale));
    while (stale);
done:
    free(lock_path);
    return st;
}

void cnn_results_lock_holder(const char *path, char *holder, size_t n)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[HOLDER_SIZE], *lock_path = cnn_asprintf("%s.lock", path);
    int fd = lock_path ? open(lock_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    holder[0] = '\0';
    if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
        read_holder(fd, text);
        cnn_copy_string(holder, n, text);
    }
    if (fd >= 0)
        close(fd);
    free(lock_path);
}

void cnn_results_unlock(const char *path, int *fd)
{
    if (*fd < 0)
        return;
    char *lock_path = cnn_asprintf("%s.lock", path);
    if (lock_path && still_named(*fd, lock_path))
        unlink(lock_path); /* before the lock goes: nobody else can hold it now */
    free(lock_path);
    close(*fd);
    *fd = -1;
}
