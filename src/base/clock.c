/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/process_stat.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cnn_clock_monotonic(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double cnn_clock_wall(void)
{
    return seconds_of(CLOCK_REALTIME);
}

void cnn_clock_format(double wall, char *s, size_t n)
{
    static const double year_10000 = 253402300800;
    const bool known = wall >= 0 && wall < year_10000; /* not so where a file is damaged */
    time_t t = known ? (time_t)wall : 0;
    struct tm parts;
    if (!known || !localtime_r(&t, &parts) || !strftime(s, n, "%Y-%m-%d %H:%M:%S", &parts))
        snprintf(s, n, "?");
}

void cnn_clock_format_duration(double seconds, char *s, size_t n)
{
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(s, n, "?");
        return;
    }
    long whole = (long)(seconds + 0.5);
    if (seconds < 60)
        snprintf(s, n, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(s, n, "%ld:%02ld", whole / 60, whole % 60);
    else
        snprintf(s, n, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

double cnn_clock_process_age(void)
{
    cnn_process_stat self;
    struct timespec now;
    if (!cnn_process_stat_read("", getpid(), &self) || self.start == 0 ||
        clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return NAN;
    const double start = (double)self.start / (double)sysconf(_SC_CLK_TCK);
    const double age = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - start;
    return age > 0 ? age : 0;
}
