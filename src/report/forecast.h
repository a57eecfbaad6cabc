/* SPDX-License-Identifier: Apache-2.0 */
/** The document of `cnnmpi plan JOB --from FILE`: time and power. */
#ifndef CNN_REPORT_FORECAST_H
#define CNN_REPORT_FORECAST_H

#include "document/table.h"
#include "forecast/forecast.h"

/** Adds the forecast to a document: where it comes from, time of the whole, seconds of each cell's
 *  runs, detectable differences. design, job: the plan; results, path: the file. results must stay
 *  until the document is freed. */
void cnn_report_forecast(const cnn_forecast *f, const cnn_design *design, const cnn_job *job,
                         const cnn_results *results, const char *path, cnn_document *out);

#endif
