/* SPDX-License-Identifier: Apache-2.0 */
/** Reads the golden files that pytorch_golden.py writes. */
#ifndef CNN_TESTS_GOLDEN_GOLDEN_FILE_H
#define CNN_TESTS_GOLDEN_GOLDEN_FILE_H

#include <stddef.h>

enum { GOLDEN_LINES = 128, GOLDEN_VALUES = 256 };

typedef struct {
    char name[48];
    int count;
    double values[GOLDEN_VALUES];
} golden_line;

typedef struct {
    int count;
    golden_line lines[GOLDEN_LINES];
} golden_file;

/** Reads tests/golden/pytorch_<name>.txt; fails the test when it cannot. Free with free. */
golden_file *golden_read(const char *name);

/** The line called by the format's result; fails the test when there is none. */
const golden_line *golden_find(const golden_file *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** Compares values [n] with lines <name>.total (sum, norm, largest) and <name>.kept (every k-th):
 *  |difference| <= tolerance * largest. */
void golden_compare(const golden_file *g, const char *name, const double *values, size_t n,
                    double tolerance);

#endif
