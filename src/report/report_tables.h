/** The tables of a report on the terminal. */
#ifndef CNN_REPORT_REPORT_TABLES_H
#define CNN_REPORT_REPORT_TABLES_H

#include "report/reduction.h"

/** Per cell n, mean, variance, sd, min and max of a measure. */
void cnn_report_cells(const cnn_results *results, const cnn_reduction *reduction,
                      cnn_measure measure, cnn_text *out);
/** Cells with runs that the tables lack: failed, diverged, missing; nothing when there are none. */
void cnn_report_lost(const cnn_results *results, const cnn_reduction *reduction, cnn_text *out);
/** Per combination and pair of levels: difference, ratio, the study's t, Welch's t. */
void cnn_report_comparisons(const cnn_results *results, const cnn_reduction *reduction,
                            cnn_measure measure, cnn_text *out);

#endif
