/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/dist.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/roots.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace
{
namespace bm = boost::math;

/* C callers cannot catch: an error is a NaN, not an exception. Computed in double precision: extended
 * precision takes ten times as long. */
using quiet = bm::policies::policy<bm::policies::promote_double<false>,
                                   bm::policies::domain_error<bm::policies::ignore_error>,
                                   bm::policies::pole_error<bm::policies::ignore_error>,
                                   bm::policies::overflow_error<bm::policies::ignore_error>,
                                   bm::policies::underflow_error<bm::policies::ignore_error>,
                                   bm::policies::denorm_error<bm::policies::ignore_error>,
                                   bm::policies::evaluation_error<bm::policies::ignore_error>>;
using student = bm::students_t_distribution<double, quiet>;
using noncentral = bm::non_central_t_distribution<double, quiet>;
using normal = bm::normal_distribution<double, quiet>;
using fisher = bm::fisher_f_distribution<double, quiet>;
using chi_squared = bm::chi_squared_distribution<double, quiet>;
using binomial = bm::binomial_distribution<double, quiet>;
using beta = bm::beta_distribution<double, quiet>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

bool positive(double df)
{
    return std::isfinite(df) && df > 0;
}

bool probability(double p)
{
    return p > 0 && p < 1;
}

/** P(X <= x), or P(X > x) where `upper`, of a distribution on x >= 0. */
template <class D> double tail(const D &d, double x, bool upper)
{
    if (!(x >= 0))
        return nan_value;
    if (std::isinf(x))
        return upper ? 0 : 1;
    return upper ? bm::cdf(bm::complement(d, x)) : bm::cdf(d, x);
}

double fisher_tail(double f, double df1, double df2, bool upper)
{
    return positive(df1) && positive(df2) ? tail(fisher(df1, df2), f, upper) : nan_value;
}

double chi_squared_tail(double x, double df, bool upper)
{
    return positive(df) ? tail(chi_squared(df), x, upper) : nan_value;
}
} // namespace

extern "C" double cnn_normal_cdf(double z)
try {
    if (std::isnan(z))
        return nan_value;
    return std::isinf(z) ? (z > 0 ? 1 : 0) : bm::cdf(normal(), z);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_normal_two_sided(double z)
{
    return 2 * cnn_normal_cdf(-std::fabs(z));
}

extern "C" double cnn_normal_quantile(double p)
try {
    return probability(p) ? bm::quantile(normal(), p) : nan_value;
} catch (...) {
    return nan_value;
}

extern "C" double cnn_student_cdf(double t, double df)
try {
    if (std::isnan(t) || !positive(df))
        return nan_value;
    return std::isinf(t) ? (t > 0 ? 1 : 0) : bm::cdf(student(df), t);
} catch (...) {
    return nan_value;
}

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
    if (!probability(p) || !positive(df))
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

extern "C" double cnn_f_cdf(double f, double df1, double df2)
try {
    return fisher_tail(f, df1, df2, false);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_f_sf(double f, double df1, double df2)
try {
    return fisher_tail(f, df1, df2, true);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_f_quantile(double p, double df1, double df2)
try {
    if (!probability(p) || !positive(df1) || !positive(df2))
        return nan_value;
    return bm::quantile(fisher(df1, df2), p);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_chi_squared_cdf(double x, double df)
try {
    return chi_squared_tail(x, df, false);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_chi_squared_sf(double x, double df)
try {
    return chi_squared_tail(x, df, true);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_chi_squared_quantile(double p, double df)
try {
    return probability(p) && positive(df) ? bm::quantile(chi_squared(df), p) : nan_value;
} catch (...) {
    return nan_value;
}

extern "C" double cnn_binomial_cdf(int k, int n, double p)
try {
    if (n < 0 || !(p >= 0 && p <= 1))
        return nan_value;
    if (k < 0 || k >= n)
        return k < 0 ? 0 : 1;
    return bm::cdf(binomial(n, p), k);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_beta_quantile(double p, double a, double b)
try {
    if (!probability(p) || !positive(a) || !positive(b))
        return nan_value;
    return bm::quantile(beta(a, b), p);
} catch (...) {
    return nan_value;
}

extern "C" double cnn_gamma_ratio(double a, double d)
try {
    if (!positive(a) || !positive(a + d))
        return nan_value;
    return 1 / bm::tgamma_delta_ratio(a, d, quiet());
} catch (...) {
    return nan_value;
}

/** A value of f, which must be a number. */
static double value_at(cnn_function *f, const void *context, double x)
{
    const double y = f(x, context);
    if (std::isnan(y))
        throw std::domain_error("a function that is searched for a zero is no number");
    return y;
}

extern "C" double cnn_root_between(cnn_function *f, const void *context, double low, double high,
                                   double at_low, double at_high, double tolerance)
try {
    std::uintmax_t most = 200;
    const auto near_enough = [tolerance](double a, double b) {
        const double size = std::fmin(std::fabs(a), std::fabs(b));
        return std::fabs(a - b) <= tolerance + 4 * std::numeric_limits<double>::epsilon() * size;
    };
    const auto between =
        bm::tools::toms748_solve([f, context](double x) { return value_at(f, context, x); }, low,
                                 high, at_low, at_high, near_enough, most, quiet());
    return between.first + (between.second - between.first) / 2;
} catch (...) {
    return nan_value;
}

extern "C" double cnn_root_near(cnn_function *f, const void *context, double guess, double step,
                                double tolerance)
try {
    double low = guess - step, high = guess + step;
    double at_low = value_at(f, context, low), at_high = value_at(f, context, high);
    for (int i = 0; i < 60 && (at_low > 0) == (at_high > 0); i++) {
        const bool rises = at_high > at_low, above = rises == (at_low < 0);
        step *= 2;
        if (above) {
            low = high;
            at_low = at_high;
            high = guess + step;
            at_high = value_at(f, context, high);
        } else {
            high = low;
            at_high = at_low;
            low = guess - step;
            at_low = value_at(f, context, low);
        }
    }
    if ((at_low > 0) == (at_high > 0))
        return nan_value;
    return cnn_root_between(f, context, low, high, at_low, at_high, tolerance);
} catch (...) {
    return nan_value;
}
