/* SPDX-License-Identifier: Apache-2.0 */
/** Whole cores of a list of CPUs. */
#ifndef CNN_HOST_CORES_H
#define CNN_HOST_CORES_H

#include "base/status.h"

#include <stddef.h>

/** Keeps of a list of CPUs ("0-3,8") those of its first `count` cores: all hardware threads in the
 *  list of each, cores in the order of their lowest CPU. A CPU whose core /sys does not show is a
 *  core of its own. root: "" on a real machine, a folder in tests. list [n], in and out; it is left
 *  as it is where it has no more cores. CNN_EINVAL: it is no list. */
cnn_status cnn_cores_keep_first(const char *root, int count, char *list, size_t n);

#endif
