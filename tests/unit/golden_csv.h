/* SPDX-License-Identifier: Apache-2.0 */
/** Golden values: CSV tables made by the scripts in tests/golden. A missing or ragged table fails
 *  the test. */
#ifndef CNN_TESTS_UNIT_GOLDEN_CSV_H
#define CNN_TESTS_UNIT_GOLDEN_CSV_H

typedef struct {
    char *text;       /* the file, cut into fields */
    char **fields;    /* [row_count + 1, column_count], the header first */
    int row_count;    /* header not counted */
    int column_count; /* of every row */
} golden;

/** path: from the repository's root. End with golden_free. */
golden golden_read(const char *path);
void golden_free(golden *table);

/** A field of a row by its column's name; a number, where "NA" is NaN. */
const char *golden_text(const golden *table, int row, const char *column);
double golden_number(const golden *table, int row, const char *column);

/** Fails unless both are NaN, or they agree to `tolerance` relative to the expected value. */
void golden_compare(double actual, double expected, double tolerance, const char *what, int row);

#endif
