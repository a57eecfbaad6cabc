/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/analysis_columns.h"

#define COLUMN(row, column, m, kind, unit, text)                                                   \
    {                                                                                              \
        .name = #column, .type = CNN_TYPE_##kind, .width = sizeof(((row *)0)->m),                  \
        .offset = offsetof(row, m), .units = unit, .long_name = text                               \
    }
#define CELL_COUNT(m, type, units, text) COLUMN(cnn_cell_count, runs_##m, m, type, units, text),
#define SUMMARY(m, type, units, text)    COLUMN(cnn_summary, m, m, type, units, text),
#define PAIR(m, type, units, text)       COLUMN(cnn_pair, comparison_##m, m, type, units, text),
#define CONDITION(m, type, units, text)  COLUMN(cnn_conditions, condition_##m, m, type, units, text),
#define COMPARISON(m, type, units, text) COLUMN(cnn_comparison, m, m, type, units, text),
#define BLOCKING(m, type, units, text)   COLUMN(cnn_blocking, overall_##m, m, type, units, text),
#define POSITION(m, type, units, text)                                                             \
    COLUMN(cnn_position_effect, position_##m, m, type, units, text),
#define MODEL(m, type, units, text)      COLUMN(cnn_model_row, model_##m, m, type, units, text),
#define FIXED(m, type, units, text)      COLUMN(cnn_fixed, fixed_##m, m, type, units, text),
#define COMPONENT(m, type, units, text)  COLUMN(cnn_component, component_##m, m, type, units, text),
#define SCOPE(m, type, units, text)      COLUMN(cnn_scope, scope_##m, m, type, units, text),
#define SEED_GROUP(m, type, units, text) COLUMN(cnn_seed_group, seed_##m, m, type, units, text),
#define CELL_SEEDS(m, type, units, text) COLUMN(cnn_cell_seeds, seeds_##m, m, type, units, text),

const cnn_column cnn_cell_count_columns[] = {CNN_CELL_COUNT_COLUMNS(CELL_COUNT)};
const cnn_column cnn_summary_columns[] = {CNN_SUMMARY_COLUMNS(SUMMARY)};
const cnn_column cnn_pair_columns[] = {CNN_PAIR_COLUMNS(PAIR)};
const cnn_column cnn_condition_columns[] = {CNN_CONDITION_COLUMNS(CONDITION)};
const cnn_column cnn_comparison_columns[] = {CNN_COMPARISON_COLUMNS(COMPARISON)};
const cnn_column cnn_blocking_columns[] = {CNN_BLOCKING_COLUMNS(BLOCKING)};
const cnn_column cnn_position_columns[] = {CNN_POSITION_COLUMNS(POSITION)};
const cnn_column cnn_model_columns[] = {CNN_MODEL_COLUMNS(MODEL)};
const cnn_column cnn_fixed_columns[] = {CNN_FIXED_COLUMNS(FIXED)};
const cnn_column cnn_component_columns[] = {CNN_COMPONENT_COLUMNS(COMPONENT)};
const cnn_column cnn_seed_group_columns[] = {CNN_SEED_GROUP_COLUMNS(SEED_GROUP)};
const cnn_column cnn_cell_seeds_columns[] = {CNN_CELL_SEEDS_COLUMNS(CELL_SEEDS)};
const cnn_column cnn_scope_columns[] = {CNN_SCOPE_COLUMNS(SCOPE)};

_Static_assert(CNN_COUNT_COLUMNS(CNN_COMPARISON_COLUMNS) <= CNN_TABLE_COLUMNS_MAX,
               "raise CNN_TABLE_COLUMNS_MAX");
