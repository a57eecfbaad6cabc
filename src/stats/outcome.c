#include "stats/outcome.h"

#include <float.h>
#include <math.h>

const char *cnn_stat_text(cnn_stat_outcome outcome)
{
    switch (outcome) {
#define CNN_STAT_CASE(code, text)                                                                  \
    case code:                                                                                     \
        return text;
        CNN_STAT_OUTCOMES(CNN_STAT_CASE)
#undef CNN_STAT_CASE
    }
    return "unknown outcome";
}

bool cnn_nearly_constant(double standard_error, double magnitude)
{
    return standard_error <= 10 * DBL_EPSILON * fabs(magnitude);
}

bool cnn_all_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}
