/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/tables.h"

#include "hdf5io/analysis_columns.h"
#include "hdf5io/attribute.h"
#include "hdf5io/hdf5_error.h"
#include "hdf5io/variable.h"
#include "results/record.h"
#include "results/results.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const cnn_dimension_info cnn_dimensions[CNN_DIM_COUNT] = {
    [CNN_DIM_RUN] = {"run", "run", 0},
    [CNN_DIM_EPOCH] = {"epoch", "epoch, counted from 1", 1},
    [CNN_DIM_ATTEMPT] = {"attempt", "attempt: run * attempts per run + number of the attempt", 0},
    [CNN_DIM_SESSION] = {"session_index", "invocation of cnnmpi", 0},
    [CNN_DIM_CELL] = {"cell_index", "cell, what the column cell refers to", 0},
    [CNN_DIM_COMBINATION] = {"combination_index",
                             "combination, what the column combination refers to", 0},
    [CNN_DIM_FACTOR] = {"factor_index", "factor", 0},
    [CNN_DIM_LEVEL] = {"factor_level", "level of a factor", 0},
    [CNN_DIM_MEASURE] = {"analysis/measure", "measure, see measure_name", 0},
    [CNN_DIM_TUNING] = {"tuning_index", "place for the algorithms of a cell on a device model", 0},
    [CNN_DIM_ENVIRONMENT] = {"environment_index", "place for the variables of an environment", 0},
    [CNN_DIM_COMPARISON] = {"analysis/comparison", "pair of contrast levels in a combination", 0},
    [CNN_DIM_TEST] = {"analysis/test", "test that families are of, see test_name", 0},
    [CNN_DIM_CONTRAST_LEVEL] = {"analysis/contrast_level", "level of the contrast", 0},
    [CNN_DIM_COMPONENT] = {"analysis/component", "component of variance, see component_name", 0},
    [CNN_DIM_SEED_GROUP] = {"analysis/seed_group", "seed that the plan gives to several runs", 0},
};

/** A column `name` from the member of a row's struct. */
#define CNN_COLUMN_OF(row, column, member, kind, unit, text)                                       \
    {                                                                                              \
        .name = #column, .type = CNN_TYPE_##kind, .width = sizeof(((row *)0)->member),             \
        .offset = offsetof(row, member), .units = unit, .long_name = text                          \
    }

/* One line of a list of columns in results/record.h. */
#define PLANNED(m, type, units, name)  CNN_COLUMN_OF(cnn_planned, m, m, type, units, name),
#define MEASURED(m, type, units, name) CNN_COLUMN_OF(cnn_measured, m, m, type, units, name),
#define EPOCH(m, type, units, name)    CNN_COLUMN_OF(cnn_epoch_row, m, m, type, units, name),
#define ATTEMPT(m, type, units, name)  CNN_COLUMN_OF(cnn_attempt, m, m, type, units, name),

static const cnn_column status_columns[] = {
    {"status", CNN_COLUMN_I8, 1, 0, "", "how the run ended; written after everything else of it"},
};
static const cnn_column planned_columns[] = {CNN_PLANNED_COLUMNS(PLANNED)};
static const cnn_column measured_columns[] = {CNN_MEASURED_COLUMNS(MEASURED)};
static const cnn_column epoch_columns[] = {CNN_EPOCH_COLUMNS(EPOCH)};
static const cnn_column attempt_columns[] = {CNN_ATTEMPT_COLUMNS(ATTEMPT)};

static const cnn_column attempt_key_columns[] = {
    CNN_COLUMN_OF(cnn_attempt_key, attempt_run, run, I32, "", "run of the attempt"),
    CNN_COLUMN_OF(cnn_attempt_key, attempt_number, number, I32, "",
                  "number of the attempt within its run, from 0"),
};

static const cnn_column session_columns[] = {
    CNN_COLUMN_OF(cnn_session, session_start_time, start_time, F64,
                  "seconds since 1970-01-01 00:00:00", "start of the invocation"),
    CNN_COLUMN_OF(cnn_session, session_ranks, ranks, I32, "", "MPI ranks of the invocation"),
};

