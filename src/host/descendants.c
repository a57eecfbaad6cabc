/* SPDX-License-Identifier: Apache-2.0 */
#include "host/descendants.h"

#include "base/process_stat.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Sends SIGKILL to every child. A child's number is not given to another process before this
 *  process has reaped it, so that no other process can be hit. Returns the number of children that
 *  were found. */
static int kill_children(void)
{
    cnn_process_stat stat;
    int found = 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || !cnn_process_stat_read("", pid, &stat) || stat.parent != getpid())
            continue;
        found++;
        kill(pid, SIGKILL);
    }
    closedir(proc);
    return found;
}

/** Reaps the children that have ended; false: there are no children at all. */
static bool reap_children(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0 || (pid < 0 && errno == EINTR))
        ;
    return pid == 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int cnn_descendants_end(double seconds)
{
    const double deadline = now() + seconds;
    const struct timespec tick = {.tv_nsec = 10000000};
    sigset_t child;
    int left = 0;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    while (reap_children()) {
        left = kill_children();
        if (!reap_children())
            return 0;
        if (now() >= deadline)
            return left > 0 ? left : 1;
        sigtimedwait(&child, NULL, &tick);
    }
    return 0;
}
