/* SPDX-License-Identifier: Apache-2.0 */
/** What the results file of an earlier job says of a plan: seconds of its runs, time of the whole,
 *  and the differences that its blocks would find. Nothing is guessed: what the file does not know
 *  is NaN, with the reason. */
#ifndef CNN_FORECAST_FORECAST_H
#define CNN_FORECAST_FORECAST_H

#include "analysis/analysis.h"
#include "design/design.h"
#include "design/networks.h"

/** A cell of the plan. Its runs are expected to be as the done ones of the file's cell with the
 *  same names of framework, architecture and data set and the same training, on average: warm-up
 *  runs and runs without a result left out. */
typedef struct {
    char *unknown;        /* why the file has no times of the cell; NULL: it has, and then: */
    int source;           /* cell of the file */
    int runs;             /* of it that are done */
    int epochs;           /* of its runs where those planned have more or fewer, whose seconds are
                             then put together from seconds of epochs; else 0 */
    double train_seconds; /* mean of a run */
    double train_sd;      /* NaN also where epochs differ */
    double setup_seconds; /* NaN: not reported */
    double life_seconds;  /* mean life of the trainer process; NaN unknown */
} cnn_forecast_cell;

/** Two levels of the contrast in a combination, in the order of a cnn_analysis's comparisons. */
typedef struct {
    cnn_pair pair;
    const char *unknown; /* why the file knows no spread, a literal; NULL: it does; then: */
    /* conditions in which the file's levels differ, and this plan declares no difference: its report
     * will give no verdict on time */
    bool unequal[CNN_CONDITION_COUNT];
    int blocks;       /* whole blocks of the file behind it */
    double paired_sd; /* of log training time of a over b within them */
    /* What the plan's blocks find with power CNN_ANALYSIS_POWER: as a log ratio, by the paired t
     * test at the plan's alpha; at alpha over all comparisons of the plan, Holm's first step, which
     * verdicts are given by; and the former in seconds, expm1 of it times the mean of b. NaN: too
     * few blocks. */
    double detectable, detectable_family, detectable_seconds;
    int blocks_needed, blocks_equivalence; /* of each combination, by the plan's margin and the
                                              family's alpha, as in a cnn_comparison */
} cnn_forecast_pair;

typedef struct {
    int cell_count, pair_count;
    cnn_forecast_cell *cells;               /* [cell_count] of the design */
    cnn_forecast_pair *pairs;               /* [pair_count] */
    int cells_known;                        /* whose life_seconds is known */
    int runs_planned, runs_done, runs_left; /* of the file, without warm-ups; left: not ended */
    int repeats;                            /* planned blocks of each combination */
    double outside_seconds; /* of a rank for each process, outside of it; NaN unknown */
    double device_seconds; /* of all runs whose cell is known, warm-up blocks included, with what is
                              known of the time outside */
    double wall_seconds;   /* until the last device has worked through its queue; NaN: a cell is
                              unknown */
} cnn_forecast;

/** design and job: the plan. networks [cell_count], entries NULL where unknown, and images
 *  [cell_count], of which the training images count, 0 where unknown: cells whose network or data set had
 *  another size in the file are refused. results, path: the file. Times are those of the file's
 *  devices, whatever they are; a backend that the job names must be the file's.
 *
 *  Time of the whole: runs take their means, every device works through the queue that the plan
 *  gives it (dynamic: the next block goes to the first free device), nothing fails.
 *
 *  CNN_EUSAGE: the file knows no cell of the plan; the message has the reason of the first.
 *  CNN_EDATA as of cnn_analysis_create and cnn_stored_job. *out is owned by the caller. */
cnn_status cnn_forecast_create(const cnn_design *design, const cnn_job *job,
                               const cnn_network *const *networks, const cnn_image_counts *images,
                               const cnn_results *results, const char *path, cnn_forecast **out);
void cnn_forecast_destroy(cnn_forecast **forecast);

#endif
