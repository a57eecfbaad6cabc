/* SPDX-License-Identifier: Apache-2.0 */
/** Temperatures of the host, beside the limits at which it reacts. */
#include "audit/sources.h"
#include "host/root_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ZONES_MOST = 64, TRIPS_MOST = 16, MARGIN_LEAST = 15 };

/** The lowest temperature at which a zone slows the processor or stops it (degC); NaN: it names
 *  none. */
static double limit_of(const char *root, int zone)
{
    char path[128], type[32];
    double limit = NAN, millidegrees;
    for (int trip = 0; trip < TRIPS_MOST; trip++) {
        snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/trip_point_%d_type", zone,
                 trip);
        if (!cnn_root_line(root, path, type, sizeof type))
            break;
        if (strcmp(type, "active") == 0)
            continue; /* a fan starts */
        snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/trip_point_%d_temp", zone,
                 trip);
        if (cnn_root_number(root, path, &millidegrees) && millidegrees > 0)
            limit = fmin(limit, 1e-3 * millidegrees);
    }
    return limit;
}

void cnn_audit_heat(const char *root, cnn_audit *out)
{
    char path[128];
    double margin = NAN, hottest = NAN, millidegrees;
    for (int zone = 0; zone < ZONES_MOST; zone++) {
        snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/temp", zone);
        if (!cnn_root_number(root, path, &millidegrees))
            continue;
        const double temperature = 1e-3 * millidegrees, limit = limit_of(root, zone);
        hottest = fmax(hottest, temperature);
        margin = fmin(margin, limit - temperature);
    }
    if (isnan(margin))
        cnn_audit_enter_unknown(out, CNN_RULE_TEMPERATURE);
    else
        cnn_audit_enter(out, CNN_RULE_TEMPERATURE, margin >= MARGIN_LEAST,
                        "at most %.0f degC, %.0f below a limit", hottest, margin);
}
