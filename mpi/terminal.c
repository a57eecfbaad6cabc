/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/terminal.h"

#include "base/process_stat.h"
#include "mpi/launch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GENERATIONS = 16 };

static bool is_launcher(const char *name)
{
    static const char *const names[] = {"mpirun", "mpiexec", "orterun", "prterun", "prun"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/** The launcher among this process's ancestors; 0: none on this host. */
static pid_t find_launcher(void)
{
    pid_t pid = getppid();
    cnn_process_stat stat;
    for (int i = 0; i < GENERATIONS && pid > 1; i++) {
        if (!cnn_process_stat_read("", pid, &stat))
            return 0;
        if (is_launcher(stat.name))
            return pid;
        pid = (pid_t)stat.parent;
    }
    return 0;
}

/** The terminal that is written to in the end, opened; -1: there is none. */
static int open_screen(void)
{
    static const char *const launchers[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                            "SLURM_PROCID", NULL};
    char path[64];
    if (!isatty(STDOUT_FILENO))
        return -1;
    if (!cnn_launch_had_variable(launchers))
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    const pid_t launcher = find_launcher();
    if (launcher == 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)launcher);
    /* Opening could wait (a named pipe) or do harm (a device): only a terminal is opened. */
    char target[256];
    const ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0)
        return -1;
    target[n] = '\0';
    if (strncmp(target, "/dev/pts/", 9) != 0 && strncmp(target, "/dev/tty", 8) != 0 &&
        strcmp(target, "/dev/console") != 0)
        return -1;
    const int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && !isatty(fd)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool cnn_terminal_is_watched(void)
{
    const int fd = open_screen();
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void cnn_terminal_size(int *columns, int *lines)
{
    struct winsize size = {0};
    const int fd = open_screen();
    const bool known = fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0;
    if (fd >= 0)
        close(fd);
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *lines = known && size.ws_row > 0 ? size.ws_row : 24;
}

int cnn_terminal_width(void)
{
    int columns, lines;
    cnn_terminal_size(&columns, &lines);
    return columns;
}
