/* SPDX-License-Identifier: Apache-2.0 */
/** Controlled rounding: a k-th part of a table of counts in whole numbers. */
#ifndef CNN_DESIGN_ROUNDING_H
#define CNN_DESIGN_ROUNDING_H

#include "base/status.h"

#include <stdint.h>

/** A cell of a sparse table; no two have the same row and column. */
typedef struct {
    int row, column, count;
} cnn_count;

/** Takes a k-th part of every cell, rounded up or down so that the parts of every row, of every
 *  column and of the whole table are a k-th part of theirs, rounded up or down as well. Such a
 *  rounding always exists (Bacharach 1966, Cox 1987: "A constructive procedure for unbiased
 *  controlled rounding"). Taking a k-th, then a (k-1)-th of what is left, and so on, therefore
 *  divides the table into k parts that nowhere differ by more than 1.
 *
 *  cells  [n]; rows and columns are 0 .. rows - 1 and 0 .. columns - 1
 *  seed   which way is rounded where both are possible
 *  part   [n], out: floor or ceiling of count / k */
cnn_status cnn_count_part(int rows, int columns, int n, const cnn_count *cells, int k,
                          uint32_t seed, int *part);

#endif
