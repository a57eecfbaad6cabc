/* SPDX-License-Identifier: Apache-2.0 */
#include "figures/figures.h"

#include "figures/plots.h"

static void plot_all(const cnn_plots *p)
{
    static void (*const of_measure[])(const cnn_plots *, cnn_measure) = {
        cnn_plot_forest, cnn_plot_boxes, cnn_plot_comparison, cnn_plot_pairs};
    static void (*const once[])(const cnn_plots *) = {
        cnn_plot_devices, cnn_plot_components, cnn_plot_timeline, cnn_plot_drift,
        cnn_plot_curves,  cnn_plot_power,      cnn_plot_evidence};
    for (int i = 0; i < CNN_COUNT(of_measure); i++) {
        of_measure[i](p, p->a->primary);
        for (int m = 0; m < p->a->measure_count; m++)
            if (cnn_plots_shows(p, (cnn_measure)m) && m != (int)p->a->primary)
                of_measure[i](p, (cnn_measure)m);
    }
    for (int i = 0; i < CNN_COUNT(once); i++)
        once[i](p);
}

cnn_status cnn_figures_make(const cnn_results *results, const cnn_analysis *analysis,
                            cnn_figures *out)
{
    cnn_status st = CNN_OK;
    cnn_report_names names = {0};
    cnn_groups groups = {0};
    CNN_TRY(cnn_report_names_make(results, analysis, &names));
    CNN_TRY(cnn_groups_create(results, analysis->look.blocks, &groups));
    const cnn_plots p = {results, analysis, &names, &groups, out};
    plot_all(&p);
    CNN_TRY(cnn_figures_status(out));
done:
    cnn_groups_free(&groups);
    cnn_report_names_free(&names);
    return st;
}
