/* SPDX-License-Identifier: Apache-2.0 */
/** A results file in memory: the experiment with what has been measured so far. hdf5io/ reads and
 *  writes it; src/analysis analyses it. */
#ifndef CNN_RESULTS_RESULTS_H
#define CNN_RESULTS_RESULTS_H

#include "base/status.h"
#include "results/record.h"

#include <stdbool.h>
#include <stdint.h>

/** Of the files that are written. Older ones are read: docs/results-file.md has what each added. */
#define CNN_LAYOUT_VERSION 6
#define CNN_LAYOUT_OLDEST  3

enum { CNN_RESULTS_NAME_ROOM = 32, CNN_RESULTS_LOOKS_MAX = 10 };

/** Kinds of factors, in the order of cnn_factor_kind (job/job.h). */
#define CNN_FACTOR_KINDS(X) X(framework) X(architecture) X(dataset) X(setting) X(free) X(compound)
extern const char *const cnn_factor_kind_names[]; /* "framework"; NULL-terminated */
enum { CNN_RESULTS_FACTOR_FREE = 4, CNN_RESULTS_FACTOR_COMPOUND };

typedef struct {
    char *name; /* "framework"; of a compound contrast its members': "framework x threads" */
    int level_count;
    char **labels; /* [level_count]; those of a free factor begin with its name: "threads 4" */
    int kind;      /* as above; -1: a file of an older layout */
} cnn_results_factor;

/** The level of a factor without its factor's name. */
const char *cnn_results_level_text(const cnn_results_factor *factor, int level);
/** Whether names of cells hold the factor's level: not that of a free factor with one level. */
bool cnn_results_factor_is_shown(const cnn_results_factor *factor);

/** A session: one invocation of cnnmpi on the file. */
typedef struct {
    double start_time; /* seconds since 1970 */
    int ranks;
} cnn_session;

/** Devices that were taken out of a session: "" none. */
typedef struct {
    char devices[512]; /* each with why, separated by "; " */
} cnn_quarantine;

enum { CNN_ENVIRONMENT_ROOM = 4096, CNN_ENVIRONMENT_PLACES = 32 /* of a file */ };

/** Variables that change what a run computes or how fast, as its trainer got them: lines "NAME=value",
 *  sorted (host/environment.h); "": the place is free. */
typedef struct {
    char variables[CNN_ENVIRONMENT_ROOM];
} cnn_stored_environment;

enum { CNN_ALGORITHMS_ROOM = 16384, CNN_TIMINGS_ROOM = 32768 };

/** Algorithms frozen for a cell on a device model: every run of the cell there uses them. */
typedef struct {
    char model[96];
    char algorithms[CNN_ALGORITHMS_ROOM]; /* text of the trainer's own; "": nothing to choose */
    char timings[CNN_TIMINGS_ROOM];       /* of every candidate, see docs/gpu.md; "": unknown */
    int32_t cell;                         /* written last; -1: the place is free */
} cnn_tuning;

enum { CNN_METRIC_ROOM = 32 };

/** A number that the job declares, and trainers report beside the run protocol's own. */
typedef struct {
    char name[CNN_METRIC_ROOM], units[CNN_METRIC_ROOM];
    bool is_ratio; /* compared by ratios, like times; otherwise by differences, like errors */
    int better;    /* -1: less is better, 1: more is, 0: not declared */
    double margin; /* of equivalence: relative of a ratio, absolute of a difference; NaN: none */
} cnn_metric;

/** Everything a report needs. Owned by itself: cnn_results_free. */
typedef struct {
    int layout_version;
    char *job_name, *job_text, *overrides, *plan; /* texts as stored */
    char *created;                                /* program version, date */
    char *backend;                                /* "onednn" (CPUs), "cudnn" (GPUs) */
    int factor_count, contrast;
    cnn_results_factor *factors;
    int cell_count, combination_count, level_count;
    int *cell_levels; /* [cell_count, factor_count] */
    int run_count, epoch_count, attempts_per_run;
    double margin_time, margin_error, alpha;
    char primary[CNN_RESULTS_NAME_ROOM]; /* the measure that the study is about; "": the first */
    int look_count; /* declared looks at the data; 0 is one look, at all blocks */
    double looks[CNN_RESULTS_LOOKS_MAX]; /* ascending shares of the blocks; the last is 1 */
    int8_t *status;                      /* [run_count] cnn_run_status */
    cnn_planned *planned;                /* [run_count] */
    cnn_measured *measured;              /* [run_count] */
    int metric_count;                    /* at most CNN_METRICS_MAX */
    cnn_metric metrics[CNN_METRICS_MAX]; /* their values: cnn_measured_metric */
    bool is_measurement;                 /* kind: measurement: runs need not train */
    cnn_epoch_row *epochs;               /* [run_count, epoch_count] */
    cnn_attempt *attempts;               /* [run_count, attempts_per_run] */
    int session_count;
    cnn_session *sessions;
    cnn_quarantine *quarantines; /* [session_count], or NULL: unknown (files pooled) */
    int tuning_count;            /* places */
    cnn_tuning *tunings;
    int environment_count; /* places; runs refer to them by their column `environment` */
    cnn_stored_environment *environments;
} cnn_results;

/** Whether a factor of this name, itself or a member of the compound, has two levels or more. */
bool cnn_results_varies(const cnn_results *results, const char *factor);

/** Frees everything; takes NULL, leaves NULL. */
void cnn_results_free(cnn_results **results);

#endif
