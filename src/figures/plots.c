/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/plots.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cnn_plot_measure cnn_plot_measure_of(const cnn_plots *p, cnn_measure measure)
{
    const bool is_share = measure == CNN_MEASURE_TEST_ERROR;
    const cnn_measure_info *info = &p->a->measures[measure];
    const char *unit = is_share ? "%" : info->units;
    cnn_plot_measure m = {.measure = measure,
                          .is_log = info->is_log,
                          .is_time = info->is_time,
                          .scale = is_share ? 100 : 1,
                          .title = info->title};
    cnn_copy_string(m.lower, sizeof m.lower, m.title);
    if (measure < CNN_MEASURE_COUNT) /* a metric's title is its name */
        m.lower[0] = (char)tolower((unsigned char)m.lower[0]);
    snprintf(m.axis, sizeof m.axis, "%s%s%s", m.lower, *unit ? ", " : "", unit);
    return m;
}

bool cnn_plots_shows(const cnn_plots *p, cnn_measure measure)
{
    return measure == CNN_MEASURE_TRAIN_SECONDS || measure == CNN_MEASURE_TEST_ERROR ||
           measure == p->a->primary;
}

const char *cnn_plots_combination(const cnn_plots *p, int combination)
{
    const char *study = p->names->study[combination];
    return study ? study : p->names->combinations[combination];
}

const char *cnn_plots_contrast(const cnn_plots *p)
{
    return p->results->factors[p->results->contrast].name;
}

const char *cnn_plots_plural(int n)
{
    return n == 1 ? "" : "s";
}

const char *cnn_plots_verdict(const cnn_comparison *x)
{
    if (x->verdict != CNN_VERDICT_INCONCLUSIVE)
        return cnn_verdict_names[x->verdict];
    switch (x->verdict_reason) {
    case CNN_REASON_INTERIM:
        return "interim";
    case CNN_REASON_UNEQUAL:
        return "withheld";
    case CNN_REASON_NONE:
    case CNN_REASON_NO_MARGIN:
    case CNN_REASON_SAME_DIFFERENCE:
        return "inconclusive";
    default:
        return "not tested";
    }
}

/** Three significant digits without an exponent. */
static void put_size(double x, cnn_text *out)
{
    const int decimals = x > 0 ? 2 - (int)floor(log10(x)) : 2;
    cnn_text_printf(out, "%.*f", decimals < 0 ? 0 : decimals > 6 ? 6 : decimals, x);
}

void cnn_plots_finding(const cnn_plots *p, int comparison, cnn_measure measure, cnn_text *out)
{
    const cnn_comparison *x = cnn_analysis_comparison(p->a, comparison, measure);
    const cnn_plot_measure m = cnn_plot_measure_of(p, measure);
    const char *a = p->names->levels[p->a->pairs[comparison].a];
    const char *b = p->names->levels[p->a->pairs[comparison].b];
    const bool less = x->verdict == CNN_VERDICT_FASTER || x->verdict == CNN_VERDICT_LOWER;
    if (x->verdict == CNN_VERDICT_INCONCLUSIVE) {
        cnn_text_printf(out, "%s and %s: %s", a, b,
                        x->verdict_reason == CNN_REASON_INTERIM ? "interim, no verdict"
                        : x->verdict_reason == CNN_REASON_UNEQUAL
                            ? "no verdict, as they are unequal"
                            : cnn_plots_verdict(x));
    } else if (x->verdict == CNN_VERDICT_EQUIVALENT) {
        cnn_text_printf(out, "%s and %s are equivalent", a, b);
    } else if (m.is_log && m.is_time) {
        cnn_text_printf(out, "%s takes ", a);
        put_size(100 * fabs(expm1(x->paired_mean)), out);
        cnn_text_printf(out, " %% %s time than %s", less ? "less" : "more", b);
    } else {
        cnn_text_printf(out, "%s\u2019s %s is ", a, m.lower);
        put_size(m.is_log ? 100 * fabs(expm1(x->paired_mean)) : m.scale * fabs(x->paired_mean),
                 out);
        cnn_text_printf(out, "%s %s than %s\u2019s",
                        m.is_log         ? " %"
                        : m.scale == 100 ? " points"
                                         : "",
                        less ? "lower" : "higher", b);
    }
}

/** A comparison, and how much it has to say. */
typedef struct {
    int comparison;
    bool is_flagged;
    double size;
} candidate;

static int by_interest(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->is_flagged != y->is_flagged)
        return x->is_flagged ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->comparison - y->comparison;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int cnn_plots_choose(const cnn_plots *p, cnn_measure measure, int pair, int most, int *chosen)
{
    const cnn_analysis *a = p->a;
    int n = 0;
    candidate *all = calloc((size_t)a->comparison_count + 1, sizeof *all);
    if (!all) {
        p->out->failed = true;
        return 0;
    }
    for (int i = 0; i < a->comparison_count; i++) {
        const double mean = cnn_analysis_comparison(a, i, measure)->paired_mean;
        if (pair >= 0 && i % a->pair_count != pair)
            continue;
        all[n++] = (candidate){i, cnn_analysis_is_unequal(a, i), isnan(mean) ? -1 : fabs(mean)};
    }
    qsort(all, (size_t)n, sizeof *all, by_interest);
    if (n > most)
        n = most;
    for (int i = 0; i < n; i++)
        chosen[i] = all[i].comparison;
    qsort(chosen, (size_t)n, sizeof *chosen, by_number);
    free(all);
    return n;
}

bool cnn_plots_is_kept(int i, int n, int most)
{
    const int every = (n + most - 1) / most;
    return n <= most || i % every == 0 || i == n - 1;
}

double cnn_plots_jitter(int i)
{
    /* multiples of the golden ratio are spread evenly, whatever their number */
    const double x = (i + 1) * 0.61803398874989485;
    return x - floor(x) - 0.5;
}

static double analysed(const cnn_plots *p, int run, cnn_measure measure)
{
    const double x = run < 0 ? NAN : cnn_groups_value(p->groups, run, measure);
    const double y = p->a->measures[measure].is_log ? log(x) : x;
    return isfinite(y) ? y : NAN;
}

double cnn_plots_difference(const cnn_plots *p, int block, const cnn_pair *pair,
                            cnn_measure measure)
{
    const int *runs = &p->groups->block_runs[block * p->a->level_count];
    const int a = runs[pair->a], b = runs[pair->b];
    if (a < 0 || b < 0 || p->groups->device[a] < 0 || p->groups->device[a] != p->groups->device[b])
        return NAN;
    return analysed(p, a, measure) - analysed(p, b, measure);
}

double *cnn_plots_cell_means(const cnn_plots *p, cnn_measure measure)
{
    double *means = calloc((size_t)p->a->cell_count + 1, sizeof *means);
    p->out->failed |= !means;
    for (int c = 0; means && c < p->a->cell_count; c++) {
        int n = 0;
        for (int i = p->groups->cell_start[c]; i < p->groups->cell_start[c + 1]; i++) {
            const double x = analysed(p, p->groups->cell_runs[i], measure);
            if (!isnan(x))
                means[c] += (x - means[c]) / ++n;
        }
    }
    return means;
}

double cnn_plots_deviation(const cnn_plots *p, const double *means, int run, cnn_measure measure)
{
    return analysed(p, run, measure) - means[p->results->planned[run].cell];
}

const char *cnn_plots_device(const cnn_plots *p, int device)
{
    for (int run = 0; run < p->results->run_count; run++)
        if (p->groups->device[run] == device)
            return p->results->measured[run].device;
    return "";
}
