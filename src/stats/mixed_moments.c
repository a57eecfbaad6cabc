/* Likelihood by elimination: the steps, and the same steps backwards. See mixed_moments.h. */
#include "stats/mixed_moments.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

bool cnn_mixed_invert(double *a, int n, double *log_determinant)
{
    *log_determinant = 0;
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, a, n) != 0)
        return false;
    for (int i = 0; i < n; i++)
        *log_determinant += 2 * log(a[i * n + i]);
    if (LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', n, a, n) != 0)
        return false;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            a[j * n + i] = a[i * n + j];
    return true;
}

double cnn_mixed_dot(const double *x, const double *y, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static double total(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/** y = Ax, A symmetric. */
void cnn_mixed_times(const double *a, const double *x, int n, double *y)
{
    for (int i = 0; i < n; i++)
        y[i] = cnn_mixed_dot(a + (size_t)i * (size_t)n, x, n);
}

/** C = AB, B symmetric. */
static void product(const double *a, const double *b, int n, double *c)
{
    for (int i = 0; i < n; i++)
        cnn_mixed_times(b, a + (size_t)i * (size_t)n, n, c + (size_t)i * (size_t)n);
}

cnn_mixed_effect cnn_mixed_shared(const cnn_mixed_moments *g, double tau, int n, double *row)
{
    cnn_mixed_effect e = {.tau = tau, .row = row};
    for (int i = 0; i < n; i++)
        row[i] = total(g->a + (size_t)i * (size_t)n, n);
    e.t = total(row, n);
    e.s = total(g->c, n);
    e.k = tau / (1 + tau * e.t);
    return e;
}

double cnn_mixed_shared_log(const cnn_mixed_effect *e)
{
    return log1p(e->tau * e->t);
}

/** from's moments with the effect in it, added to (a, c, q) about a point `centre` [L] away. */
void cnn_mixed_add_shared(const cnn_mixed_moments *from, const cnn_mixed_effect *e,
                          const double *centre, int n, cnn_mixed_moments *to, double *shift)
{
    for (int i = 0; i < n; i++) {
        double ac = 0; /* (A centre) of the new A */
        for (int j = 0; j < n; j++) {
            const double a = from->a[i * n + j] - e->k * e->row[i] * e->row[j];
            to->a[i * n + j] += a;
            ac += centre ? a * centre[j] : 0;
        }
        shift[i] = ac;
    }
    to->q += from->q - e->k * e->s * e->s;
    for (int i = 0; i < n; i++) {
        const double c = from->c[i] - e->k * e->s * e->row[i];
        to->c[i] += c + shift[i];
        to->q += centre ? centre[i] * (2 * c + shift[i]) : 0;
    }
}

/** Bars of the moments after the effect (a, c, 1) -> before it, in place; returns the derivative by
 *  tau. work: [L] */
double cnn_mixed_back_shared(const cnn_mixed_effect *e, double u, int n, double *a_bar,
                             double *c_bar, double *work)
{
    const double k = e->k, one = 1 / (1 + e->tau * e->t);
    cnn_mixed_times(a_bar, e->row, n, work);
    const double ac = cnn_mixed_dot(c_bar, e->row, n);
    const double k_bar = -cnn_mixed_dot(e->row, work, n) - e->s * ac - u * e->s * e->s;
    const double s_bar = -k * ac - 2 * k * u * e->s;
    const double t_bar = -k * k * k_bar + k;
    for (int i = 0; i < n; i++) /* by A1 */
        work[i] = -2 * k * work[i] - k * e->s * c_bar[i] + t_bar;
    for (int i = 0; i < n; i++) {
        c_bar[i] += s_bar;
        for (int j = 0; j < n; j++)
            a_bar[i * n + j] += (work[i] + work[j]) / 2;
    }
    return k_bar * one * one + e->t * one;
}

/** Moments of a device's runs with block effects and residuals, about the device's centre; returns
 *  log |V|. weight: [L] 1 / residual variances; v: scratch [L] */
double cnn_mixed_add_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                            double *v, cnn_mixed_moments *to)
{
    const size_t levels = (size_t)m->levels;
    const int n = m->levels;
    double log_v = 0;
    to->q += cnn_mixed_dot(weight, m->device_squares + (size_t)device * levels, n);
    for (int kind = m->first_kind[device]; kind < m->first_kind[device + 1]; kind++) {
        const double *runs = m->kind_runs + (size_t)kind * levels,
                     *sum = m->kind_sum + (size_t)kind * levels,
                     *cross = m->kind_cross + (size_t)kind * levels * levels;
        const double blocks = m->kind_blocks[kind];
        double t = 0, s = 0, squares = 0;
        for (int i = 0; i < n; i++) {
            v[i] = runs[i] * weight[i];
            t += v[i];
            s += weight[i] * sum[i];
            squares += weight[i] * cnn_mixed_dot(cross + (size_t)i * levels, weight, n);
        }
        const double k = tau / (1 + tau * t);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++)
                to->a[i * n + j] -= blocks * k * v[i] * v[j];
            to->a[i * n + i] += blocks * v[i];
            to->c[i] += weight[i] * sum[i] - k * v[i] * s;
        }
        to->q -= k * squares;
        log_v += blocks * log1p(tau * t);
    }
    return log_v;
}

