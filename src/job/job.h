/* SPDX-License-Identifier: Apache-2.0 */
/** A job file: what is to be trained, how often, on what, and how it is analysed.
 *  The grammar is documented by jobs/all.yaml and docs/job-files.md. */
#ifndef CNN_JOB_JOB_H
#define CNN_JOB_JOB_H

#include "base/status.h"
#include "base/text.h"
#include "data/source.h"
#include "job/conditions.h"
#include "job/trainers.h"
#include "nn/network.h"
#include "nn/train.h"
#include "simulate/truth.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { CNN_BACKEND_AUTO, CNN_BACKEND_CUDNN, CNN_BACKEND_ONEDNN } cnn_backend;
extern const char *const cnn_backend_names[]; /* "auto", "cudnn", "onednn"; NULL-terminated */

/** A level of the factor `framework`: one of our two paths, another program, or a stated truth. */
typedef struct {
    char
        *name; /* of the level: of our paths their own or another, {name: native_b, path: native} */
    bool is_command;
    int path;       /* cnn_path, when it is ours */
    char **command; /* NULL-terminated argument vector of a program that follows the run protocol */
    const cnn_shipped_trainer *trainer; /* one that comes with cnnmpi; NULL: it is none */
    const char *mode, *backend;         /* of that trainer; backend NULL: it has no choice */
    bool is_simulated;
    cnn_truth truth; /* of a simulated one */
    char *folder;    /* the job file's folder: where a relative program or script is sought first */
} cnn_framework;

typedef enum {
    CNN_FACTOR_FRAMEWORK,
    CNN_FACTOR_ARCHITECTURE,
    CNN_FACTOR_DATASET,
    CNN_FACTOR_TRAIN,    /* a key of train: */
    CNN_FACTOR_FREE,     /* any other name: a value for trainers, threads, env.NAME */
    CNN_FACTOR_COMPOUND, /* a contrast of several factors: its levels combine theirs */
} cnn_factor_kind;

enum { CNN_JOB_FREE_MAX = 16 /* free factors of a job */ };

/** What a level of a free factor sets. */
typedef struct {
    char *name;         /* of the factor: "num_workers", "threads", "env.OMP_PLACES" */
    char *text, *value; /* as it is written, and as JSON: gcc and "gcc", 4 and 4 */
} cnn_setting;

typedef struct cnn_factor {
    char *name; /* "framework", "architecture", "dataset", a key of train:, a free factor's; of a
                   compound the members': "framework x threads" */
    cnn_factor_kind kind;
    int level_count;
    char **labels; /* [level_count], unique within the factor; a free factor's carry its name */
    int *index;    /* [level_count] into frameworks, architectures, datasets; unused for others */
    cnn_train *values; /* TRAIN: [level_count], of which only the member named by `name` counts */
    cnn_setting *settings; /* FREE: [level_count] */
    int member_count;
    struct cnn_factor *members; /* COMPOUND: the last one's levels run fastest */
} cnn_factor;

/** What runs are: they train, or are measured by what their programs report. */
typedef enum { CNN_JOB_TRAINING, CNN_JOB_MEASUREMENT } cnn_job_kind;
extern const char *const cnn_job_kind_names[]; /* "training", "measurement"; NULL-terminated */

typedef enum { CNN_COMPARE_RATIO, CNN_COMPARE_DIFFERENCE } cnn_compare;
enum { CNN_JOB_METRICS_MAX = 8, CNN_JOB_METRIC_ROOM = 32 };

/** A number that trainers report beside those of the run protocol. */
typedef struct {
    char name[CNN_JOB_METRIC_ROOM];  /* of the member of the events `epoch` or `done` */
    char units[CNN_JOB_METRIC_ROOM]; /* "": none */
    int compare;                     /* cnn_compare */
    double margin;                   /* relative of a ratio, absolute of a difference; NaN: none */
    int better;                      /* -1: less is better, 1: more is */
} cnn_job_metric;

/** Measures that a study may be about, in the order of analysis/figures.h; NULL-terminated. */
extern const char *const cnn_job_measure_names[];

enum { CNN_JOB_LOOKS_MAX = 10 };

typedef enum { CNN_SEEDS_PAIRED, CNN_SEEDS_CROSSED } cnn_seeds;
typedef enum { CNN_ASSIGN_BALANCED, CNN_ASSIGN_DYNAMIC } cnn_assign;
typedef enum { CNN_SHARING_REFUSE, CNN_SHARING_ALLOW } cnn_sharing;

typedef struct {
    char *path;      /* of the job file, as given */
    char *folder;    /* its folder */
    char *text;      /* the file as read; overrides in `overrides` */
    char *overrides; /* "--set" arguments, one a line; "" without */
    char *name;
    int repeats;   /* with crossed seeds: those of one device, equal to `crossed` */
    uint32_t seed; /* < 2^31 */
    char *output;  /* results file */
    int backend;   /* cnn_backend */
    int kind;      /* cnn_job_kind */
    int metric_count;
    cnn_job_metric metrics[CNN_JOB_METRICS_MAX];
    cnn_train train; /* a factor over one of its keys takes precedence */
    int factor_count;
    cnn_factor *factors; /* in the file's order */
    int contrast;        /* index of the contrast in factors */
    int seeds;           /* cnn_seeds */
    int crossed;         /* crossed: K seeds, each on every device; paired: 0 */
    struct {
        int assign;  /* cnn_assign */
        int warmup;  /* discarded blocks on each device first */
        int sharing; /* cnn_sharing */
    } schedule;
    struct {
        double run_seconds; /* of an attempt; 0: auto */
        int retries;
        double grace_seconds;
        double rank_seconds; /* without a sign of life, after which a rank counts as dead */
    } limits;
    struct {
        double margin_time;  /* relative, 0.01 */
        double margin_error; /* absolute, 0.001 */
        double alpha;        /* 0.05 */
        int primary;         /* the measure that the study is about: of cnn_job_measure_names, then
                                of the metrics */
        char **pool; /* NULL-terminated names of the files that will be pooled; NULL: none named */
        int look_count;                  /* at least 1 */
        double looks[CNN_JOB_LOOKS_MAX]; /* [look_count] shares of the blocks at which verdicts are
                                            given, ascending; the last is 1 */
    } analysis;
    struct {
        bool allow[CNN_CONDITION_COUNT]; /* conditions in which levels of the contrast may differ */
    } compare;
    struct {
        char *
            *pass; /* NULL-terminated names of variables that trainers get from the rank; or NULL */
        char **set;    /* NULL-terminated "NAME=value" that they get from the job; or NULL */
    } run_environment; /* both sorted */
    /* what the levels stand for, level by level; entries that no level names are left out */
    int framework_count, architecture_count, dataset_count;
    cnn_framework *frameworks;
    cnn_network *architectures; /* not inferred */
    cnn_source *datasets;
} cnn_job;

