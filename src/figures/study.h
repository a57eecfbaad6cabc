/* SPDX-License-Identifier: Apache-2.0 */
/** The published study's figures beside those of a job of its cases. */
#ifndef CNN_FIGURES_STUDY_H
#define CNN_FIGURES_STUDY_H

#include "figures/plots.h"

/** The number of the study's figure of a combination's runs: 5 to 8, 13 to 16; 0: it has none. */
int cnn_study_figure(const cnn_plots *p, int combination, cnn_measure measure);
/** The same of its comparison of data sets for an architecture: 11, 12, 19, 20. */
int cnn_study_comparison_figure(int architecture, cnn_measure measure);
/** 1 or 2: the study's architecture of a combination; 0: none. */
int cnn_study_architecture(const cnn_plots *p, int combination);

/** The published mean and standard deviation of what stands for a level; NaN where nothing does. The
 *  study printed accuracies: errors are 1 minus these. */
typedef struct {
    double mean, sd;
} cnn_study_value;
cnn_study_value cnn_study_of(const cnn_plots *p, int combination, int level, cnn_measure measure);

/** A panel of the published values with one standard deviation, and its table. */
void cnn_study_panel(const cnn_plots *p, int combination, cnn_measure measure, cnn_frame frame,
                     cnn_figure *f);

#endif