static const cnn_column quarantine_columns[] = {
    CNN_COLUMN_OF(cnn_quarantine, session_quarantine, devices, T512, "",
                  "devices that were taken out of the invocation, as their runs failed, and why"),
};

static const cnn_column tuning_columns[] = {
    CNN_COLUMN_OF(cnn_tuning, tuned_device_model, model, T96, "", "device model of the algorithms"),
    CNN_COLUMN_OF(cnn_tuning, tuned_algorithms, algorithms, T16384, "",
                  "algorithms that every run of the cell on the device model uses"),
    CNN_COLUMN_OF(cnn_tuning, tuned_timings, timings, T32768, "",
                  "times of the candidates from which the algorithms were chosen"),
    CNN_COLUMN_OF(cnn_tuning, tuned_cell, cell, I32, "",
                  "their cell, written after them; -1: the place is free"),
};

static const cnn_column environment_columns[] = {
    CNN_COLUMN_OF(cnn_stored_environment, environment_variables, variables, T4096, "",
                  "variables that change what runs compute or how fast, as their trainers got "
                  "them; empty: the place is free"),
};

static const cnn_column cell_columns[] = {
    {"cell_levels", CNN_COLUMN_I32, 4, 0, "", "level of each factor in the cell"},
};
static const cnn_column combination_columns[] = {
    {"combination_levels", CNN_COLUMN_I32, 4, 0, "",
     "level of each factor in the combination; -1 for the contrast"},
};
static const cnn_column factor_columns[] = {
    CNN_COLUMN_OF(cnn_stored_factor, factor_level_count, level_count, I32, "",
                  "number of levels of the factor"),
    CNN_COLUMN_OF(cnn_stored_factor, factor_kind, kind, I8, "",
                  "what the factor varies; a compound: several factors at once"),
};

static const cnn_column outlier_columns[] = {
    {"outlier", CNN_COLUMN_I8, 1, 0, "", "where the run's value lies by its cell's fences"},
};
static const cnn_column block_flaw_columns[] = {
    {"block_flaw", CNN_COLUMN_I8, 1, 0, "",
     "whether the run's block takes part in paired tests; not of warm-up runs"},
};
static const cnn_column family_columns[] = {
    {"family_size", CNN_COLUMN_I32, 4, 0, "",
     "tests that are adjusted together: of a measure, over combinations and pairs"},
};

static const cnn_column overhead_columns[] = {
    {"overhead", CNN_COLUMN_F64, 8, 0, "1", "share of the ranks' time outside trainer processes"},
};
static const cnn_column session_overhead_columns[] = {
    {"session_overhead", CNN_COLUMN_F64, 8, 0, "1",
     "share of the ranks' time outside trainer processes in each invocation"},
};

#define TABLE(folder, rank, d0, d1, columns, row)                                                  \
    {                                                                                              \
        folder, rank, {d0, d1}, columns, sizeof columns / sizeof columns[0], sizeof(row)           \
    }
#define BY_ONE(d, columns, row)      TABLE("", 1, d, 0, columns, row)
#define BY_TWO(d0, d1, columns, row) TABLE("", 2, d0, d1, columns, row)
#define BY_THREE(d0, d1, d2, columns, row)                                                         \
    {                                                                                              \
        "analysis/", 3, {d0, d1, d2}, columns, sizeof columns / sizeof columns[0], sizeof(row)     \
    }
#define ANALYSED(r, d0, columns, row) TABLE("analysis/", r, d0, CNN_DIM_MEASURE, columns, row)

