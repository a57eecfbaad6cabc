/* SPDX-License-Identifier: Apache-2.0 */
#include "host/child.h"

#include "base/clock.h"
#include "base/text.h"
#include "host/environment.h"
#include "host/handover.h"
#include "host/lines.h"
#include "host/logtail.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct cnn_child {
    pid_t pid;
    int events, log; /* our ends of the pipes; -1 once closed */
    int exit_notice; /* becomes readable at the end (pidfd); -1 where the kernel has none */
    bool reaped;
    int exit_code;                 /* or -signal */
    double start_wall, start, end; /* seconds */
    struct rusage usage;
    cnn_lines lines;
    cnn_logtail tail;
};

/* Above the descriptors that the trainer gets, so that no dup2 for it overwrites another's source.
 */
enum { FIRST_FREE_DESCRIPTOR = 10 };

/** Moves a descriptor up; closes the old one. */
static int raise_descriptor(int fd)
{
    const int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR);
    const int why = errno;
    close(fd);
    errno = why;
    return high;
}

static void close_descriptor(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/** A pipe whose reading end does not block. */
static cnn_status make_pipe(int *read_end, int *write_end)
{
    cnn_status st = CNN_OK;
    int ends[2];
    CNN_CHECK(pipe2(ends, O_CLOEXEC) == 0, CNN_EENV, "a pipe to a trainer: %s", strerror(errno));
    *read_end = raise_descriptor(ends[0]);
    *write_end = raise_descriptor(ends[1]);
    CNN_CHECK(*read_end >= 0 && *write_end >= 0, CNN_EENV, "a pipe to a trainer: %s",
              strerror(errno));
    CNN_CHECK(fcntl(*read_end, F_SETFL, O_NONBLOCK) == 0, CNN_EENV, "a pipe to a trainer: %s",
              strerror(errno));
done:
    return st;
}

/** A file in memory that holds the specification. Unlike a pipe it takes any length at once and
 * cannot break when the trainer ends early. */
static cnn_status make_input(const char *input, int *out)
{
    cnn_status st = CNN_OK;
    const size_t n = strlen(input);
    const int fd = memfd_create("cnnmpi-run", MFD_CLOEXEC);
    CNN_CHECK(fd >= 0, CNN_EENV, "a trainer's input: %s", strerror(errno));
    *out = raise_descriptor(fd);
    CNN_CHECK(*out >= 0, CNN_EENV, "a trainer's input: %s", strerror(errno));
    for (size_t at = 0; at < n;) {
        const ssize_t written = write(*out, input + at, n - at);
        CNN_CHECK(written > 0, CNN_EENV, "a trainer's input: %s", strerror(errno));
        at += (size_t)written;
    }
    CNN_CHECK(lseek(*out, 0, SEEK_SET) == 0, CNN_EENV, "a trainer's input: %s", strerror(errno));
done:
    return st;
}

/** NAME=value entries that every trainer gets, before those that the caller adds. */
static cnn_status make_environment(const cnn_child_options *options, char ***out)
{
    cnn_status st = CNN_OK;
    const char *const none[] = {NULL};
    const char *const *more = options->environment ? options->environment : none;
    char events[32], threads[32];
    const char **set = NULL;
    const bool owns_cores = options->cpus && !options->shared;
    size_t count = 0, n = 0;
    while (more[count])
        count++;
    CNN_CHECK((set = calloc(count + 6, sizeof *set)) != NULL, CNN_ENOMEM,
              "a trainer's environment");
    snprintf(events, sizeof events, "CNN_EVENTS_FD=%d", CNN_EVENTS_DESCRIPTOR);
    snprintf(threads, sizeof threads, "OMP_NUM_THREADS=%d", options->threads);
    set[n++] = events;
    set[n++] = threads;
    /* Spinning, bound threads are fastest on cores of their own, and ruinous on shared ones. Places
     * are named, or two threads could be put on one core's two hardware threads. */
    set[n++] = owns_cores ? "OMP_WAIT_POLICY=active" : "OMP_WAIT_POLICY=passive";
    set[n++] = owns_cores ? "OMP_PROC_BIND=true" : "OMP_PROC_BIND=false";
    set[n++] = "OMP_PLACES=cores";
    memcpy(set + n, more, count * sizeof *set);
    CNN_TRY(cnn_environment_make(environ, set, out));
done:
    free(set);
    return st;
}

/** helper PARENT CPUS PROGRAM ARGUMENTS; only the list is owned by the caller. */
static cnn_status make_arguments(const cnn_child_options *options, char *parent, char ***out)
{
    cnn_status st = CNN_OK;
    size_t count = 0;
    char **list = NULL;
    while (options->argv[count])
        count++;
    CNN_CHECK((list = calloc(count + 4, sizeof *list)) != NULL, CNN_ENOMEM,
              "a trainer's arguments");
    list[0] = (char *)options->helper;
    list[1] = parent;
    list[2] = options->cpus ? (char *)options->cpus : "-";
    memcpy(list + 3, options->argv, count * sizeof *list);
    *out = list;
done:
    return st;
}

/** Starts the helper with input as 0, log as 1 and 2, events as CNN_EVENTS_DESCRIPTOR. */
static cnn_status spawn(const cnn_child_options *options, int input, int log, int events,
                        pid_t *pid)
{
    cnn_status st = CNN_OK;
    char parent[32], **arguments = NULL, **environment = NULL;
    posix_spawn_file_actions_t actions;
    bool have_actions = false;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    CNN_TRY(make_arguments(options, parent, &arguments));
    CNN_TRY(make_environment(options, &environment));
    have_actions = posix_spawn_file_actions_init(&actions) == 0;
    CNN_CHECK(have_actions && posix_spawn_file_actions_adddup2(&actions, input, 0) == 0 &&
                  posix_spawn_file_actions_adddup2(&actions, log, 1) == 0 &&
                  posix_spawn_file_actions_adddup2(&actions, log, 2) == 0 &&
                  posix_spawn_file_actions_adddup2(&actions, events, CNN_EVENTS_DESCRIPTOR) == 0,
              CNN_ENOMEM, "a trainer's descriptors");
    const int error = posix_spawn(pid, options->helper, &actions, NULL, arguments, environment);
    CNN_CHECK(error == 0, CNN_EENV, "cannot start '%s': %s", options->helper, strerror(error));
done:
    if (have_actions)
        posix_spawn_file_actions_destroy(&actions);
    cnn_environment_free(&environment);
    free(arguments);
    return st;
}

cnn_status cnn_child_start(const cnn_child_options *options, cnn_child **out)
{
    cnn_status st = CNN_OK;
    int input = -1, log = -1, events = -1;
    cnn_child *child = calloc(1, sizeof *child);
    CNN_CHECK(child != NULL, CNN_ENOMEM, "a trainer's record");
    child->pid = child->events = child->log = child->exit_notice = -1;
    CNN_CHECK(options && options->helper && options->argv && options->argv[0], CNN_EINVAL,
              "a trainer needs the exec helper and a program");
    CNN_TRY(make_input(options->input ? options->input : "", &input));
    CNN_TRY(make_pipe(&child->events, &events));
    CNN_TRY(make_pipe(&child->log, &log));
    child->start_wall = cnn_clock_wall();
    child->start = cnn_clock_monotonic();
    CNN_TRY(spawn(options, input, log, events, &child->pid));
#ifdef SYS_pidfd_open
    child->exit_notice = (int)syscall(SYS_pidfd_open, child->pid, 0); /* close-on-exec by itself */
#endif
    *out = child;
    child = NULL;
done:
    close_descriptor(&input);
    close_descriptor(&log);
    close_descriptor(&events);
    cnn_child_destroy(&child);
    return st;
}

/** Reads what is there; closes the descriptor at the end of file or on an error. */
static void read_events(cnn_child *child)
{
    while (child->events >= 0) {
        size_t room;
        char *to = cnn_lines_space(&child->lines, &room);
        if (room == 0)
            return; /* the caller takes lines first */
        const ssize_t n = read(child->events, to, room);
        if (n > 0)
            cnn_lines_added(&child->lines, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            return;
        else
            close_descriptor(&child->events);
    }
    child->lines.closed = true;
}

/** Likewise; a few buffers at a time, so that a flood does not keep the rank from its other work.
 */
static void read_log(cnn_child *child)
{
    char bytes[4096];
    for (int i = 0; i < 64 && child->log >= 0; i++) {
        const ssize_t n = read(child->log, bytes, sizeof bytes);
        if (n > 0)
            cnn_logtail_add(&child->tail, bytes, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            return;
        else if (n == 0 || errno != EINTR)
            close_descriptor(&child->log);
    }
}

/** Waits for output or the end. */
static void await(const cnn_child *child, double timeout)
{
    struct pollfd fds[3];
    nfds_t n = 0;
    const int candidates[3] = {child->exit_notice, child->log,
                               child->lines.end < CNN_LINES_ROOM ? child->events : -1};
    for (int i = 0; i < 3; i++)
        if (candidates[i] >= 0)
            fds[n++] = (struct pollfd){.fd = candidates[i], .events = POLLIN};
    const struct timespec t = {.tv_sec = (time_t)timeout,
                               .tv_nsec = (long)(1e9 * (timeout - floor(timeout)))};
    ppoll(fds, n, &t, NULL); /* a signal or an error only shortens the wait */
}

/** Notices the end. What is left of the group is killed before the reaping: until then nobody else
 * can get the group's number. */
static cnn_status reap(cnn_child *child)
{
    cnn_status st = CNN_OK;
    siginfo_t info = {0};
    int code;
    CNN_CHECK(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
                  errno == EINTR,
              CNN_EENV, "trainer process %ld is lost: %s", (long)child->pid, strerror(errno));
    if (info.si_pid == 0)
        goto done;
    child->end = cnn_clock_monotonic();
    kill(-child->pid, SIGKILL);
    CNN_CHECK(wait4(child->pid, &code, 0, &child->usage) == child->pid, CNN_EENV,
              "trainer process %ld is lost: %s", (long)child->pid, strerror(errno));
    child->reaped = true;
    child->exit_code = WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code);
done:
    return st;
}

cnn_status cnn_child_poll(cnn_child *child, double timeout)
{
    cnn_status st = CNN_OK;
    if (cnn_child_ended(child))
        return CNN_OK;
    if (timeout > 0 && !child->reaped)
        await(child, timeout);
    if (!child->reaped)
        CNN_TRY(reap(child));
    /* In this order: what it wrote before its end is read after the end was noticed. */
    read_events(child);
    read_log(child);
    if (child->reaped && child->events >= 0 && child->lines.end < CNN_LINES_ROOM) {
        close_descriptor(&child->events); /* held open by a process that has left the group */
        child->lines.closed = true;
    }
    if (child->reaped)
        close_descriptor(&child->log);
done:
    return st;
}

const char *cnn_child_next_line(cnn_child *child, bool *too_long)
{
    return cnn_lines_next(&child->lines, too_long);
}

bool cnn_child_ended(const cnn_child *child)
{
    return child->reaped && child->events < 0;
}

int cnn_child_exit_code(const cnn_child *child)
{
    return child->exit_code;
}

double cnn_child_start_wall(const cnn_child *child)
{
    return child->start_wall;
}

double cnn_child_life_seconds(const cnn_child *child)
{
    return (child->reaped ? child->end : cnn_clock_monotonic()) - child->start;
}

const struct rusage *cnn_child_usage(const cnn_child *child)
{
    return &child->usage;
}

pid_t cnn_child_pid(const cnn_child *child)
{
    return child->pid;
}

const char *cnn_child_log_tail(cnn_child *child)
{
    return cnn_logtail_text(&child->tail);
}

void cnn_child_signal(cnn_child *child, int signal)
{
    if (child->reaped)
        return;
    /* Between its start and its setpgid it leads no group yet; the process itself is there. */
    if (kill(-child->pid, signal) != 0)
        kill(child->pid, signal);
}

void cnn_child_destroy(cnn_child **child)
{
    cnn_child *c = *child;
    if (!c)
        return;
    if (c->pid > 0 && !c->reaped) {
        cnn_child_signal(c, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close_descriptor(&c->events);
    close_descriptor(&c->log);
    close_descriptor(&c->exit_notice);
    free(c);
    *child = NULL;
}
