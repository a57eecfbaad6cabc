/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/lock.h"

#include "base/clock.h"
#include "base/text.h"
#include "hdf5io/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { HOLDER_SIZE = 256 };

/* The byte of a results file that stands for it: beyond what any file reaches. */
static const off_t locked_byte = (off_t)1 << 62;

struct cnn_lock {
    char *target, *lock_path;
    int lock_fd, file_fd; /* -1: not open */
};

/** Whether locks of a file system work between processes of this host without a server, and without
 *  keeping MPI-IO from the same file. */
static bool is_local(int fd)
{
    static const unsigned long local[] = {0xEF53 /* ext2, 3, 4 */,
                                          0x58465342 /* xfs */,
                                          0x9123683E /* btrfs */,
                                          0x01021994 /* tmpfs */,
                                          0x794C7630 /* overlayfs */,
                                          0xF2F52010 /* f2fs */,
                                          0x2FC12FC1 /* zfs */};
    struct statfs info;
    if (fstatfs(fd, &info) != 0)
        return false;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if ((unsigned long)info.f_type == local[i])
            return true;
    return false;
}

/** Takes the lock of an open file description. Unlike a process's lock it is not lost when some
 *  library closes another descriptor of the same file; and as the descriptor closes on exec, a
 *  trainer that outlives its rank does not keep it. */
static bool take(int fd, off_t start, off_t length)
{
    struct flock range = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    int rc;
    do
        rc = fcntl(fd, F_OFD_SETLK, &range);
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
    if (!take(*fd, 0, 0)) {
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

static cnn_status lock_name(const char *path, cnn_lock *lock)
{
    cnn_status st = CNN_OK;
    bool stale = false;
    lock->lock_path = cnn_asprintf("%s.lock", lock->target);
    CNN_CHECK(lock->lock_path, CNN_ENOMEM, "name of a file");
    do
        CNN_TRY(try_lock(path, lock->lock_path, &lock->lock_fd, &stale));
    while (stale);
done:
    return st;
}

cnn_status cnn_lock_file(cnn_lock *lock)
{
    cnn_status st = CNN_OK;
    int fd = open(lock->target, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    CNN_CHECK(fd >= 0, CNN_EIO, "cannot write '%s': %s", lock->target, strerror(errno));
    CNN_CHECK(!is_local(fd) || take(fd, locked_byte, 1), CNN_EBUSY,
              "'%s' is in use by another process, under another name of the file; wait for it to "
              "end or choose another output",
              lock->target);
    if (lock->file_fd >= 0)
        close(lock->file_fd);
    lock->file_fd = fd;
    fd = -1;
done:
    if (fd >= 0)
        close(fd);
    return st;
}

cnn_status cnn_lock_take(const char *path, cnn_lock **out)
{
    cnn_status st = CNN_OK;
    bool exists = false;
    cnn_lock *lock = calloc(1, sizeof *lock);
    CNN_CHECK(lock, CNN_ENOMEM, "a lock");
    lock->lock_fd = lock->file_fd = -1;
    CNN_TRY(cnn_target_resolve(path, &lock->target));
    CNN_TRY(cnn_target_check(lock->target, &exists));
    CNN_TRY(lock_name(path, lock));
    if (exists)
        CNN_TRY(cnn_lock_file(lock));
    *out = lock;
    lock = NULL;
done:
    cnn_lock_release(&lock);
    return st;
}

const char *cnn_lock_target(const cnn_lock *lock)
{
    return lock->target;
}

void cnn_lock_release(cnn_lock **lock)
{
    cnn_lock *l = *lock;
    if (!l)
        return;
    if (l->lock_fd >= 0) {
        if (still_named(l->lock_fd, l->lock_path))
            unlink(l->lock_path); /* before the lock goes: nobody else can hold it now */
        close(l->lock_fd);
    }
    if (l->file_fd >= 0)
        close(l->file_fd);
    free(l->lock_path);
    free(l->target);
    free(l);
    *lock = NULL;
}

void cnn_lock_holder(const char *path, char *holder, size_t n)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[HOLDER_SIZE], *target = NULL, *lock_path = NULL;
    holder[0] = '\0';
    if (cnn_target_resolve(path, &target) == CNN_OK)
        lock_path = cnn_asprintf("%s.lock", target);
    const int fd = lock_path ? open(lock_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
        read_holder(fd, text);
        cnn_copy_string(holder, n, text);
    }
    if (fd >= 0)
        close(fd);
    free(lock_path);
    free(target);
}
