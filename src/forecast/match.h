/* SPDX-License-Identifier: Apache-2.0 */
/** Which cell of a results file stands for each cell of a plan. */
#ifndef CNN_FORECAST_MATCH_H
#define CNN_FORECAST_MATCH_H

#include "forecast/forecast.h"

/** The plan and the file. */
typedef struct {
    const cnn_design *design;
    const cnn_job *job;
    const cnn_network *const *networks;
    const cnn_image_counts *images;
    const cnn_results *results;
    const cnn_job *stored; /* the file's job */
} cnn_forecast_source;

/** Fills `unknown`, `source` and `epochs` of the cells. */
cnn_status cnn_forecast_match(const cnn_forecast_source *s, cnn_forecast *f);

#endif
