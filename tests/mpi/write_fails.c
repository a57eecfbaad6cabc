/* SPDX-License-Identifier: Apache-2.0 */
/** Preloaded into cnnmpi: from one write on, all writes to a results file fail. Ranks are those of
 *  $OMPI_COMM_WORLD_RANK; without it, rank 0:
 *    CNN_FAIL_RANK   rank whose writes fail, "all": every rank's; unset: none
 *    CNN_FAIL_FROM   its first write that fails, from 1
 *    CNN_FAIL_ERRNO  the error
 *    CNN_WRITES_LOG  a file that gets a line for each write of rank 0: "make", "row" (one of its
 *                    cells), "head" (HDF5's own, at offset 0) or "sync" */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/** Whether a descriptor is a results file's: "x.h5", or while it is made "x.h5.part". */
static int is_results_file(int fd, int *part)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 5)
        return 0;
    path[n] = '\0';
    *part = strcmp(path + n - 5, ".part") == 0;
    return *part || strcmp(path + n - 3, ".h5") == 0;
}

static int is_failing_rank(const char *rank)
{
    const char *fails = getenv("CNN_FAIL_RANK");
    return fails && (strcmp(fails, "all") == 0 || strcmp(fails, rank) == 0);
}

static void note(const char *rank, const char *kind)
{
    const char *path = getenv("CNN_WRITES_LOG");
    FILE *log = path && strcmp(rank, "0") == 0 ? fopen(path, "a") : NULL;
    if (!log)
        return;
    fprintf(log, "%s\n", kind);
    fclose(log);
}

static int fails(int fd, const char *kind)
{
    static long count;
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    int part;
    if (!is_results_file(fd, &part))
        return 0;
    rank = rank ? rank : "0";
    note(rank, part ? "make" : kind);
    if (!is_failing_rank(rank) || ++count < atol(getenv("CNN_FAIL_FROM")))
        return 0;
    errno = atoi(getenv("CNN_FAIL_ERRNO"));
    return 1;
}

#define INTERPOSE(type, name, parameters, arguments, kind)                                         \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*next) parameters;                                                             \
        if (!next)                                                                                 \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                             \
        return fails(fd, kind) ? -1 : next arguments;                                              \
    }

INTERPOSE(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), "row")
INTERPOSE(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), "row")
INTERPOSE(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o),
          o ? "row" : "head")
INTERPOSE(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o),
          o ? "row" : "head")
INTERPOSE(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o),
          o ? "row" : "head")
INTERPOSE(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t o), (fd, v, n, o),
          o ? "row" : "head")
INTERPOSE(int, fsync, (int fd), (fd), "sync")
INTERPOSE(int, fdatasync, (int fd), (fd), "sync")
