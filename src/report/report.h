/* SPDX-License-Identifier: Apache-2.0 */
/** The document of `cnnmpi report`: an analysis as tables and text. */
#ifndef CNN_REPORT_REPORT_H
#define CNN_REPORT_REPORT_H

#include "analysis/analysis.h"
#include "analysis/pool.h"
#include "base/status.h"
#include "document/table.h"

/** Sources of a report; everything is borrowed, results until the document is freed. */
typedef struct {
    const cnn_results *results;
    const cnn_analysis *analysis;
    const char *path;     /* of the file; of several: the first */
    const cnn_pool *pool; /* NULL: one file */
} cnn_report_source;

/** Adds the report to a document: the findings, which are its lead, the job, cells, verdicts, and what
 *  was lost or flagged; with `full` every table, for CSV also wide ones with every column of
 *  analysis/figures.h. docs/analysis.md lists the tables and explains every figure. */
cnn_status cnn_report_document(const cnn_report_source *source, bool full, cnn_document *out);

#endif