const cnn_table cnn_tables[CNN_TABLE_COUNT] = {
    [CNN_TABLE_STATUS] = BY_ONE(CNN_DIM_RUN, status_columns, int8_t),
    [CNN_TABLE_PLANNED] = BY_ONE(CNN_DIM_RUN, planned_columns, cnn_planned),
    [CNN_TABLE_MEASURED] = BY_ONE(CNN_DIM_RUN, measured_columns, cnn_measured),
    [CNN_TABLE_EPOCHS] = BY_TWO(CNN_DIM_RUN, CNN_DIM_EPOCH, epoch_columns, cnn_epoch_row),
    [CNN_TABLE_ATTEMPT_KEYS] = BY_ONE(CNN_DIM_ATTEMPT, attempt_key_columns, cnn_attempt_key),
    [CNN_TABLE_ATTEMPTS] = BY_ONE(CNN_DIM_ATTEMPT, attempt_columns, cnn_attempt),
    [CNN_TABLE_SESSIONS] = BY_ONE(CNN_DIM_SESSION, session_columns, cnn_session),
    [CNN_TABLE_QUARANTINES] = BY_ONE(CNN_DIM_SESSION, quarantine_columns, cnn_quarantine),
    [CNN_TABLE_TUNINGS] = BY_ONE(CNN_DIM_TUNING, tuning_columns, cnn_tuning),
    [CNN_TABLE_ENVIRONMENTS] =
        BY_ONE(CNN_DIM_ENVIRONMENT, environment_columns, cnn_stored_environment),
    [CNN_TABLE_CELLS] = BY_TWO(CNN_DIM_CELL, CNN_DIM_FACTOR, cell_columns, int32_t),
    [CNN_TABLE_COMBINATIONS] =
        BY_TWO(CNN_DIM_COMBINATION, CNN_DIM_FACTOR, combination_columns, int32_t),
    [CNN_TABLE_FACTORS] = BY_ONE(CNN_DIM_FACTOR, factor_columns, cnn_stored_factor),
    [CNN_TABLE_CELL_COUNTS] = ANALYSED(1, CNN_DIM_CELL, cnn_cell_count_columns, cnn_cell_count),
    [CNN_TABLE_SUMMARIES] = ANALYSED(2, CNN_DIM_CELL, cnn_summary_columns, cnn_summary),
    [CNN_TABLE_OUTLIERS] = ANALYSED(2, CNN_DIM_RUN, outlier_columns, int8_t),
    [CNN_TABLE_BLOCK_FLAWS] = ANALYSED(1, CNN_DIM_RUN, block_flaw_columns, int8_t),
    [CNN_TABLE_PAIRS] = ANALYSED(1, CNN_DIM_COMPARISON, cnn_pair_columns, cnn_pair),
    [CNN_TABLE_CONDITIONS] = ANALYSED(1, CNN_DIM_COMPARISON, cnn_condition_columns, cnn_conditions),
    [CNN_TABLE_COMPARISONS] =
        ANALYSED(2, CNN_DIM_COMPARISON, cnn_comparison_columns, cnn_comparison),
    [CNN_TABLE_FAMILIES] =
        TABLE("analysis/", 2, CNN_DIM_MEASURE, CNN_DIM_TEST, family_columns, int32_t),
    [CNN_TABLE_BLOCKING] = ANALYSED(1, CNN_DIM_MEASURE, cnn_blocking_columns, cnn_blocking),
    [CNN_TABLE_POSITIONS] = BY_THREE(CNN_DIM_COMBINATION, CNN_DIM_MEASURE, CNN_DIM_CONTRAST_LEVEL,
                                     cnn_position_columns, cnn_position_effect),
    [CNN_TABLE_MODELS] = ANALYSED(2, CNN_DIM_COMBINATION, cnn_model_columns, cnn_model_row),
    [CNN_TABLE_FIXED] = BY_THREE(CNN_DIM_COMBINATION, CNN_DIM_MEASURE, CNN_DIM_CONTRAST_LEVEL,
                                 cnn_fixed_columns, cnn_fixed),
    [CNN_TABLE_COMPONENTS] = BY_THREE(CNN_DIM_COMBINATION, CNN_DIM_MEASURE, CNN_DIM_COMPONENT,
                                      cnn_component_columns, cnn_component),
    [CNN_TABLE_SEED_GROUPS] =
        ANALYSED(1, CNN_DIM_SEED_GROUP, cnn_seed_group_columns, cnn_seed_group),
    [CNN_TABLE_CELL_SEEDS] = ANALYSED(1, CNN_DIM_CELL, cnn_cell_seeds_columns, cnn_cell_seeds),
    [CNN_TABLE_SCOPE] = ANALYSED(0, CNN_DIM_CELL, cnn_scope_columns, cnn_scope),
    [CNN_TABLE_OVERHEAD] = ANALYSED(0, CNN_DIM_CELL, overhead_columns, double),
    [CNN_TABLE_SESSION_OVERHEADS] =
        TABLE("analysis/", 1, CNN_DIM_SESSION, 0, session_overhead_columns, double),
};

