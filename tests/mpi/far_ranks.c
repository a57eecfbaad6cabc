/* SPDX-License-Identifier: Apache-2.0 */
/** Preloaded into cnnmpi: each rank takes itself to be on a host of its own, so that signs of life
 *  travel by UDP, and nobody learns of another's end from the kernel. And writes that hang:
 *    CNN_BLOCK_RANK     rank of which one write to a results file (a row's) hangs; unset: none
 *    CNN_BLOCK_SECONDS  for so long; or
 *    CNN_BLOCK_FILE     for ever, and it is written all the same, by a process that nobody kills,
 *                       once this file is there: as if it hung in the kernel. FILE.blocked is made
 *                       when it begins to hang, FILE.written when it is written
 *    CNN_SUSPENDED      once this file is there, the host has been suspended for an hour */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef FILE *open_function(const char *, const char *);

static const char *rank(void)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    return rank ? rank : "0";
}

static FILE *open_by(const char *name, const char *path, const char *mode)
{
    static char host[64];
    open_function *next;
    *(void **)&next = dlsym(RTLD_NEXT, name);
    if (getenv("CNN_FAR") && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) {
        snprintf(host, sizeof host, "host-of-%s\n", rank());
        return fmemopen(host, strlen(host), "r");
    }
    return next(path, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    return open_by("fopen", path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return open_by("fopen64", path, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    const char *suspended = clock == CLOCK_BOOTTIME ? getenv("CNN_SUSPENDED") : NULL;
    const long rc = syscall(SYS_clock_gettime, clock, time);
    if (suspended && access(suspended, F_OK) == 0)
        time->tv_sec += 3600;
    return (int)rc;
}

static int is_results_file(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    return n > 3 && memcmp(path + n - 3, ".h5", 3) == 0;
}

static void make(const char *file, const char *suffix)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", file, suffix);
    close(open(path, O_WRONLY | O_CREAT, 0666));
}

/** The write's other life: in a process of its own that keeps nothing else. */
static void write_later(const char *file, int fd, const void *bytes, size_t n, off_t at)
{
    const struct timespec tick = {.tv_nsec = 10000000};
    if (fork() != 0)
        return;
    setsid();
    if (fd != 3)
        dup2(fd, 3);
    syscall(SYS_close_range, 4u, ~0u, 0u);
    for (int i = 0; i < 3; i++)
        close(i);
    while (access(file, F_OK) != 0)
        nanosleep(&tick, NULL);
    if (syscall(SYS_pwrite64, 3, bytes, n, at) == (long)n)
        make(file, ".written");
    _exit(0);
}

static void hang(int fd, const void *bytes, size_t n, off_t at)
{
    static int count;
    const char *blocked = getenv("CNN_BLOCK_RANK"), *file = getenv("CNN_BLOCK_FILE");
    if (!blocked || strcmp(blocked, rank()) != 0 || at == 0 || !is_results_file(fd) || ++count != 5)
        return;
    if (!file) {
        nanosleep(&(struct timespec){.tv_sec = atoi(getenv("CNN_BLOCK_SECONDS"))}, NULL);
        return;
    }
    write_later(file, fd, bytes, n, at);
    make(file, ".blocked");
    for (;;)
        pause();
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    hang(fd, bytes, n, at);
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    hang(fd, bytes, n, at);
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}
