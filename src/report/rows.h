/* SPDX-License-Identifier: Apache-2.0 */
/** The rows of a results file as CSV: the input of the analysis. */
#ifndef CNN_REPORT_ROWS_H
#define CNN_REPORT_ROWS_H

#include "base/status.h"
#include "results/results.h"

#include <stdio.h>

/** Where rows come from, when several files are pooled: rows first_run .. first_run + runs - 1. */
typedef struct {
    const char *path;
    int first_run, runs;
} cnn_rows_source;

/** One line for every run that was planned, warm-up runs included: run, status, the levels of the
 *  factors, then every column of docs/results-file.md over `run`, under its name there. A factor
 *  whose name another column has is called factor_NAME. Values are those of the file (-1: unknown
 *  whole number), NaN is an empty field. With several sources a column `file` comes first. */
cnn_status cnn_report_runs(const cnn_results *results, const cnn_rows_source *sources,
                           int source_count, FILE *out);

/** The same of every attempt that was made: run, number, the levels of the factors, then every
 *  column over `attempt`. */
cnn_status cnn_report_attempts(const cnn_results *results, const cnn_rows_source *sources,
                               int source_count, FILE *out);

#endif