_Static_assert(sizeof measured_columns / sizeof measured_columns[0] <= CNN_TABLE_COLUMNS_MAX,
               "raise CNN_TABLE_COLUMNS_MAX");

static const char *const warmup_meanings[] = {"measured", "warm_up", NULL};
static const char *const sharing_meanings[] = {"exclusive", "shared", NULL};

static const struct {
    const char *name;
    const char *const *meanings;
    int fill;
} flag_columns[] = {
    {"status", cnn_run_status_names, CNN_RUN_PLANNED},
    {"attempt_outcome", cnn_outcome_names, CNN_OUTCOME_NONE},
    {"warmup", warmup_meanings, -1},
    {"memory_source", cnn_memory_source_names, -1},
    {"factor_kind", cnn_factor_kind_names, -1},
    {"shared_device", sharing_meanings, -1},
    {"reason", cnn_reason_names, -1},
    {"outlier", cnn_outlier_names, -1},
    {"block_flaw", cnn_block_flaw_names, -1},
    {"verdict", cnn_verdict_names, -1},
    {"verdict_reason", cnn_reason_names, -1},
    {"variance_verdict", cnn_variance_verdict_names, -1},
    {"variance_reason", cnn_reason_names, -1},
    {"position_adjusted", cnn_adjustment_names, -1},
    {"position_reason", cnn_reason_names, -1},
    {"device_unit", cnn_device_unit_names, -1},
    {"device_verdict", cnn_verdict_names, -1},
    {"device_reason", cnn_reason_names, -1},
    {"sign_flip_exact", cnn_exactness_names, -1},
    {"wilcoxon_exact", cnn_exactness_names, -1},
    {"mann_whitney_exact", cnn_exactness_names, -1},
    {"spread_across", cnn_spread_names, -1},
    {"model_reason", cnn_reason_names, -1},
    {"component_reason", cnn_reason_names, -1},
    {"component_at_zero", cnn_boundary_names, -1},
    {"seed_kind", cnn_seed_kind_names, -1},
};
enum { FLAG_COLUMN_COUNT = sizeof flag_columns / sizeof flag_columns[0] };

/** Columns of conditions are all of one kind. */
static bool is_condition(const char *name)
{
    return strncmp(name, "condition_", strlen("condition_")) == 0;
}

const char *const *cnn_column_flags(const char *name)
{
    if (is_condition(name))
        return cnn_standing_names;
    for (int i = 0; i < FLAG_COLUMN_COUNT; i++)
        if (strcmp(name, flag_columns[i].name) == 0)
            return flag_columns[i].meanings;
    return NULL;
}

int cnn_column_fill(const char *name)
{
    for (int i = 0; i < FLAG_COLUMN_COUNT; i++)
        if (strcmp(name, flag_columns[i].name) == 0)
            return flag_columns[i].fill;
    return -1;
}

/* Columns that the oldest layout does not have. */
static const struct {
    const char *name;
    int since;
} later_columns[] = {
    {"data_checksum", 4},
    {"driver", 4},
    {"environment", 5},
    {"tuned_timings", 5},
    {"environment_variables", 5},
    {"factor_kind", 6},
    {"memory_bytes_max", 6},
    {"memory_source", 6},
    {"gpu_memory_bytes_max", 6},
    {"metric_1", 6},
    {"metric_2", 6},
    {"metric_3", 6},
    {"metric_4", 6},
    {"metric_5", 6},
    {"metric_6", 6},
    {"metric_7", 6},
    {"metric_8", 6},
};

