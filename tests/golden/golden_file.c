/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

golden_file *golden_read(const char *name)
{
    char path[128];
    golden_file *g = calloc(1, sizeof *g);
    assert_non_null(g);
    snprintf(path, sizeof path, "tests/golden/pytorch_%s.txt", name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("cannot open %s", path);
    assert_int_not_equal(fscanf(f, "%*[^\n]"), EOF); /* the line that says who made it */
    golden_line *line = g->lines;
    while (fscanf(f, "%47s %d", line->name, &line->count) == 2) {
        assert_true(line->count >= 0 && line->count <= GOLDEN_VALUES);
        for (int i = 0; i < line->count; i++)
            if (fscanf(f, "%lf", &line->values[i]) != 1)
                fail_msg("%s: %s has fewer than %d values", path, line->name, line->count);
        line++;
        assert_true(++g->count < GOLDEN_LINES);
    }
    assert_true(feof(f) && g->count > 0);
    fclose(f);
    return g;
}

const golden_line *golden_find(const golden_file *g, const char *fmt, ...)
{
    char name[sizeof g->lines[0].name];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    for (int i = 0; i < g->count; i++)
        if (strcmp(g->lines[i].name, name) == 0)
            return &g->lines[i];
    fail_msg("the golden file has no line called %s", name);
    return NULL;
}

void golden_compare(const golden_file *g, const char *name, const double *values, size_t n,
                    double tolerance)
{
    const golden_line *total = golden_find(g, "%s.total", name);
    const golden_line *kept = golden_find(g, "%s.kept", name);
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
        squares += values[i] * values[i];
        largest = fmax(largest, fabs(values[i]));
    }
    double allowed = tolerance * total->values[2] + DBL_MIN;
    if (!(fabs(largest - total->values[2]) <= allowed &&
          fabs(sqrt(squares) - total->values[1]) <= allowed * sqrt((double)n) &&
          fabs(sum - total->values[0]) <= allowed * (double)n))
        fail_msg("%s: sum, norm, largest are %.15g, %.15g, %.15g, not %.15g, %.15g, %.15g", name,
                 sum, sqrt(squares), largest, total->values[0], total->values[1], total->values[2]);
    size_t stride = n / 40 > 1 ? n / 40 : 1;
    assert_int_equal(kept->count, (n + stride - 1) / stride);
    for (size_t i = 0; i < n; i += stride)
        if (!(fabs(values[i] - kept->values[i / stride]) <= allowed))
            fail_msg("%s: value %zu is %.15g, PyTorch's %.15g", name, i, values[i],
                     kept->values[i / stride]);
}
