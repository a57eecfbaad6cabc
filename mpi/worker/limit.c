/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/limit.h"

#include <math.h>
#include <stdio.h>

/* An attempt may take this many times the longest good one of its cell, but is never ended before a
 * minute. Between two events lies an epoch with its evaluation: 11 minutes for the study's larger
 * network on one core. */
static const double factor = 5, least = 60, longest_silence = 3600;

cnn_limit cnn_limit_of(double run_seconds, double longest)
{
    if (run_seconds > 0)
        return (cnn_limit){.duration = run_seconds, .silence = INFINITY};
    if (longest > 0)
        return (cnn_limit){.duration = fmax(least, factor * longest), .silence = INFINITY};
    return (cnn_limit){.duration = INFINITY, .silence = longest_silence};
}

bool cnn_limit_is_passed(const cnn_limit *limit, double duration, double silence, char *why,
                         size_t n)
{
    if (duration > limit->duration)
        snprintf(why, n, "longer than the time limit of %.0f s (limits.run_seconds)",
                 limit->duration);
    else if (silence > limit->silence)
        snprintf(why, n, "no event for %.0f s (set limits.run_seconds if that is right)",
                 limit->silence);
    else
        return false;
    return true;
}

bool cnn_limit_is_end_overdue(double seconds, const char *after, char *why, size_t n)
{
    static const double patience = 60; /* frameworks take a while to shut down */
    if (!(seconds > patience))
        return false;
    snprintf(why, n, "did not end within %.0f s after %s", patience, after);
    return true;
}
