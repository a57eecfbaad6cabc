/* SPDX-License-Identifier: Apache-2.0 */
/** Paths that people write, and where output may go. */
#ifndef CNN_BASE_PATHS_H
#define CNN_BASE_PATHS_H

#include "base/status.h"

#include <stdbool.h>

/** Expands what a shell would have: "~" at the start to $HOME, $NAME and ${NAME} to variables of
 *  the environment; "$$" stands for a dollar sign. CNN_EUSAGE: a variable that is not set, or the
 *  home of another user. *out is owned by the caller. */
cnn_status cnn_path_expand(const char *path, char **out);

/** The file that writing to path makes or replaces: symbolic links are followed, also where they
 *  lead to nothing yet. CNN_EUSAGE: a folder, or neither a regular file nor absent. *out is owned
 *  by the caller. */
cnn_status cnn_path_of_output(const char *path, char **out);

/** Whether both names lead to one file, which exists. */
bool cnn_path_is_same_file(const char *a, const char *b);

#endif