int cnn_column_since(const char *name)
{
    for (size_t i = 0; i < sizeof later_columns / sizeof later_columns[0]; i++)
        if (strcmp(name, later_columns[i].name) == 0)
            return later_columns[i].since;
    return CNN_LAYOUT_OLDEST;
}

/** Opens the first column of a table, only for its extents. */
static cnn_status read_table_lengths(hid_t file, uint64_t file_size, cnn_table_id id,
                                     cnn_lengths *out)
{
    cnn_status st = CNN_OK;
    hid_t set = -1;
    hsize_t extents[CNN_VARIABLE_RANK_MAX];
    const cnn_table *table = &cnn_tables[id];
    char path[128];
    snprintf(path, sizeof path, "%s%s", table->folder, table->columns[0].name);
    CNN_TRY(cnn_variable_open(file, file_size, path, table->columns[0].type,
                              table->rank + (table->columns[0].type == CNN_COLUMN_TEXT), extents,
                              &set));
    for (int i = 0; i < table->rank; i++) {
        CNN_CHECK(extents[i] <= INT_MAX, CNN_EDATA, "'%s' has impossible extents", path);
        out->of[table->dimensions[i]] = extents[i];
    }
done:
    return cnn_hdf5_close(st, &set, H5Dclose, path);
}

static cnn_status read_analysis_lengths(hid_t file, uint64_t file_size, cnn_lengths *out)
{
    static const cnn_table_id spanning[] = {
        CNN_TABLE_SUMMARIES, CNN_TABLE_PAIRS,      CNN_TABLE_FAMILIES,
        CNN_TABLE_FIXED,     CNN_TABLE_COMPONENTS, CNN_TABLE_SEED_GROUPS,
    };
    cnn_status st = CNN_OK;
    for (size_t i = 0; i < sizeof spanning / sizeof spanning[0]; i++)
        CNN_TRY(read_table_lengths(file, file_size, spanning[i], out));
    CNN_CHECK(out->of[CNN_DIM_MEASURE] >= CNN_MEASURE_COUNT &&
                  out->of[CNN_DIM_MEASURE] <= CNN_MEASURES_MAX,
              CNN_EDATA, "'analysis/n' has not %d to %d measures", CNN_MEASURE_COUNT,
              CNN_MEASURES_MAX);
    CNN_CHECK(out->of[CNN_DIM_TEST] == CNN_TEST_COUNT, CNN_EDATA,
              "'analysis/family_size' has not %d tests", CNN_TEST_COUNT);
    CNN_CHECK(out->of[CNN_DIM_COMPONENT] == CNN_COMPONENT_LEVELS + out->of[CNN_DIM_CONTRAST_LEVEL],
              CNN_EDATA, "'analysis/component_reason' has not %d components and one for each level",
              CNN_COMPONENT_LEVELS);
done:
    return st;
}

cnn_status cnn_lengths_read(hid_t file, uint64_t file_size, int version, bool analysis,
                            cnn_lengths *out)
{
    /* together they span every dimension but the factors' levels and the analysis's */
    static const cnn_table_id spanning[] = {
        CNN_TABLE_STATUS,  CNN_TABLE_EPOCHS, CNN_TABLE_ATTEMPT_KEYS, CNN_TABLE_SESSIONS,
        CNN_TABLE_TUNINGS, CNN_TABLE_CELLS,  CNN_TABLE_COMBINATIONS,
    };
    cnn_status st = CNN_OK;
    hid_t labels = -1;
    hsize_t extents[CNN_VARIABLE_RANK_MAX];
    for (size_t i = 0; i < sizeof spanning / sizeof spanning[0]; i++)
        CNN_TRY(read_table_lengths(file, file_size, spanning[i], out));
    CNN_TRY(cnn_variable_open(file, file_size, CNN_VAR_LEVEL_LABEL, CNN_COLUMN_TEXT, 3, extents,
                              &labels));
    CNN_CHECK(extents[1] <= INT_MAX, CNN_EDATA, "'%s' has impossible extents", CNN_VAR_LEVEL_LABEL);
    out->of[CNN_DIM_LEVEL] = extents[1];
    out->of[CNN_DIM_ENVIRONMENT] = 0;
    if (version >= cnn_column_since("environment_variables"))
        CNN_TRY(read_table_lengths(file, file_size, CNN_TABLE_ENVIRONMENTS, out));
    CNN_CHECK(out->of[CNN_DIM_ATTEMPT] % out->of[CNN_DIM_RUN] == 0, CNN_EDATA,
              "the attempts do not divide among the runs");
    CNN_CHECK(out->of[CNN_DIM_SESSION] == CNN_SESSION_PLACES, CNN_EDATA,
              "'session_start_time' has not %d places", CNN_SESSION_PLACES);
    if (analysis)
        CNN_TRY(read_analysis_lengths(file, file_size, out));
done:
    return cnn_hdf5_close(st, &labels, H5Dclose, CNN_VAR_LEVEL_LABEL);
}