/** Reads and checks a job file. overrides: NULL, or a NULL-terminated list of "key.path=value".
 *  CNN_EUSAGE: the message holds every error, each "file:line:column: error: ..." with line and
 *  caret. CNN_EDATA / CNN_EIO: the file cannot be read. *out is owned by the caller. */
cnn_status cnn_job_read(const char *path, const char *const *overrides, cnn_job **out);
/** The same from text in memory; path only names it. */
cnn_status cnn_job_parse(const char *path, const char *text, const char *const *overrides,
                         cnn_job **out);
/** The same from what a results file keeps: overrides one a line, NULL without. */
cnn_status cnn_job_parse_stored(const char *path, const char *text, const char *overrides,
                                cnn_job **out);
void cnn_job_destroy(cnn_job **job);

/** CNN_EUSAGE: the output is a file that the job reads, whatever its name: the job file, a file of
 *  a data set or of a trainer's command. */
cnn_status cnn_job_check_output(const cnn_job *job);

/** The name of a measure: one of cnn_job_measure_names, or a metric's. */
const char *cnn_job_measure_name(const cnn_job *job, int measure);

/** Whether a framework is one of our two paths, and whether all of the job's are simulated, so that
 *  neither data sets nor cores are needed. */
static inline bool cnn_framework_is_own(const cnn_framework *framework)
{
    return !framework->is_command && !framework->trainer && !framework->is_simulated;
}
bool cnn_job_is_simulated(const cnn_job *job);
/** Whether two levels run the same program in the same way, whatever their names: a negative
 *  control. */
bool cnn_framework_is_same(const cnn_framework *a, const cnn_framework *b);
/** The names of the conditions that a job allows to differ: "parameters, threads"; "" without. */
void cnn_job_describe_allowed(const bool allow[CNN_CONDITION_COUNT], cnn_text *out);

/** The elementary factor of a name, be it a member of the compound; NULL: there is none. */
const cnn_factor *cnn_job_find_factor(const cnn_job *job, const char *name);
/** Level of a member in a level of its compound. */
int cnn_factor_member_level(const cnn_factor *compound, int member, int level);
/** Whether the factor makes two of its levels differ in the condition; a compound does where a member
 *  in which they differ does: framework x architecture does not make two frameworks of one
 *  architecture differ in parameters. */
bool cnn_factor_makes_differ(const cnn_factor *factor, int a, int b, cnn_condition condition);
/** Whether names of cells hold the factor's level: not that of a free factor with one level. */
static inline bool cnn_factor_is_shown(const cnn_factor *factor)
{
    return factor->kind != CNN_FACTOR_FREE || factor->level_count > 1;
}
/** The variable that a free factor called env.NAME sets; NULL: it sets none. */
const char *cnn_setting_variable(const cnn_setting *setting);

/** What one cell of the job trains: settings with the levels of its factors put in. */
typedef struct {
    const cnn_framework *framework;
    const cnn_network *architecture; /* not inferred */
    const cnn_source *source;
    cnn_train train;
    const char *mode; /* of a trainer that comes with cnnmpi; NULL: it is none */
    int threads;      /* by the factor `threads`; 0: as many as its rank has cores */
    int setting_count;
    const cnn_setting *settings[CNN_JOB_FREE_MAX]; /* of all free factors, in the file's order */
} cnn_treatment;

/** levels [factor_count]: one level index per factor. Pointers are borrowed from the job. */
cnn_treatment cnn_job_treatment(const cnn_job *job, const int *levels);

/** What is trained, as one JSON object that is equal for treatments that are: where a data set lies
 *  and how it is split by its seed are left out. */
void cnn_job_describe_treatment(const cnn_treatment *treatment, cnn_text *out);
/** Appends the free factors that a cell's trainer reads from its specification, as a JSON object;
 *  nothing where there are none. */
void cnn_job_describe_settings(const cnn_treatment *treatment, cnn_text *out);
/** The "NAME=value" that a cell's trainer gets from the job: by run_environment, and by factors. *out is
 *  a NULL-terminated list, owned by the caller: cnn_job_free_variables. */
cnn_status cnn_job_variables(const cnn_job *job, const cnn_treatment *treatment, char ***out);
void cnn_job_free_variables(char ***variables);
/** Appends what trainers get by run_environment, as two JSON members with a comma before each; equal
 *  for jobs that pass and set the same. */
void cnn_job_describe_environment(const cnn_job *job, cnn_text *out);
/** The first member in which two JSON objects differ: ("epochs":20, "epochs":30). They must
 *  differ. */
void cnn_job_first_difference(const char *a, const char *b, cnn_text *in_a, cnn_text *in_b);

#endif
