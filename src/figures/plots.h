/* SPDX-License-Identifier: Apache-2.0 */
/** What the kinds of figures share, and the kinds, which figures/figures.c puts in order. Each adds
 *  figures to a set, which remembers failures; one that has nothing to show adds none. */
#ifndef CNN_FIGURES_PLOTS_H
#define CNN_FIGURES_PLOTS_H

#include "analysis/analysis.h"
#include "analysis/groups.h"
#include "figures/figure.h"
#include "figures/script.h"
#include "report/names.h"

typedef struct {
    const cnn_results *results;
    const cnn_analysis *a;
    const cnn_report_names *names;
    const cnn_groups *groups; /* of the blocks that the analysis uses */
    cnn_figures *out;
} cnn_plots;

/* Limits, so that a page stays readable and small. */
enum {
    CNN_MOST_ROWS = 30,    /* of a forest plot */
    CNN_MOST_BOXES = 8,    /* combinations with a figure of their own, for a measure */
    CNN_MOST_PAIRS = 8,    /* comparisons likewise */
    CNN_MOST_CURVES = 6,   /* combinations likewise */
    CNN_MOST_DEVICES = 40, /* rows */
    CNN_MOST_POINTS = 400, /* of a level in a panel */
    CNN_MOST_TIMES = 3000, /* runs of a time line, points of drift */
};

/** A measure as figures show it. */
typedef struct {
    cnn_measure measure;
    bool is_log, is_time; /* is_time: less is faster */
    double scale;         /* of the numbers on axes */
    const char *title;    /* "Training time" */
    char lower[40];       /* "training time" */
    char axis[80];        /* "training time, s" */
} cnn_plot_measure;
cnn_plot_measure cnn_plot_measure_of(const cnn_plots *p, cnn_measure measure);
/** Whether the measure has figures: training time, test error and the primary one. */
bool cnn_plots_shows(const cnn_plots *p, cnn_measure measure);

/** "A1 MNIST" of the study, else "arch1/mnist". */
const char *cnn_plots_combination(const cnn_plots *p, int combination);
const char *cnn_plots_contrast(const cnn_plots *p);
const char *cnn_plots_plural(int n);

/** A finding in few words: "native takes 35.6 % less time than layered", "native and layered are
 *  equivalent (within 1 %)", "interim: no verdict on native and layered". */
void cnn_plots_finding(const cnn_plots *p, int comparison, cnn_measure measure, cnn_text *out);
/** The word of a verdict, or why there is none: "faster", "interim", "withheld", "not tested". */
const char *cnn_plots_verdict(const cnn_comparison *x);

/** At most `most` of the comparisons of a measure, those that are flagged (unequal) and with the
 *  largest differences first, then sorted again. pair: of the levels; -1: all. chosen [most].
 *  Returns how many. */
int cnn_plots_choose(const cnn_plots *p, cnn_measure measure, int pair, int most, int *chosen);

/** Which of n sorted values are drawn where at most `most` are to be: every ceil(n / most)-th, the
 *  first and the last. */
bool cnn_plots_is_kept(int i, int n, int most);
/** A place between -0.5 and 0.5 for the i-th of sorted values, so that neighbours lie apart. */
double cnn_plots_jitter(int i);

/** A value of two levels' runs in a block on the analysed scale, a minus b; NaN where the block is not
 *  whole. block: of groups. */
double cnn_plots_difference(const cnn_plots *p, int block, const cnn_pair *pair,
                            cnn_measure measure);

/** A run's deviation from the mean of its cell on the analysed scale; NaN without a value. means
 *  [cell_count] from cnn_plots_cell_means, owned by the caller, NULL without memory. */
double *cnn_plots_cell_means(const cnn_plots *p, cnn_measure measure);
double cnn_plots_deviation(const cnn_plots *p, const double *means, int run, cnn_measure measure);
/** Name of a device of groups; borrowed. */
const char *cnn_plots_device(const cnn_plots *p, int device);

void cnn_plot_forest(const cnn_plots *p, cnn_measure measure);
void cnn_plot_boxes(const cnn_plots *p, cnn_measure measure);
void cnn_plot_comparison(const cnn_plots *p, cnn_measure measure);
void cnn_plot_pairs(const cnn_plots *p, cnn_measure measure);
void cnn_plot_devices(const cnn_plots *p); /* map and caterpillar */
void cnn_plot_components(const cnn_plots *p);
void cnn_plot_timeline(const cnn_plots *p);
void cnn_plot_drift(const cnn_plots *p);
void cnn_plot_curves(const cnn_plots *p);
void cnn_plot_power(const cnn_plots *p);
void cnn_plot_evidence(const cnn_plots *p);

#define CNN_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#endif
