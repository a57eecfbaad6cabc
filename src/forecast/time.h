/* SPDX-License-Identifier: Apache-2.0 */
/** Seconds of a forecast: of the runs of each cell, and of the whole plan. */
#ifndef CNN_FORECAST_TIME_H
#define CNN_FORECAST_TIME_H

#include "forecast/match.h"

/** Fills runs and seconds of the cells that are matched; `unknown` where the file has none. */
cnn_status cnn_forecast_seconds(const cnn_forecast_source *s, const cnn_analysis *a,
                                cnn_forecast *f);
/** Fills cells_known, device_seconds and wall_seconds from the cells' life_seconds. */
cnn_status cnn_forecast_whole(const cnn_design *design, cnn_forecast *f);

#endif
