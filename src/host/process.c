/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process.h"

#include "base/process_stat.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/** When a process began; 0: it is gone. */
static uint64_t start_of(int64_t pid)
{
    cnn_process_stat stat;
    return cnn_process_stat_read("", pid, &stat) ? stat.start : 0;
}

cnn_process_identity cnn_process_self(void)
{
    cnn_process_identity self = {.pid = getpid(), .start = start_of(getpid())};
    struct stat space;
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f && fscanf(f, "%39s", self.boot) != 1)
        self.boot[0] = '\0';
    if (f)
        fclose(f);
    if (stat("/proc/self/ns/pid", &space) == 0)
        self.namespace = (uint64_t)space.st_ino;
    return self;
}

bool cnn_process_is_near(const cnn_process_identity *a, const cnn_process_identity *b)
{
    return a->boot[0] && a->namespace && b->start && strcmp(a->boot, b->boot) == 0 &&
           a->namespace == b->namespace;
}

int cnn_process_open(const cnn_process_identity *which, bool *ended)
{
    const int fd = (int)syscall(SYS_pidfd_open, (pid_t)which->pid, 0u);
    *ended = fd < 0 && errno == ESRCH;
    /* From now on the descriptor stands for one process: was it the one that is meant? */
    const uint64_t start = fd < 0 ? 0 : start_of(which->pid);
    if (fd < 0 || start == which->start)
        return fd;
    *ended = start != 0 || cnn_process_has_ended(fd); /* 0: /proc could not be read */
    close(fd);
    return -1;
}

bool cnn_process_has_ended(int descriptor)
{
    struct pollfd fd = {.fd = descriptor, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

void cnn_process_kill(int descriptor)
{
    syscall(SYS_pidfd_send_signal, descriptor, SIGKILL, NULL, 0u);
}
