/* SPDX-License-Identifier: Apache-2.0 */
/** The tables of a results file: which columns lie over which dimensions, and the names of all else.
 *  Columns are made from the lists in results/record.h and analysis/figures.h; docs/results-file.md
 *  is the same for people. Whoever makes, writes or reads the file uses these tables, so that they
 *  agree. */
#ifndef CNN_HDF5IO_TABLES_H
#define CNN_HDF5IO_TABLES_H

#include "base/status.h"

#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

/** Places for invocations of cnnmpi on one file. */
#define CNN_SESSION_PLACES 256

typedef enum {
    CNN_COLUMN_I8,
    CNN_COLUMN_I32,
    CNN_COLUMN_I64,
    CNN_COLUMN_F64,
    CNN_COLUMN_TEXT, /* char [width] in memory, a last dimension of `width` characters in the file
                      */
} cnn_column_type;

/** The types of lists of columns: I8, I32, ..., T64, ... */
#define CNN_TYPE_I8     CNN_COLUMN_I8
#define CNN_TYPE_I32    CNN_COLUMN_I32
#define CNN_TYPE_I64    CNN_COLUMN_I64
#define CNN_TYPE_F64    CNN_COLUMN_F64
#define CNN_TYPE_T16    CNN_COLUMN_TEXT
#define CNN_TYPE_T32    CNN_COLUMN_TEXT
#define CNN_TYPE_T64    CNN_COLUMN_TEXT
#define CNN_TYPE_T96    CNN_COLUMN_TEXT
#define CNN_TYPE_T128   CNN_COLUMN_TEXT
#define CNN_TYPE_T512   CNN_COLUMN_TEXT
#define CNN_TYPE_T4096  CNN_COLUMN_TEXT
#define CNN_TYPE_T16384 CNN_COLUMN_TEXT
#define CNN_TYPE_T32768 CNN_COLUMN_TEXT

typedef struct {
    const char *name; /* of the variable */
    cnn_column_type type;
    size_t width;  /* bytes of the member */
    size_t offset; /* of the member in the struct of a row */
    const char *units, *long_name;
} cnn_column;

typedef enum {
    CNN_DIM_RUN,
    CNN_DIM_EPOCH,
    CNN_DIM_ATTEMPT, /* run * attempts per run + attempt */
    CNN_DIM_SESSION,
    CNN_DIM_CELL,
    CNN_DIM_COMBINATION,
    CNN_DIM_FACTOR,
    CNN_DIM_LEVEL, /* of any factor: as many as the factor with most levels has */
    CNN_DIM_MEASURE,
    CNN_DIM_COMPARISON,
    CNN_DIM_TUNING,
    CNN_DIM_ENVIRONMENT,    /* since layout 5 */
    CNN_DIM_TEST,           /* of a family */
    CNN_DIM_CONTRAST_LEVEL, /* of the contrast alone */
    CNN_DIM_COMPONENT,      /* of variance: CNN_COMPONENT_LEVELS + levels of the contrast */
    CNN_DIM_SEED_GROUP,     /* at least 1, also where no seed is given to several runs */
    CNN_DIM_COUNT
} cnn_dimension;

typedef struct {
    const char *path;      /* of the dimension scale; it holds the index, counted from `first` */
    const char *long_name; /* of that index */
    int first;
} cnn_dimension_info;
extern const cnn_dimension_info cnn_dimensions[CNN_DIM_COUNT];

/** Lengths of the dimensions in one file; all at least 1. */
typedef struct {
    hsize_t of[CNN_DIM_COUNT];
} cnn_lengths;

typedef enum {
    CNN_TABLE_STATUS,            /* rows: int8_t */
    CNN_TABLE_PLANNED,           /* cnn_planned */
    CNN_TABLE_MEASURED,          /* cnn_measured */
    CNN_TABLE_EPOCHS,            /* cnn_epoch_row */
    CNN_TABLE_ATTEMPT_KEYS,      /* cnn_attempt_key */
    CNN_TABLE_ATTEMPTS,          /* cnn_attempt */
    CNN_TABLE_SESSIONS,          /* cnn_session */
    CNN_TABLE_QUARANTINES,       /* cnn_quarantine */
    CNN_TABLE_CELLS,             /* int32_t, by factor */
    CNN_TABLE_COMBINATIONS,      /* int32_t, by factor */
    CNN_TABLE_FACTORS,           /* int32_t */
    CNN_TABLE_CELL_COUNTS,       /* cnn_cell_count */
    CNN_TABLE_SUMMARIES,         /* cnn_summary */
    CNN_TABLE_OUTLIERS,          /* int8_t */
    CNN_TABLE_BLOCK_FLAWS,       /* int8_t */
    CNN_TABLE_PAIRS,             /* cnn_pair */
    CNN_TABLE_CONDITIONS,        /* cnn_conditions */
    CNN_TABLE_COMPARISONS,       /* cnn_comparison */
    CNN_TABLE_FAMILIES,          /* int32_t */
    CNN_TABLE_BLOCKING,          /* cnn_blocking */
    CNN_TABLE_POSITIONS,         /* cnn_position_effect, positions as contrast levels */
    CNN_TABLE_MODELS,            /* cnn_model_row */
    CNN_TABLE_FIXED,             /* cnn_fixed */
    CNN_TABLE_COMPONENTS,        /* cnn_component */
    CNN_TABLE_SEED_GROUPS,       /* cnn_seed_group */
    CNN_TABLE_CELL_SEEDS,        /* cnn_cell_seeds */
    CNN_TABLE_SCOPE,             /* cnn_scope */
    CNN_TABLE_OVERHEAD,          /* double */
    CNN_TABLE_SESSION_OVERHEADS, /* double */
    CNN_TABLE_TUNINGS,           /* cnn_tuning */
    CNN_TABLE_ENVIRONMENTS,      /* cnn_stored_environment; since layout 5 */
    CNN_TABLE_COUNT
} cnn_table_id;

