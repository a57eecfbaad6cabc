/* SPDX-License-Identifier: Apache-2.0 */
#include "host/child.h"

#include "base/clock.h"
#include "base/text.h"
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
#include <sys/wait.h>
#include <unistd.h>

struct cnn_child {
    pid_t helper;    /* the supervisor, our child; -1: none */
    pid_t pid;       /* the trainer, the supervisor's child; -1: not reported yet */
    int events, log; /* our ends of the pipes; -1 once closed */
    int report;      /* the supervisor's records */
    int order;       /* one byte orders the end; closing it does so too */
    bool ended;      /* the trainer's end was reported, or the supervisor is gone */
    bool reaped;     /* the supervisor */
    bool started;
    int exit_code;                 /* or -signal */
    int left;                      /* processes that did not end; -1: unknown */
    double start_wall, start, end; /* seconds */
    double kill_at;                /* monotonic: when the supervisor itself is killed */
    struct rusage usage;
    cnn_lines lines;
    cnn_logtail tail;
};

/* Seconds for the helper to fork; and beyond its own patience, before it is killed. */
static const double start_patience = 30, helper_patience = CNN_EXEC_PATIENCE + 2;

/* Above the descriptors that the trainer gets, so that no dup2 for it overwrites another's
 * source. */
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
 *  cannot break when the trainer ends early. */
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

