/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/stop.h"

#include "mpi/launch.h"

#include <time.h>
#include <unistd.h>

/* A handler can write to globals only. These are the only ones of the program. */
static volatile sig_atomic_t first_signal, first_sender, signal_count, last_centisecond, is_late;

enum { CENTISECONDS_APART = 50, A_DAY = 24 * 3600 * 100 };

static sig_atomic_t centisecond(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* async-signal-safe */
    return (sig_atomic_t)((t.tv_sec * 100 + t.tv_nsec / 10000000) % A_DAY);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    const sig_atomic_t now = centisecond(), since = (now - last_centisecond + A_DAY) % A_DAY;
    if (signal_count == 0) {
        first_signal = signal;
        first_sender = (sig_atomic_t)info->si_pid;
    }
    if (signal_count == 0 || since >= CENTISECONDS_APART)
        signal_count++;
    last_centisecond = now;
}

static void on_late(int signal)
{
    (void)signal;
    is_late = 1;
}

void cnn_stop_watch_late(void)
{
    struct sigaction action = {.sa_handler = on_late};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

void cnn_stop_watch(cnn_stop_handlers *before)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    first_signal = first_sender = signal_count = 0;
    sigaction(SIGINT, &action, &before->interrupt);
    sigaction(SIGTERM, &action, &before->terminate);
}

void cnn_stop_unwatch(const cnn_stop_handlers *before)
{
    sigaction(SIGINT, &before->interrupt, NULL);
    sigaction(SIGTERM, &before->terminate, NULL);
    signal(SIGUSR1, SIG_IGN);
}

int cnn_stop_signal(int *count)
{
    *count = signal_count;
    return first_signal;
}

const char *cnn_stop_cause(int signal)
{
    static const char *const launched[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", NULL};
    const bool from_parent = signal == first_signal && (pid_t)first_sender == getppid();
    if (signal == SIGTERM && from_parent && cnn_launch_had_variable(launched))
        return "SIGTERM from the launcher, which sends it after SIGINT as well";
    return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "a signal";
}

bool cnn_stop_is_late(void)
{
    return is_late != 0;
}
