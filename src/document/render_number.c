/* SPDX-License-Identifier: Apache-2.0 */
#include "document/render.h"

#include <math.h>
#include <stdio.h>

/** Significant digits; scientific where the plain number would be long or lose them. */
static void significant(double x, int digits, char *out, size_t size)
{
    const double magnitude = fabs(x);
    if (magnitude == 0) {
        snprintf(out, size, "0");
    } else if (magnitude >= 1e-4 && magnitude < 1e6) {
        const int decimals = digits - 1 - (int)floor(log10(magnitude));
        snprintf(out, size, "%.*f", decimals > 0 ? decimals : 0, x);
    } else {
        snprintf(out, size, "%.*e", digits - 1, x);
    }
}

static void probability(double p, char *out, size_t size)
{
    if (p >= 1e-3)
        snprintf(out, size, "%.4f", p);
    else if (p >= 1e-300)
        snprintf(out, size, "%.1e", p);
    else if (p > 0)
        snprintf(out, size, "< 1e-300");
    else /* a limit, where nothing varies */
        snprintf(out, size, "0");
}

void cnn_render_number(const cnn_table_column *column, double x, char *out, size_t size)
{
    const double shown = x * (column->scale == 0 ? 1 : column->scale);
    if (isnan(shown)) {
        snprintf(out, size, "-");
        return;
    }
    if (isinf(shown)) {
        snprintf(out, size, "%s", shown > 0 ? "inf" : "-inf");
        return;
    }
    switch (column->format) {
    case CNN_FORMAT_TEXT:
        snprintf(out, size, "-");
        break;
    case CNN_FORMAT_WHOLE:
        snprintf(out, size, "%.0f", shown);
        break;
    case CNN_FORMAT_FIXED:
        /* no "-0.00" */
        snprintf(out, size, "%.*f", column->digits,
                 fabs(shown) < 0.5 * pow(10, -column->digits) ? 0.0 : shown);
        break;
    case CNN_FORMAT_DIGITS:
        significant(shown, column->digits, out, size);
        break;
    case CNN_FORMAT_P:
        probability(shown, out, size);
        break;
    }
}
