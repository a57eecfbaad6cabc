/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/exit_file.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *cnn_exit_file_beside(const char *output)
{
    return cnn_asprintf("%s.exit", output);
}

void cnn_exit_file_remove(const char *output)
{
    char *path = cnn_exit_file_beside(output);
    if (path)
        unlink(path);
    free(path);
}

void cnn_exit_file_write(const char *path, int status, const char *reason)
{
    /* O_NOFOLLOW: in a folder of several people a link could lead to a file of ours */
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (fd < 0)
        return;
    dprintf(fd, "%d\n%s\n", status, reason);
    close(fd);
}
