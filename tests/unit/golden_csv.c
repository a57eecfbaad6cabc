/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_csv.h"

#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

golden golden_read(const char *path)
{
    golden g = {0};
    size_t length = 0;
    int fields = 1, lines = 0;
    if (cnn_read_file(path, 1 << 24, &g.text, &length) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    for (size_t i = 0; i < length; i++) {
        fields += g.text[i] == ',' || g.text[i] == '\n';
        lines += g.text[i] == '\n';
    }
    g.fields = calloc((size_t)fields, sizeof *g.fields);
    assert_non_null(g.fields);
    int n = 0;
    for (char *s = g.text; *s; s++) {
        g.fields[n++] = s;
        s += strcspn(s, ",\n");
        if (*s == '\n' && !g.column_count)
            g.column_count = n;
        assert_true(*s == ',' || (*s == '\n' && n % g.column_count == 0));
        *s = '\0';
    }
    g.row_count = lines - 1;
    assert_int_equal(n, lines * g.column_count);
    assert_true(g.row_count > 0);
    return g;
}

void golden_free(golden *table)
{
    free(table->fields);
    free(table->text);
    *table = (golden){0};
}

const char *golden_text(const golden *table, int row, const char *column)
{
    for (int c = 0; c < table->column_count; c++)
        if (!strcmp(table->fields[c], column))
            return table->fields[(row + 1) * table->column_count + c];
    fail_msg("no column '%s'", column);
    return NULL;
}

double golden_number(const golden *table, int row, const char *column)
{
    const char *s = golden_text(table, row, column);
    double x = NAN;
    if (!strcmp(s, "Inf"))
        return INFINITY;
    if (strcmp(s, "NA") && !cnn_parse_real(s, &x))
        fail_msg("'%s' in column '%s' is no number", s, column);
    return x;
}

void golden_compare(double actual, double expected, double tolerance, const char *what, int row)
{
    if ((isnan(actual) && isnan(expected)) || (isinf(expected) && actual == expected))
        return;
    if (!(fabs(actual - expected) <= tolerance * fabs(expected)))
        fail_msg("%s, row %d: %.17g, expected %.17g", what, row, actual, expected);
}
