#include "report/report_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** How a measure is shown. */
static const struct {
    const char *title, *unit;
    double scale;
} shown[CNN_MEASURE_COUNT] = {
    [CNN_MEASURE_TRAIN_SECONDS] = {"Training time", "s", 1},
    [CNN_MEASURE_TEST_ERROR] = {"Test error", "% of the test images", 100},
};

/** Labels of a cell or combination, made from its levels. */
typedef struct {
    int count, width; /* width: of the longest */
    char **labels;
} label_list;

static void free_labels(label_list *l)
{
    for (int i = 0; l->labels && i < l->count; i++)
        free(l->labels[i]);
    free(l->labels);
}

/** "native / arch1 / mnist"; without the contrast's level when contrast is false. */
static char *make_label(const cnn_results *r, int cell, bool contrast)
{
    cnn_text t = {0};
    for (int f = 0; f < r->factor_count; f++)
        if (contrast || f != r->contrast)
            cnn_text_printf(&t, "%s%s", t.len ? " / " : "",
                            r->factors[f].labels[r->cell_levels[cell * r->factor_count + f]]);
    if (!t.len)
        cnn_text_append(&t, "all");
    return cnn_text_take(&t);
}

/** Keeps a label as number i of a list; false when there is no memory. */
static bool keep(label_list *l, int i, char *label)
{
    l->labels[i] = label;
    if (label && cnn_utf8_count(label) > l->width)
        l->width = cnn_utf8_count(label);
    return label != NULL;
}

/** False when there is no memory; free_labels in any case. */
static bool label_cells(const cnn_results *r, label_list *l)
{
    *l = (label_list){.count = r->cell_count, .width = (int)strlen("combination")};
    l->labels = calloc((size_t)r->cell_count, sizeof *l->labels);
    for (int c = 0; l->labels && c < r->cell_count; c++)
        if (!keep(l, c, make_label(r, c, true)))
            return false;
    return l->labels != NULL;
}

static bool label_combinations(const cnn_results *r, label_list *l)
{
    *l = (label_list){.count = r->combination_count, .width = (int)strlen("combination")};
    l->labels = calloc((size_t)r->combination_count, sizeof *l->labels);
    for (int i = 0; l->labels && i < r->run_count; i++) {
        int c = r->planned[i].combination;
        if (!l->labels[c] && !keep(l, c, make_label(r, r->planned[i].cell, false)))
            return false;
    }
    return l->labels != NULL;
}

static void put_label(cnn_text *out, const label_list *l, int i)
{
    cnn_text_append(out, "  ");
    cnn_text_append_padded(out, l->labels[i], l->width);
}

/** A right-aligned number; "-" where it is not known. */
static void put(cnn_text *out, int width, int decimals, double x)
{
    if (isnan(x))
        cnn_text_printf(out, " %*s", width, "-");
    else
        cnn_text_printf(out, " %*.*f", width, decimals, x);
}

/** Four digits, in scientific notation when small or large. */
static void put_digits(cnn_text *out, int width, double x)
{
    char s[32] = "-";
    if (!isnan(x)) {
        const double size = fabs(x);
        snprintf(s, sizeof s, size == 0 || (size >= 1e-3 && size < 1e6) ? "%#.4g" : "%.3e", x);
        if (size == 0)
            snprintf(s, sizeof s, "0");
    }
    cnn_text_printf(out, " %*s", width, s);
}

static void put_probability(cnn_text *out, int width, double p)
{
    char s[32] = "-";
    if (!isnan(p))
        snprintf(s, sizeof s, p >= 1e-3 ? "%.4f" : p > 0 ? "%.1e" : "< 1e-300", p);
    cnn_text_printf(out, " %*s", width, s);
}

