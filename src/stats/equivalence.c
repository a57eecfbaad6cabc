/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/equivalence.h"

#include "stats/dist.h"

#include <math.h>

/** P(T > t) at no spread: by which side of the bound the difference is on. A difference that equals
 *  the bound but for rounding is on neither. */
static double limit(double distance, double width)
{
    return fabs(distance) <= 1e-10 * width ? 0.5 : distance > 0 ? 0 : 1;
}

static void tost_without_spread(cnn_tost *r, const cnn_t_result *test)
{
    r->t_low = copysign(INFINITY, test->difference - r->low);
    r->t_high = copysign(INFINITY, test->difference - r->high);
    r->p_low = limit(test->difference - r->low, r->high - r->low);
    r->p_high = limit(r->high - test->difference, r->high - r->low);
    r->p = fmax(r->p_low, r->p_high);
    r->interval = test->interval;
}

static void tost_with_spread(cnn_tost *r, const cnn_t_result *test, double alpha)
{
    const double half = cnn_student_quantile(1 - alpha, test->df) * test->standard_error;
    r->t_low = (test->difference - r->low) / test->standard_error;
    r->t_high = (test->difference - r->high) / test->standard_error;
    r->p_low = cnn_student_cdf(-r->t_low, test->df);
    r->p_high = cnn_student_cdf(r->t_high, test->df);
    r->p = fmax(r->p_low, r->p_high);
    r->interval = (cnn_interval){test->difference - half, test->difference + half};
}

cnn_tost cnn_tost_difference(const cnn_t_result *test, double low, double high, double alpha)
{
    cnn_tost r = {.outcome = test->outcome,
                  .low = low,
                  .high = high,
                  .t_low = NAN,
                  .t_high = NAN,
                  .df = test->df,
                  .p_low = NAN,
                  .p_high = NAN,
                  .p = NAN,
                  .interval = {NAN, NAN}};
    if (!(low < high) || !(alpha > 0 && alpha < 0.5))
        r.outcome = CNN_STAT_DOMAIN;
    else if (test->outcome == CNN_STAT_OK)
        tost_with_spread(&r, test, alpha);
    else if (test->outcome == CNN_STAT_IDENTICAL || test->outcome == CNN_STAT_NO_VARIANCE)
        tost_without_spread(&r, test);
    return r;
}

cnn_tost cnn_tost_ratio(const cnn_t_result *logs, double margin, double alpha)
{
    const double bound = margin > 0 ? log1p(margin) : NAN; /* NaN: outside the domain */
    return cnn_tost_difference(logs, -bound, bound, alpha);
}
