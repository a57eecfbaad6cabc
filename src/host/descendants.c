/* SPDX-License-Identifier: Apache-2.0 */
#include "host/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** The parent of a process, by /proc; 0: it is gone. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *after_name = strrchr(text, ')'); /* the name may hold anything */
    if (!after_name || sscanf(after_name, ") %*c %ld", &parent) != 1)
        return 0;
    return (pid_t)parent;
}

/** Sends SIGKILL to every child. A child's number is not given to another process before this
 *  process has reaped it, so that no other process can be hit. Returns the number of children that
 *  were found. */
static int kill_children(void)
{
    const pid_t self = getpid();
    int found = 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]) || parent_of(entry->d_name) != self)
            continue;
        found++;
        kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
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