/** Decimals that leave at least five digits to the smallest of the means. */
static int decimals_of(const cnn_reduction *d, cnn_measure measure)
{
    double least = INFINITY;
    for (int c = 0; c < d->cell_count; c++) {
        double mean = fabs(d->summaries[c * CNN_MEASURE_COUNT + (int)measure].mean);
        if (mean > 0)
            least = fmin(least, mean * shown[measure].scale);
    }
    if (!isfinite(least))
        return 3;
    int decimals = 4 - (int)floor(log10(least));
    return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

void cnn_report_cells(const cnn_results *results, const cnn_reduction *reduction,
                      cnn_measure measure, cnn_text *out)
{
    const double scale = shown[measure].scale;
    const int decimals = decimals_of(reduction, measure);
    label_list l;
    if (!label_cells(results, &l)) {
        out->failed = true;
        goto done;
    }
    cnn_text_printf(out, "\n%s, %s (variance in its square)\n", shown[measure].title,
                    shown[measure].unit);
    cnn_text_printf(out, "  %-*s %5s %11s %10s %10s %11s %11s\n", l.width, "cell", "n", "mean",
                    "variance", "sd", "min", "max");
    for (int c = 0; c < reduction->cell_count; c++) {
        const cnn_summary *s = &reduction->summaries[c * CNN_MEASURE_COUNT + (int)measure];
        put_label(out, &l, c);
        cnn_text_printf(out, " %5d", s->n);
        put(out, 11, decimals, s->mean * scale);
        put_digits(out, 10, s->variance * scale * scale);
        put_digits(out, 10, s->sd * scale);
        put(out, 11, decimals, s->min * scale);
        put(out, 11, decimals, s->max * scale);
        cnn_text_append(out, "\n");
    }
done:
    free_labels(&l);
}

void cnn_report_lost(const cnn_results *results, const cnn_reduction *reduction, cnn_text *out)
{
    bool any = false;
    label_list l;
    if (!label_cells(results, &l)) {
        out->failed = true;
        goto done;
    }
    for (int c = 0; c < reduction->cell_count; c++) {
        const int failed = reduction->failed[c], diverged = reduction->diverged[c];
        const int missing = reduction->planned[c] - reduction->done[c] - failed - diverged;
        if (!failed && !diverged && !missing)
            continue;
        if (!any)
            cnn_text_printf(out, "\nRuns that the tables above lack\n  %-*s %8s %8s %8s %8s %8s\n",
                            l.width, "cell", "planned", "done", "failed", "diverged", "missing");
        any = true;
        put_label(out, &l, c);
        cnn_text_printf(out, " %8d %8d %8d %8d %8d\n", reduction->planned[c], reduction->done[c],
                        failed, diverged, missing);
    }
done:
    free_labels(&l);
}

static void put_comparison(const cnn_comparison *x, const label_list *l, double scale,
                           cnn_text *out)
{
    put_label(out, l, x->combination);
    put_digits(out, 11, x->difference * scale);
    put(out, 8, 4, x->ratio);
    put(out, 9, 2, x->study_t);
    cnn_text_append(out, fabs(x->study_t) > CNN_STUDY_CRITICAL_T ? " *" : "  ");
    put(out, 9, 2, x->welch_t);
    put(out, 7, 1, x->welch_df);
    put_probability(out, 9, x->welch_p);
    cnn_text_append(out, "\n");
}

void cnn_report_comparisons(const cnn_results *results, const cnn_reduction *reduction,
                            cnn_measure measure, cnn_text *out)
{
    const cnn_results_factor *contrast = &results->factors[results->contrast];
    const int pairs = results->level_count * (results->level_count - 1) / 2;
    label_list l;
    if (!label_combinations(results, &l)) {
        out->failed = true;
        goto done;
    }
    for (int p = 0; p < pairs; p++) {
        for (int i = p; i < reduction->comparison_count; i += pairs) {
            const cnn_comparison *x = &reduction->comparisons[i * CNN_MEASURE_COUNT + (int)measure];
            if (i == p) {
                cnn_text_printf(out, "\n%s, %s: %s %s minus %s\n", shown[measure].title,
                                shown[measure].unit, contrast->name, contrast->labels[x->a],
                                contrast->labels[x->b]);
                cnn_text_printf(out, "  %-*s %11s %8s %9s   %9s %7s %9s\n", l.width, "combination",
                                "difference", "ratio", "study's t", "Welch's t", "df", "p");
            }
            put_comparison(x, &l, shown[measure].scale, out);
        }
    }
done:
    free_labels(&l);
}