enum { CNN_TABLE_RANK_MAX = 3, CNN_TABLE_COLUMNS_MAX = 128 };

typedef struct {
    const char *folder; /* group: "" or "analysis/" */
    int rank;           /* 0: a scalar */
    cnn_dimension dimensions[CNN_TABLE_RANK_MAX];
    const cnn_column *columns;
    int column_count;
    size_t row_size;
} cnn_table;
extern const cnn_table cnn_tables[CNN_TABLE_COUNT];

typedef struct {
    int32_t run, number;
} cnn_attempt_key;

typedef struct {
    int32_t level_count;
    int8_t kind; /* cnn_factor_kind_names */
} cnn_stored_factor;

/** Variables of text: one text each, or labels, by dimensions. */
#define CNN_VAR_JOB_NAME          "job_name"
#define CNN_VAR_JOB_FILE          "job_file"
#define CNN_VAR_OVERRIDES         "job_overrides"
#define CNN_VAR_PLAN              "plan"
#define CNN_VAR_PROGRAM           "program"
#define CNN_VAR_FACTOR_NAME       "factor_name"       /* [factor] */
#define CNN_VAR_LEVEL_LABEL       "level_label"       /* [factor, level] */
#define CNN_VAR_CELL_LABEL        "cell_label"        /* [cell] */
#define CNN_VAR_COMBINATION_LABEL "combination_label" /* [combination] */
#define CNN_VAR_MEASURE_NAME      "analysis/measure_name"
#define CNN_VAR_MEASURE_UNITS     "analysis/measure_units"
#define CNN_VAR_TEST_NAME         "analysis/test_name"
#define CNN_VAR_COMPONENT_NAME    "analysis/component_name"

/** Attributes of the root. */
#define CNN_ATTR_VERSION      "layout_version"
#define CNN_ATTR_TITLE        "title"
#define CNN_ATTR_CONTRAST     "contrast"
#define CNN_ATTR_REPEATS      "repeats"
#define CNN_ATTR_SEED         "seed"
#define CNN_ATTR_BACKEND      "backend"
#define CNN_ATTR_MARGIN_TIME  "margin_time"
#define CNN_ATTR_MARGIN_ERROR "margin_error"
#define CNN_ATTR_ALPHA        "alpha"
#define CNN_ATTR_PRIMARY      "primary" /* since layout 4 */
#define CNN_ATTR_LOOKS        "looks"   /* since layout 4: an array */
#define CNN_ATTR_KIND         "kind"    /* since layout 6: "training", "measurement" */
/* since layout 6, of the columns metric_1, ...: separated by commas; missing without metrics */
#define CNN_ATTR_METRIC_NAMES "metric_names"
#define CNN_ATTR_METRIC_UNITS "metric_units"

/** Meanings of the values 0, 1, ... of a column of flags, NULL-terminated; NULL: no flags. */
const char *const *cnn_column_flags(const char *name);
/** Integer in a cell of the column before it is written: -1, or 0 for flags whose 0 means "not
 *  yet". */
int cnn_column_fill(const char *name);

/** Layout version that a column came with. */
int cnn_column_since(const char *name);

/** The lengths a file of this layout version has, from the extents of one variable per dimension
 *  (0: the version lacks it); of the analysis's dimensions only if asked for: those of older layouts differ. CNN_EDATA names what is
 *  missing or malformed. file_size: bytes, see cnn_variable_open. */
cnn_status cnn_lengths_read(hid_t file, uint64_t file_size, int version, bool analysis,
                            cnn_lengths *out);

/** Opens every column that a table has in a file of this layout version, each checked against the
 *  lengths. sets [column_count]; -1 for a column that came later, and in all on failure. */
cnn_status cnn_table_open(hid_t file, uint64_t file_size, int version, cnn_table_id id,
                          const cnn_lengths *lengths, hid_t *sets);
/** Closes them; see cnn_hdf5_close for st. */
cnn_status cnn_table_close(cnn_status st, cnn_table_id id, hid_t *sets);

/** Checks that the root says it is a results file of a layout that can be read. CNN_EDATA
 *  otherwise. */
cnn_status cnn_layout_check(hid_t file, const char *path, int *version);

#endif
