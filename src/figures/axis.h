/* SPDX-License-Identifier: Apache-2.0 */
/** Axes: ranges that cover data, and where their ticks lie. */
#ifndef CNN_FIGURES_AXIS_H
#define CNN_FIGURES_AXIS_H

#include <stdbool.h>

/** Start with {.label = ...} and cover the data; an axis that covers nothing is 0 to 1. */
typedef struct {
    const char *label; /* with the unit; NULL: none */
    double scale;      /* of the ticks' numbers: 100 for percent; 0 counts as 1 */
    bool is_log;
    bool is_set;      /* low and high hold values */
    double low, high; /* in units of the data */
} cnn_axis;

/** Extends the range to a finite value, above 0 where the axis is logarithmic. */
void cnn_axis_cover(cnn_axis *axis, double x);
/** Adds a share of the range at both ends, at least something where it is a point. */
void cnn_axis_pad(cnn_axis *axis, double share);

enum { CNN_MOST_TICKS = 16 };
typedef struct {
    int count;
    double at[CNN_MOST_TICKS]; /* in units of the data */
    char labels[CNN_MOST_TICKS][24];
} cnn_ticks;

/** About `wanted` round numbers within the range; mostly at least three. */
void cnn_axis_ticks(const cnn_axis *axis, int wanted, cnn_ticks *out);

#endif