/** The environment with the descriptor of the events in it; only the list is owned by the caller. */
static cnn_status make_environment(char *const *given, char *events, char ***out)
{
    cnn_status st = CNN_OK;
    size_t count = 0;
    char **list = NULL;
    while (given && given[count])
        count++;
    CNN_CHECK((list = calloc(count + 2, sizeof *list)) != NULL, CNN_ENOMEM,
              "a trainer's environment");
    if (count)
        memcpy(list, given, count * sizeof *list);
    list[count] = events;
    *out = list;
done:
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

/** The ends of the pipes that the helper gets; -1: not open. */
typedef struct {
    int input, log, events, report, order;
} handed_over;

/** Starts the helper with input as 0, log as 1 and 2, the others as host/handover.h numbers
 *  them. */
static cnn_status spawn(const cnn_child_options *options, const handed_over *h, pid_t *pid)
{
    cnn_status st = CNN_OK;
    char parent[32], events[32], **arguments = NULL, **environment = NULL;
    posix_spawn_file_actions_t actions;
    bool have_actions = false;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    CNN_TRY(make_arguments(options, parent, &arguments));
    snprintf(events, sizeof events, "CNN_EVENTS_FD=%d", CNN_EVENTS_DESCRIPTOR);
    CNN_TRY(make_environment(options->environment, events, &environment));
    have_actions = posix_spawn_file_actions_init(&actions) == 0;
    const int descriptors[][2] = {{h->input, 0},
                                  {h->log, 1},
                                  {h->log, 2},
                                  {h->events, CNN_EVENTS_DESCRIPTOR},
                                  {h->report, CNN_REPORT_DESCRIPTOR},
                                  {h->order, CNN_ORDER_DESCRIPTOR}};
    for (size_t i = 0; have_actions && i < sizeof descriptors / sizeof descriptors[0]; i++)
        CNN_CHECK(
            posix_spawn_file_actions_adddup2(&actions, descriptors[i][0], descriptors[i][1]) == 0,
            CNN_ENOMEM, "a trainer's descriptors");
    CNN_CHECK(have_actions, CNN_ENOMEM, "a trainer's descriptors");
    const int error = posix_spawn(pid, options->helper, &actions, NULL, arguments, environment);
    CNN_CHECK(error == 0, CNN_EENV, "cannot start '%s': %s", options->helper, strerror(error));
done:
    if (have_actions)
        posix_spawn_file_actions_destroy(&actions);
    free(environment);
    free(arguments);
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

/** Likewise; a few buffers at a time, so that a flood does not keep the rank from its other
 *  work. */
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

/** Takes one record of the supervisor. */
static void take_report(cnn_child *child, const cnn_exec_report *r)
{
    switch ((cnn_exec_report_kind)r->kind) {
    case CNN_EXEC_STARTED:
        child->pid = r->pid;
        break;
    case CNN_EXEC_ENDED:
        child->end = cnn_clock_monotonic();
        child->ended = true;
        child->started = r->started != 0;
        child->usage = r->usage;
        child->exit_code = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -WTERMSIG(r->status);
        /* The supervisor clears up now. */
        child->kill_at = fmin(child->kill_at, child->end + helper_patience);
        break;
    case CNN_EXEC_CLEARED:
        child->left = r->left;
        break;
    }
}

static void read_reports(cnn_child *child)
{
    while (child->report >= 0) {
        cnn_exec_report r;
        const ssize_t n = read(child->report, &r, sizeof r); /* whole: see host/handover.h */
        if (n == (ssize_t)sizeof r)
            take_report(child, &r);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            return;
        else
            close_descriptor(&child->report); /* the supervisor is gone */
    }
}

/** Waits until the helper has created the trainer's process. */
static cnn_status await_start(cnn_child *child)
{
    cnn_status st = CNN_OK;
    const double deadline = child->start + start_patience;
    while (child->pid < 0 && child->report >= 0 && cnn_clock_monotonic() < deadline) {
        struct pollfd fd = {.fd = child->report, .events = POLLIN};
        poll(&fd, 1, 100);
        read_reports(child);
    }
    if (child->pid < 0)
        read_log(child);
    CNN_CHECK(child->pid > 0, CNN_EENV, "the exec helper started no trainer: %s",
              cnn_logtail_text(&child->tail));
done:
    return st;
}

cnn_status cnn_child_start(const cnn_child_options *options, cnn_child **out)
{
    cnn_status st = CNN_OK;
    handed_over h = {-1, -1, -1, -1, -1};
    cnn_child *child = calloc(1, sizeof *child);
    CNN_CHECK(child != NULL, CNN_ENOMEM, "a trainer's record");
    child->helper = child->pid = child->events = child->log = child->report = child->order = -1;
    child->left = -1;
    child->kill_at = INFINITY;
    CNN_CHECK(options && options->helper && options->argv && options->argv[0], CNN_EINVAL,
              "a trainer needs the exec helper and a program");
    CNN_TRY(make_input(options->input ? options->input : "", &h.input));
    CNN_TRY(make_pipe(&child->events, &h.events));
    CNN_TRY(make_pipe(&child->log, &h.log));
    CNN_TRY(make_pipe(&child->report, &h.report));
    CNN_TRY(make_pipe(&h.order, &child->order));
    child->start_wall = cnn_clock_wall();
    child->start = cnn_clock_monotonic();
    CNN_TRY(spawn(options, &h, &child->helper));
    close_descriptor(&h.log); /* so that their ends are seen */
    close_descriptor(&h.report);
    CNN_TRY(await_start(child));
    *out = child;
    child = NULL;
done:
    close_descriptor(&h.input);
    close_descriptor(&h.log);
    close_descriptor(&h.events);
    close_descriptor(&h.report);
    close_descriptor(&h.order);
    cnn_child_destroy(&child);
    return st;
}

/** Waits for output, a report or the supervisor's end. */
static void await(const cnn_child *child, double timeout)
{
    struct pollfd fds[3];
    nfds_t n = 0;
    const int candidates[3] = {child->report, child->log,
                               child->lines.end < CNN_LINES_ROOM ? child->events : -1};
    for (int i = 0; i < 3; i++)
        if (candidates[i] >= 0)
            fds[n++] = (struct pollfd){.fd = candidates[i], .events = POLLIN};
    const struct timespec t = {.tv_sec = (time_t)timeout,
                               .tv_nsec = (long)(1e9 * (timeout - floor(timeout)))};
    ppoll(fds, n, &t, NULL); /* a signal or an error only shortens the wait */
}

/** Notices the supervisor's end, and brings it about where its patience is over. */
static cnn_status reap(cnn_child *child)
{
    cnn_status st = CNN_OK;
    struct rusage usage;
    int code;
    if (cnn_clock_monotonic() >= child->kill_at) {
        if (!child->ended)
            kill(child->pid, SIGKILL); /* unreaped by its parent, the number is still its own */
        kill(child->helper, SIGKILL);
    }
    const pid_t pid = wait4(child->helper, &code, WNOHANG, &usage);
    CNN_CHECK(pid >= 0 || errno == EINTR, CNN_EENV, "the exec helper, process %ld, is lost: %s",
              (long)child->helper, strerror(errno));
    if (pid != child->helper)
        goto done;
    child->reaped = true;
    read_reports(child);
    if (child->ended)
        goto done;
    /* It was killed, and its trainer with it: its own end stands for the trainer's. */
    child->ended = child->started = true;
    child->end = cnn_clock_monotonic();
    child->usage = usage;
    child->exit_code = WIFSIGNALED(code) ? -WTERMSIG(code) : -SIGKILL;
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
    read_reports(child);
    if (!child->reaped)
        CNN_TRY(reap(child));
    /* In this order: what it wrote before its end is read after the end was noticed. */
    read_events(child);
    read_log(child);
    if (child->reaped && child->events >= 0 && child->lines.end < CNN_LINES_ROOM) {
        close_descriptor(&child->events); /* held open by a process that could not be ended */
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

bool cnn_child_is_mute(const cnn_child *child)
{
    return child->events < 0;
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
    return (child->ended ? child->end : cnn_clock_monotonic()) - child->start;
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

bool cnn_child_was_started(const cnn_child *child)
{
    return child->started;
}

int cnn_child_left_behind(const cnn_child *child)
{
    return child->left;
}

int cnn_child_order(const cnn_child *child)
{
    return child->order;
}

void cnn_child_kill(cnn_child *child)
{
    close_descriptor(&child->order);
    if (isinf(child->kill_at))
        child->kill_at = cnn_clock_monotonic() + 2 * helper_patience;
}

void cnn_child_destroy(cnn_child **child)
{
    cnn_child *c = *child;
    if (!c)
        return;
    if (c->helper > 0 && !c->reaped) {
        cnn_child_kill(c);
        /* bounded: a process that cannot be killed stays behind, as a zombie later */
        const double deadline = c->kill_at + 1;
        while (!c->reaped && cnn_clock_monotonic() < deadline) {
            await(c, 0.05);
            read_reports(c);
            read_log(c);
            if (reap(c) != CNN_OK)
                break;
        }
    }
    close_descriptor(&c->events);
    close_descriptor(&c->log);
    close_descriptor(&c->report);
    close_descriptor(&c->order);
    free(c);
    *child = NULL;
}
