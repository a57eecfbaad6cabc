/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/steady.h"

#include "stats/ranks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/** Completed epochs whose rows the file has. */
static int epochs_of(const cnn_results *r, int run)
{
    const int done = r->epochs ? r->measured[run].epochs_done : 0;
    return done < r->epoch_count ? done : r->epoch_count;
}

static double epoch_seconds(const cnn_results *r, int run, int epoch)
{
    return r->epochs[(size_t)run * (size_t)r->epoch_count + (size_t)epoch].epoch_seconds;
}

double cnn_steady_seconds(const cnn_results *r, int run, int warm)
{
    const int epochs = epochs_of(r, run);
    double sum = 0;
    for (int e = warm; e < epochs; e++)
        sum += epoch_seconds(r, run, e);
    return epochs - warm >= CNN_STEADY_LEAST ? sum / (epochs - warm) : NAN;
}

/** Room for the runs of one cell. */
typedef struct {
    int *run;         /* [run_count] of a cell */
    double *relative; /* [run_count, epoch_count] epoch's time over the run's median */
    double *x;        /* [larger of the two] */
    double *profile;  /* [epoch_count] */
    int *epochs;      /* [combination_count] */
} scratch;

/** Runs with the seconds of all epochs, into relative; their number. */
static int take_relative(const cnn_results *r, const scratch *w, int runs, int epochs)
{
    int n = 0;
    for (int i = 0; i < runs; i++) {
        bool known = true;
        for (int e = 0; e < epochs; e++) {
            w->x[e] = epoch_seconds(r, w->run[i], e);
            known = known && w->x[e] > 0 && isfinite(w->x[e]);
        }
        if (!known)
            continue;
        const double middle = cnn_median(w->x, epochs);
        for (int e = 0; e < epochs; e++)
            w->relative[(size_t)n * (size_t)epochs + (size_t)e] =
                epoch_seconds(r, w->run[i], e) / middle;
        n++;
    }
    return n;
}

static int leading_epochs(const cnn_results *r, const scratch *w, int runs, int epochs)
{
    const int n = epochs > 0 ? take_relative(r, w, runs, epochs) : 0;
    double slowest = 0;
    int warm = 0;
    for (int e = 0; n && e < epochs; e++) {
        for (int i = 0; i < n; i++)
            w->x[i] = w->relative[(size_t)i * (size_t)epochs + (size_t)e];
        w->profile[e] = cnn_median(w->x, n);
        slowest = e >= epochs - epochs / 2 ? fmax(slowest, w->profile[e]) : slowest;
    }
    while (n && warm < epochs / 4 && w->profile[warm] > slowest)
        warm++;
    return warm;
}

/** By cell, then run. */
static int by_cell(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

static void find(const cnn_results *r, const scratch *w, int (*sorted)[2], int n, int *warm)
{
    for (int first = 0, end; first < n; first = end) {
        const int combination = r->planned[sorted[first][1]].combination;
        for (end = first; end < n && sorted[end][0] == sorted[first][0]; end++)
            w->run[end - first] = sorted[end][1];
        const int leading = leading_epochs(r, w, end - first, w->epochs[combination]);
        warm[combination] = leading > warm[combination] ? leading : warm[combination];
    }
}

cnn_status cnn_steady_find(const cnn_results *r, const bool *counted, int *warm)
{
    cnn_status st = CNN_OK;
    const size_t runs = (size_t)r->run_count + 1, epochs = (size_t)r->epoch_count + 1;
    int n = 0, (*sorted)[2] = calloc(runs, sizeof *sorted);
    scratch w = {calloc(runs, sizeof *w.run), calloc(runs * epochs, sizeof *w.relative),
                 calloc(runs + epochs, sizeof *w.x), calloc(epochs, sizeof *w.profile),
                 calloc((size_t)r->combination_count + 1, sizeof *w.epochs)};
    CNN_CHECK(sorted && w.run && w.relative && w.x && w.profile && w.epochs, CNN_ENOMEM,
              "epochs of %d runs", r->run_count);
    for (int k = 0; k < r->combination_count; k++) {
        warm[k] = 0;
        w.epochs[k] = r->epoch_count;
    }
    for (int i = 0; i < r->run_count; i++) {
        int *least = &w.epochs[r->planned[i].combination];
        if (!counted[i])
            continue;
        *least = epochs_of(r, i) < *least ? epochs_of(r, i) : *least;
        sorted[n][0] = r->planned[i].cell;
        sorted[n++][1] = i;
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_cell);
    find(r, &w, sorted, n, warm);
done:
    free(sorted);
    free(w.run);
    free(w.relative);
    free(w.x);
    free(w.profile);
    free(w.epochs);
    return st;
}
