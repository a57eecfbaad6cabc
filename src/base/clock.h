/* SPDX-License-Identifier: Apache-2.0 */
/** Clocks. Durations come from the monotonic clock, so clock steps do not matter. */
#ifndef CNN_BASE_CLOCK_H
#define CNN_BASE_CLOCK_H

#include <stddef.h>

/** Seconds on the monotonic clock; only differences mean anything. */
double cnn_clock_monotonic(void);
/** Seconds since 1970-01-01 00:00 UTC; for time stamps only. */
double cnn_clock_wall(void);
/** Seconds since this process was started (before any exec of it), by the kernel's account, which
 *  counts hundredths; NaN where that cannot be read. */
double cnn_clock_process_age(void);
/** Writes a wall time as local "2018-06-01 12:34:56" into s (20 bytes and more); "?" for what
 *  is no time: NaN, infinite, before 1970, after 9999. */
void cnn_clock_format(double wall, char *s, size_t n);
/** Writes a duration for people: "3.2 s", "4:05", "2:03:10" into s (16 bytes and more). */
void cnn_clock_format_duration(double seconds, char *s, size_t n);

#endif
