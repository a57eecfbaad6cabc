/* SPDX-License-Identifier: Apache-2.0 */
/** Names of cells, combinations and levels in a report. */
#ifndef CNN_REPORT_NAMES_H
#define CNN_REPORT_NAMES_H

#include "analysis/analysis.h"
#include "base/status.h"

#include <stdbool.h>

/** Levels that stand for the study's frameworks, and how its tables name them. */
typedef struct {
    const char *tensorflow, *keras;
    const char *is, *errs;      /* titles of columns: "native is" (faster), "native errs" (more) */
    const char *times, *errors; /* captions */
} cnn_study_pair;

typedef struct {
    int combination_count, level_count;
    char **combinations; /* [combination_count] levels of the factors that vary: "arch1/mnist"; of
                            one combination all of them; "all" without another factor */
    char *constants;     /* "architecture arch1, batch_size 16": the other factors; "": none */
    const char **study;  /* [combination_count] the study's name, "A1 MNIST"; NULL: not of it */
    const char **levels; /* [level_count] of the contrast; owned */
    bool any_study;      /* any combination is one of the study's */
    const cnn_study_pair *pair; /* NULL: the contrast is not the study's */
} cnn_report_names;

/** Levels of framework, architecture and dataset are called by their names, those of other factors by
 *  name and value: "batch_size 16". A combination is the study's where the contrast is `framework`, with tensorflow and keras, or
 * native and layered, among its levels, and the other factors are its architecture and its data set, alone. End with
 * cnn_report_names_free. */
cnn_status cnn_report_names_make(const cnn_results *results, const cnn_analysis *analysis,
                                 cnn_report_names *out);
void cnn_report_names_free(cnn_report_names *names);

#endif
