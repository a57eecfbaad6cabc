/* SPDX-License-Identifier: Apache-2.0 */
/** Columns of the tables under /analysis, from the lists in analysis/figures.h. Several tables
 * share the group, so that all but summaries and comparisons have a prefix of their own. */
#ifndef CNN_HDF5IO_ANALYSIS_COLUMNS_H
#define CNN_HDF5IO_ANALYSIS_COLUMNS_H

#include "analysis/figures.h"
#include "hdf5io/tables.h"

#define CNN_ONE_COLUMN(...)     +1
#define CNN_COUNT_COLUMNS(list) (0 list(CNN_ONE_COLUMN))

extern const cnn_column cnn_cell_count_columns[CNN_COUNT_COLUMNS(CNN_CELL_COUNT_COLUMNS)];
extern const cnn_column cnn_summary_columns[CNN_COUNT_COLUMNS(CNN_SUMMARY_COLUMNS)];
extern const cnn_column cnn_pair_columns[CNN_COUNT_COLUMNS(CNN_PAIR_COLUMNS)];
extern const cnn_column cnn_condition_columns[CNN_COUNT_COLUMNS(CNN_CONDITION_COLUMNS)];
extern const cnn_column cnn_comparison_columns[CNN_COUNT_COLUMNS(CNN_COMPARISON_COLUMNS)];
extern const cnn_column cnn_blocking_columns[CNN_COUNT_COLUMNS(CNN_BLOCKING_COLUMNS)];
extern const cnn_column cnn_position_columns[CNN_COUNT_COLUMNS(CNN_POSITION_COLUMNS)];
extern const cnn_column cnn_model_columns[CNN_COUNT_COLUMNS(CNN_MODEL_COLUMNS)];
extern const cnn_column cnn_fixed_columns[CNN_COUNT_COLUMNS(CNN_FIXED_COLUMNS)];
extern const cnn_column cnn_component_columns[CNN_COUNT_COLUMNS(CNN_COMPONENT_COLUMNS)];
extern const cnn_column cnn_seed_group_columns[CNN_COUNT_COLUMNS(CNN_SEED_GROUP_COLUMNS)];
extern const cnn_column cnn_cell_seeds_columns[CNN_COUNT_COLUMNS(CNN_CELL_SEEDS_COLUMNS)];
extern const cnn_column cnn_scope_columns[CNN_COUNT_COLUMNS(CNN_SCOPE_COLUMNS)];

#endif
