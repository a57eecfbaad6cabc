/* SPDX-License-Identifier: Apache-2.0 */
/** Small files of /proc and /sys. root: "" on a real machine, a folder in tests. */
#ifndef CNN_HOST_ROOT_FILE_H
#define CNN_HOST_ROOT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Opens root + path for reading; NULL: it cannot be read. The caller closes it. */
FILE *cnn_root_open(const char *root, const char *path);

/** The first line without its end, cut to n - 1 bytes. false: the file cannot be read or is empty;
 *  then line is "". */
bool cnn_root_line(const char *root, const char *path, char *line, size_t n);

/** The number that the file begins with. false: it cannot be read, or begins otherwise. */
bool cnn_root_number(const char *root, const char *path, double *out);

#endif
