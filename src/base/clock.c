#include "base/clock.h"

#include <stdio.h>
#include <time.h>

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
    time_t t = (time_t)wall;
    struct tm parts;
    if (!localtime_r(&t, &parts) || !strftime(s, n, "%Y-%m-%d %H:%M:%S", &parts))
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
