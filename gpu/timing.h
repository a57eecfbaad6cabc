/** How candidates are timed: the median of some runs after others that are not counted. */
#ifndef CNN_GPU_TIMING_H
#define CNN_GPU_TIMING_H

#include <stdlib.h>

enum { CNN_WARM_RUNS = 2, CNN_TIMED_RUNS = 7 };

static inline int cnn_timing_order(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/** Sorts the times. */
static inline float cnn_timing_median(float times[CNN_TIMED_RUNS])
{
    qsort(times, CNN_TIMED_RUNS, sizeof times[0], cnn_timing_order);
    return times[CNN_TIMED_RUNS / 2];
}

#endif
