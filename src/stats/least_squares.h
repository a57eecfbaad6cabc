/* SPDX-License-Identifier: Apache-2.0 */
/** Linear models by ordinary least squares (Gram and Schmidt). */
#ifndef CNN_STATS_LEAST_SQUARES_H
#define CNN_STATS_LEAST_SQUARES_H

typedef struct {
    double estimate;    /* NaN: the other columns determine this one */
    double information; /* squared length of its column free of the others: the standard error is
                           the residual sd over the root of it; 0 with estimate NaN */
    double residual_squares; /* sum over all values */
    int rank;                /* of all columns */
} cnn_coefficient;

/** The coefficient of the last column in the fit of y [n] on columns [count, n]; a column that those
 *  before it determine is left out. columns: overwritten. residual [n]: of the fit. */
cnn_coefficient cnn_least_squares_last(double *columns, int count, const double *y, int n,
                                       double *residual);

/** Makes columns [count, length] orthogonal in their first n rows; the further rows undergo the same
 *  operations. The first n rows of a column that those before it determine become 0. Their rank. */
int cnn_orthogonalise(double *columns, int count, int n, int length);
/** Takes off v [length] what lies along such columns in its first n rows. */
void cnn_take_off_columns(const double *columns, int count, int n, int length, double *v);

#endif
