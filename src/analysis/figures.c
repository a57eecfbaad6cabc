/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/figures.h"

#include <math.h>
#include <stddef.h>

#define NAME(constant, name, ...) name,
const char *const cnn_measure_names[] = {CNN_MEASURES(NAME) NULL};
const char *const cnn_verdict_names[] = {CNN_VERDICTS(NAME) NULL};
const char *const cnn_variance_verdict_names[] = {CNN_VARIANCE_VERDICTS(NAME) NULL};
const char *const cnn_standing_names[] = {CNN_STANDINGS(NAME) NULL};
const char *const cnn_block_flaw_names[] = {CNN_BLOCK_FLAWS(NAME) NULL};
const char *const cnn_component_names[] = {CNN_COMPONENTS(NAME) NULL};
const char *const cnn_device_unit_names[] = {CNN_DEVICE_UNITS(NAME) NULL};
const char *const cnn_outlier_names[] = {CNN_OUTLIERS(NAME) NULL};
const char *const cnn_seed_kind_names[] = {CNN_SEED_KINDS(NAME) NULL};
const char *const cnn_exactness_names[] = {"approximate", "exact", NULL};
const char *const cnn_boundary_names[] = {"inside", "at_zero", NULL};
const char *const cnn_adjustment_names[] = {"unadjusted", "adjusted", NULL};
const char *const cnn_spread_names[] = {"on_a_device", "across_devices", NULL};

#define TEST_NAME(constant, name) #name,
const char *const cnn_test_names[] = {CNN_TESTS(TEST_NAME) NULL};

#define UNITS(constant, name, units, title, is_log)  units,
#define TITLE(constant, name, units, title, is_log)  title,
#define IS_LOG(constant, name, units, title, is_log) is_log,
const char *const cnn_measure_units[] = {CNN_MEASURES(UNITS)};
const char *const cnn_measure_titles[] = {CNN_MEASURES(TITLE)};
const int8_t cnn_measure_is_log[] = {CNN_MEASURES(IS_LOG)};

cnn_measure_info cnn_measure_built_in(cnn_measure measure)
{
    return (cnn_measure_info){.name = cnn_measure_names[measure],
                              .units = cnn_measure_units[measure],
                              .title = cnn_measure_titles[measure],
                              .is_log = cnn_measure_is_log[measure] != 0,
                              .is_time = cnn_measure_is_log[measure] != 0,
                              .is_of_weights = cnn_measure_is_log[measure] == 0,
                              .better = -1};
}

int cnn_measures_of(const cnn_results *results, cnn_measure_info *out)
{
    int n = 0;
    for (; n < CNN_MEASURE_COUNT; n++)
        out[n] = cnn_measure_built_in((cnn_measure)n);
    for (int i = 0; i < results->metric_count; i++)
        out[n++] = (cnn_measure_info){.name = results->metrics[i].name,
                                      .units = results->metrics[i].units,
                                      .title = results->metrics[i].name,
                                      .is_log = results->metrics[i].is_ratio,
                                      .better = results->metrics[i].better};
    return n;
}

#define UNKNOWN_I8(m)                           row.m = -1;
#define UNKNOWN_I32(m)                          row.m = -1;
#define UNKNOWN_I64(m)                          row.m = -1;
#define UNKNOWN_F64(m)                          row.m = NAN;
#define UNKNOWN(member, type, units, long_name) UNKNOWN_##type(member)
#define UNKNOWN_ROW(row_type, function, columns)                                                   \
    row_type function(void)                                                                        \
    {                                                                                              \
        row_type row;                                                                              \
        columns(UNKNOWN) return row;                                                               \
    }

UNKNOWN_ROW(cnn_cell_count, cnn_cell_count_unknown, CNN_CELL_COUNT_COLUMNS)
UNKNOWN_ROW(cnn_summary, cnn_summary_unknown, CNN_SUMMARY_COLUMNS)
UNKNOWN_ROW(cnn_pair, cnn_pair_unknown, CNN_PAIR_COLUMNS)
UNKNOWN_ROW(cnn_conditions, cnn_conditions_unknown, CNN_CONDITION_COLUMNS)
UNKNOWN_ROW(cnn_comparison, cnn_comparison_unknown, CNN_COMPARISON_COLUMNS)
UNKNOWN_ROW(cnn_blocking, cnn_blocking_unknown, CNN_BLOCKING_COLUMNS)
UNKNOWN_ROW(cnn_position_effect, cnn_position_effect_unknown, CNN_POSITION_COLUMNS)
UNKNOWN_ROW(cnn_model_row, cnn_model_row_unknown, CNN_MODEL_COLUMNS)
UNKNOWN_ROW(cnn_fixed, cnn_fixed_unknown, CNN_FIXED_COLUMNS)
UNKNOWN_ROW(cnn_component, cnn_component_unknown, CNN_COMPONENT_COLUMNS)
UNKNOWN_ROW(cnn_seed_group, cnn_seed_group_unknown, CNN_SEED_GROUP_COLUMNS)
UNKNOWN_ROW(cnn_cell_seeds, cnn_cell_seeds_unknown, CNN_CELL_SEEDS_COLUMNS)