/** Derivatives by the variance of blocks (returned) and by the weights (added). work: [2, L] */
double cnn_mixed_back_blocks(const cnn_mixed_model *m, int device, const double *weight, double tau,
                             double u, const double *a_bar, const double *c_bar, double *weight_bar,
                             double *work)
{
    const size_t levels = (size_t)m->levels;
    const int n = m->levels;
    double *v = work, *av = work + levels, tau_bar = 0;
    for (int kind = m->first_kind[device]; kind < m->first_kind[device + 1]; kind++) {
        const double *runs = m->kind_runs + (size_t)kind * levels,
                     *sum = m->kind_sum + (size_t)kind * levels,
                     *cross = m->kind_cross + (size_t)kind * levels * levels;
        const double blocks = m->kind_blocks[kind];
        double t = 0, s = 0, squares = 0;
        for (int i = 0; i < n; i++) {
            v[i] = runs[i] * weight[i];
            t += v[i];
            s += weight[i] * sum[i];
            squares += weight[i] * cnn_mixed_dot(cross + (size_t)i * levels, weight, n);
        }
        const double one = 1 / (1 + tau * t), k = tau * one, cv = cnn_mixed_dot(c_bar, v, n);
        cnn_mixed_times(a_bar, v, n, av);
        const double k_bar = -blocks * cnn_mixed_dot(v, av, n) - cv * s - u * squares;
        const double t_bar = -k * k * k_bar + blocks * k;
        tau_bar += k_bar * one * one + blocks * t * one;
        for (int i = 0; i < n; i++) {
            const double v_bar =
                blocks * (a_bar[i * n + i] - 2 * k * av[i]) - k * c_bar[i] * s + t_bar;
            weight_bar[i] += runs[i] * v_bar + (c_bar[i] - k * cv) * sum[i] -
                             2 * k * u * cnn_mixed_dot(cross + (size_t)i * levels, weight, n);
        }
    }
    for (int i = 0; i < n; i++)
        weight_bar[i] += u * m->device_squares[(size_t)device * levels + (size_t)i];
    return tau_bar;
}

/** A device's moments with its device x level effects too; returns its share of log |V|. The
 *  inverse B and the new A, c stay in the model. */
double cnn_mixed_device_moments(cnn_mixed_model *m, int device, const double *weight,
                                const double *variance, double *work, cnn_mixed_moments *out)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    const double tau = variance[CNN_MIXED_DEVICE_LEVEL];
    double *b = m->device_inverse + (size_t)device * square, *a = m->scratch, *c = work;
    memset(a, 0, square * sizeof *a);
    memset(c, 0, levels * sizeof *c);
    out->a = m->device_precision + (size_t)device * square;
    out->c = m->device_linear + (size_t)device * levels;
    cnn_mixed_moments plain = {a, c, 0};
    double log_v =
        cnn_mixed_add_blocks(m, device, weight, variance[CNN_MIXED_BLOCK], work + levels, &plain);
    if (tau == 0) {
        memcpy(out->a, a, square * sizeof *a);
        memcpy(out->c, c, levels * sizeof *c);
        out->q = plain.q;
        return log_v;
    }
    double log_determinant = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            b[i * n + j] = (i == j) + tau * a[i * n + j];
    if (!cnn_mixed_invert(b, n, &log_determinant))
        m->failed = true;
    product(b, a, n, out->a);
    cnn_mixed_times(b, c, n, out->c);
    out->q = plain.q - tau * cnn_mixed_dot(c, out->c, n);
    return log_v + log_determinant;
}

/** Bars after the device x level effects -> before them, in place; returns the derivative by tau.
 *  x: scratch [2, L, L] */
double cnn_mixed_back_device_level(const cnn_mixed_model *m, int device, double tau, double u,
                                   double *a_bar, double *c_bar, double *work, double *x)
{
    const int n = m->levels;
    const size_t levels = (size_t)n, square = levels * levels;
    const double *b = m->device_inverse + (size_t)device * square,
                 *a = m->device_precision + (size_t)device * square,
                 *c = m->device_linear + (size_t)device * levels;
    double trace = 0, quadratic = 0, *y = x + square;
    cnn_mixed_times(a, c, n, work);
    for (int i = 0; i < n; i++)
        trace += a[i * n + i];
    product(a, a, n, x);
    for (int i = 0; i < n * n; i++)
        quadratic += a_bar[i] * x[i];
    const double tau_bar =
        trace - quadratic - cnn_mixed_dot(c_bar, work, n) - u * cnn_mixed_dot(c, c, n);
    if (tau == 0)
        return tau_bar;
    product(b, a_bar, n, x);
    product(x, b, n, y);
    cnn_mixed_times(b, c_bar, n, work);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            a_bar[i * n + j] = y[i * n + j] + tau * b[i * n + j] + u * tau * tau * c[i] * c[j] -
                               tau * (work[i] * c[j] + c[i] * work[j]) / 2;
    }
    for (int i = 0; i < n; i++)
        c_bar[i] = work[i] - 2 * u * tau * c[i];
    return tau_bar;
}
