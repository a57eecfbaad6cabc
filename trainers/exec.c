/* SPDX-License-Identifier: Apache-2.0 */
/** cnn-exec: starts a trainer for a rank of cnnmpi and supervises it.
 *
 *  usage: cnn-exec PARENT CPUS PROGRAM [ARGUMENT...]
 *  PARENT  process id of the rank, CPUS a list such as "0-3,8", or "-" to keep the rank's cores.
 *
 *  posix_spawn can do none of this, and code between fork and exec in a process full of MPI's
 *  threads and memory is no place for it. The trainer leads a process group of its own, so that
 *  signals for ranks miss it; it runs on its own cores; it inherits nothing but standard input,
 *  output, error and the events pipe; it dies with this process. This process stays as its parent
 *  and as the subreaper of its descendants, sleeps on the rank's cores, and ends them all when
 *  the trainer ends, when the rank orders it and when the rank dies. host/handover.h is its
 *  contract. */
#include "base/printable.h"
#include "host/cpulist.h"
#include "host/descendants.h"
#include "host/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/** The trainer as its supervisor sees it. */
typedef struct {
    pid_t pid;
    int exec_failure; /* has a byte when the program could not be executed */
    int signals;      /* signalfd of SIGCHLD */
} trainer;

static _Noreturn void fail(const char *what, const char *which)
{
    cnn_printf(stderr, "cnn-exec: %s '%s': %s\n", what, which, strerror(errno));
    _exit(CNN_EXEC_FAILED);
}

/** Asks for SIGKILL at the parent's death, and ends if the parent has died before. */
static void die_with_parent(pid_t parent, const char *name)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        fail("cannot ask for a death signal from process", name);
    if (getppid() != parent) {
        errno = ESRCH;
        fail("not a child of process", name);
    }
}

static void take_cpus(const char *cpus)
{
    cpu_set_t set;
    if (strcmp(cpus, "-") == 0)
        return;
    if (!cnn_cpulist_parse(cpus, &set)) {
        errno = EINVAL;
        fail("not a list of CPUs:", cpus);
    }
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("cannot run on CPUs", cpus);
}

static void close_descriptors_from(unsigned first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0u, 0u) == 0)
        return;
#endif
    const long most = sysconf(_SC_OPEN_MAX); /* kernels before 5.9 */
    for (long fd = (long)first; fd < most; fd++)
        close((int)fd);
}

/** MPI and Python ignore or block signals; both would be inherited. SIGINT, SIGTERM and SIGUSR1
 *  stay ignored: they are for the rank, which decides what becomes of its trainer. A batch system
 *  that stops or warns a job sends them to every process of it, and would take the time of grace
 *  away. */
static void set_trainer_signals(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        signal(s, s == SIGINT || s == SIGTERM || s == SIGUSR1 ? SIG_IGN : SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/** The supervisor ends by the rank's order or the trainer's end, by no signal that can be
 *  ignored. */
static void set_own_signals(int *descriptor)
{
    sigset_t child;
    for (int s = 1; s < NSIG; s++)
        signal(s, s == SIGCHLD ? SIG_DFL : SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    *descriptor = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*descriptor < 0)
        fail("cannot watch", "SIGCHLD");
}

/** In the new process: becomes the trainer. */
static _Noreturn void become_trainer(pid_t supervisor, const char *cpus, char **argv, int failure)
{
    die_with_parent(supervisor, "cnn-exec");
    if (setpgid(0, 0) != 0)
        fail("cannot make a process group for", argv[0]);
    take_cpus(cpus);
    set_trainer_signals();
    execvp(argv[0], argv);
    const int why = errno;
    if (write(failure, "x", 1) != 1)
        _exit(CNN_EXEC_FAILED);
    errno = why;
    fail("cannot run", argv[0]);
}

static void start(const char *cpus, char **argv, trainer *t)
{
    int failure[2];
    const pid_t self = getpid();
    if (pipe2(failure, O_CLOEXEC | O_NONBLOCK) != 0)
        fail("no pipe for", argv[0]);
    t->exec_failure = failure[0];
    t->pid = fork();
    if (t->pid < 0)
        fail("no process for", argv[0]);
    if (t->pid == 0)
        become_trainer(self, cpus, argv, failure[1]);
    close(failure[1]);
    close(CNN_EVENTS_DESCRIPTOR); /* so that the rank sees when the trainer closes it */
}

/** A rank that is gone reads no reports, and none is needed. */
static void report(const cnn_exec_report *r)
{
    while (write(CNN_REPORT_DESCRIPTOR, r, sizeof *r) < 0 && errno == EINTR)
        ;
}

/** Waits until the trainer has ended or is to be ended. */
static void watch(const trainer *t)
{
    struct pollfd fds[2] = {{.fd = CNN_ORDER_DESCRIPTOR, .events = POLLIN},
                            {.fd = t->signals, .events = POLLIN}};
    for (;;) {
        struct signalfd_siginfo ignored;
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid)
            return;
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents) /* an order, or end of file: the rank is gone */
            return;
        while (read(t->signals, &ignored, sizeof ignored) > 0)
            ;
        /* orphans of the trainer that have ended; the trainer itself is left for wait4 */
        for (info = (siginfo_t){0}; waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                                    info.si_pid != 0 && info.si_pid != t->pid;
             info = (siginfo_t){0})
            waitpid(info.si_pid, NULL, WNOHANG);
    }
}

/** Kills the trainer, with its group, reaps it and reports its end. False: it does not end. */
static bool end_trainer(const trainer *t)
{
    cnn_exec_report ended = {.kind = CNN_EXEC_ENDED, .pid = t->pid, .started = 1};
    const struct timespec tick = {.tv_nsec = 10000000};
    sigset_t child;
    char byte;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    for (int i = 0; i < 100 * CNN_EXEC_PATIENCE; i++) {
        kill(t->pid, SIGKILL);
        kill(-t->pid, SIGKILL);
        const pid_t pid = wait4(t->pid, &ended.status, WNOHANG, &ended.usage);
        if (pid == t->pid) {
            ended.started = read(t->exec_failure, &byte, 1) != 1;
            report(&ended);
            return true;
        }
        sigtimedwait(&child, NULL, &tick);
    }
    return false;
}

int main(int argc, char **argv)
{
    trainer t;
    if (argc < 4) {
        fprintf(stderr, "usage: cnn-exec PARENT CPUS PROGRAM [ARGUMENT...]\n"
                        "cnnmpi uses this program to start trainers.\n");
        return 2;
    }
    close_descriptors_from(CNN_ORDER_DESCRIPTOR + 1);
    for (int fd = CNN_REPORT_DESCRIPTOR; fd <= CNN_ORDER_DESCRIPTOR; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            fail("needs the descriptors that a rank gives it; not for use by hand", argv[0]);
    if (getppid() != (pid_t)strtol(argv[1], NULL, 10)) {
        errno = ESRCH;
        fail("not a child of process", argv[1]);
    }
    if (setpgid(0, 0) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        fail("cannot supervise", argv[3]);
    set_own_signals(&t.signals);
    start(argv[2], argv + 3, &t);
    report(&(cnn_exec_report){.kind = CNN_EXEC_STARTED, .pid = t.pid});
    watch(&t);
    const bool ended = end_trainer(&t);
    const int left = cnn_descendants_end(ended ? CNN_EXEC_PATIENCE : 0);
    report(&(cnn_exec_report){.kind = CNN_EXEC_CLEARED, .pid = t.pid, .left = left});
    return 0;
}
