#include "stats/dist.h"

#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>

#include <cmath>
#include <limits>

namespace
{
namespace bm = boost::math;

/* C callers cannot catch: an error is a NaN, not an exception. */
using quiet = bm::policies::policy<bm::policies::domain_error<bm::policies::ignore_error>,
                                   bm::policies::pole_error<bm::policies::ignore_error>,
                                   bm::policies::overflow_error<bm::policies::ignore_error>,
                                   bm::policies::underflow_error<bm::policies::ignore_error>,
                                   bm::policies::denorm_error<bm::policies::ignore_error>,
                                   bm::policies::evaluation_error<bm::policies::ignore_error>>;
using student = bm::students_t_distribution<double, quiet>;
using noncentral = bm::non_central_t_distribution<double, quiet>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

bool positive(double df)
{
    return std::isfinite(df) && df > 0;
}
} // namespace

extern "C" double cnn_student_two_sided(double t, double df)
try {
    if (std::isnan(t) || !positive(df))
        return nan_value;
    if (std::isinf(t))
        return 0;
    return 2 * bm::cdf(bm::complement(student(df), std::fabs(t)));
} catch (...) {
    return nan_value;
}

extern "C" double cnn_student_quantile(double p, double df)
try {
    if (!(p > 0 && p < 1) || !positive(df))
        return nan_value;
    return bm::quantile(student(df), p);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_student_noncentral(double t, double df, double delta)
try {
    if (!std::isfinite(t) || !std::isfinite(delta) || !positive(df))
        return nan_value;
    return bm::cdf(noncentral(df, delta), t);
} catch (...) {
    return nan_value;
}
