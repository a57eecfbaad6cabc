/* SPDX-License-Identifier: Apache-2.0 */
/** cnn-exec: starts a trainer for a rank of cnnmpi.
 *
 *  usage: cnn-exec PARENT CPUS PROGRAM [ARGUMENT...]
 *  PARENT  process id of the rank, CPUS a list such as "0-3,8", or "-" to keep the rank's cores.
 *
 *  posix_spawn can do none of this, and code between fork and exec in a process full of MPI's
 *  threads and memory is no place for it: the trainer dies with its rank, leads a process group of
 *  its own (so that signals for ranks miss it, and it can be ended with all that it started), runs
 *  on its own cores, and inherits nothing but standard input, output, error and the events pipe. */
#include "host/cpulist.h"
#include "host/handover.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "cnn-exec: %s '%s': %s\n", what, which, strerror(errno));
    _exit(CNN_EXEC_FAILED);
}

/** Asks for SIGKILL at the rank's death, and ends if that has come first. */
static void die_with_parent(const char *parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        fail("cannot ask for a death signal from process", parent);
    if (getppid() != (pid_t)strtol(parent, NULL, 10)) {
        errno = ESRCH;
        fail("not a child of process", parent);
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

static void close_descriptors(void)
{
    const unsigned first = CNN_EVENTS_DESCRIPTOR + 1;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0u, 0u) == 0)
        return;
#endif
    const long most = sysconf(_SC_OPEN_MAX); /* kernels before 5.9 */
    for (long fd = (long)first; fd < most; fd++)
        close((int)fd);
}

/** MPI and Python ignore or block signals; both would be inherited. But SIGINT, SIGTERM and
 * SIGUSR1 are for the rank, which decides what becomes of its trainer: a batch system that stops or
 * warns a job sends them to every process of it, and would take the time of grace away. */
static void set_signals(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        signal(s, s == SIGINT || s == SIGTERM || s == SIGUSR1 ? SIG_IGN : SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: cnn-exec PARENT CPUS PROGRAM [ARGUMENT...]\n"
                        "cnnmpi uses this program to start trainers.\n");
        return 2;
    }
    die_with_parent(argv[1]);
    if (setpgid(0, 0) != 0)
        fail("cannot make a process group for", argv[3]);
    take_cpus(argv[2]);
    close_descriptors();
    set_signals();
    execvp(argv[3], argv + 3);
    fail("cannot run", argv[3]);
}