static cnn_status open_column(hid_t file, uint64_t file_size, const cnn_table *table,
                              const cnn_column *column, const cnn_lengths *lengths, hid_t *set)
{
    cnn_status st = CNN_OK;
    bool text = column->type == CNN_COLUMN_TEXT;
    hsize_t extents[CNN_VARIABLE_RANK_MAX];
    char path[128];
    snprintf(path, sizeof path, "%s%s", table->folder, column->name);
    CNN_TRY(
        cnn_variable_open(file, file_size, path, column->type, table->rank + text, extents, set));
    for (int i = 0; i < table->rank; i++)
        CNN_CHECK(extents[i] == lengths->of[table->dimensions[i]], CNN_EDATA,
                  "'%s' has %llu places along %s, not %llu", path, (unsigned long long)extents[i],
                  cnn_dimensions[table->dimensions[i]].path,
                  (unsigned long long)lengths->of[table->dimensions[i]]);
    CNN_CHECK(!text || extents[table->rank] <= column->width, CNN_EDATA,
              "'%s' has texts of %llu characters, more than %zu", path,
              (unsigned long long)extents[table->rank], column->width);
done:
    return st;
}

cnn_status cnn_table_open(hid_t file, uint64_t file_size, int version, cnn_table_id id,
                          const cnn_lengths *lengths, hid_t *sets)
{
    cnn_status st = CNN_OK;
    const cnn_table *table = &cnn_tables[id];
    for (int i = 0; i < table->column_count; i++)
        sets[i] = -1;
    for (int i = 0; i < table->column_count; i++)
        if (cnn_column_since(table->columns[i].name) <= version)
            CNN_TRY(open_column(file, file_size, table, &table->columns[i], lengths, &sets[i]));
done:
    return st == CNN_OK ? st : cnn_table_close(st, id, sets);
}

cnn_status cnn_table_close(cnn_status st, cnn_table_id id, hid_t *sets)
{
    for (int i = 0; i < cnn_tables[id].column_count; i++)
        st = cnn_hdf5_close(st, &sets[i], H5Dclose, cnn_tables[id].columns[i].name);
    return st;
}

cnn_status cnn_layout_check(hid_t file, const char *path, int *out)
{
    cnn_status st = CNN_OK;
    int32_t version = 0;
    CNN_CHECK(H5Aexists(file, CNN_ATTR_VERSION) > 0, CNN_EDATA,
              "'%s' is no results file of cnnmpi: it has no %s", path, CNN_ATTR_VERSION);
    CNN_TRY(cnn_attribute_read(file, CNN_ATTR_VERSION, CNN_COLUMN_I32, &version));
    CNN_CHECK(version >= CNN_LAYOUT_OLDEST && version <= CNN_LAYOUT_VERSION, CNN_EDATA,
              "'%s' has layout version %d, this cnnmpi knows versions %d to %d: use the cnnmpi "
              "that made it",
              path, (int)version, CNN_LAYOUT_OLDEST, CNN_LAYOUT_VERSION);
    *out = version;
done:
    return st;
}
