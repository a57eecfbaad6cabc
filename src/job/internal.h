/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of src/job share; not for others. */
#ifndef CNN_JOB_INTERNAL_H
#define CNN_JOB_INTERNAL_H

#include "base/yaml.h"
#include "job/job.h"

enum {
    CNN_JOB_NAME_MAX = 63, /* bytes of a level's name: columns of the results file have that room */
    CNN_JOB_LEVELS_MAX = 256,   /* of one factor */
    CNN_JOB_CELLS_MAX = 10000,  /* products of levels, ... */
    CNN_JOB_RUNS_MAX = 1000000, /* ... times repeats */
    /* framework, architecture, dataset, keys of train:, free ones */
    CNN_JOB_FACTORS_MAX = 3 + 32 + CNN_JOB_FREE_MAX
};

/** An entry of datasets: or architectures: until a level asks for it. */
typedef struct {
    const char *name; /* borrowed from the document */
    cnn_source source;
} cnn_job_dataset;

/** A job file while it is read. Errors in it go into y; functions return a status for what is not
 *  the file's fault (CNN_ENOMEM). After an error the job may be incomplete, but can be
 *  destroyed. */
typedef struct {
    cnn_yaml *y;
    cnn_job *job;
    bool stored; /* by a results file: paths that cannot be expanded here stay as they are */
    /* values that need more than a table, by their keys; NULL where absent */
    struct fy_node *repeats, *contrast, *seeds, *train, *factors, *schedule, *datasets,
        *architectures, *run_environment;
    /* levels as the file lists them, by factor */
    struct fy_node *lists[CNN_JOB_FACTORS_MAX];
    int dataset_count, architecture_count;
    cnn_job_dataset *dataset_entries;
    cnn_network *architecture_entries;
} cnn_job_reader;

/** Reads a job from text of len bytes. stored: it comes from a results file. */
cnn_status cnn_job_parse_bytes(const char *path, const char *text, size_t len, bool stored,
                               const char *const *overrides, cnn_job **out);

/** Expands a path in place (base/paths.h); NULL stays NULL. node: where errors are reported. */
void cnn_job_expand_path(cnn_job_reader *r, struct fy_node *node, char **path);

/** Whether a job may set or pass the variable; else the error is recorded at node. */
bool cnn_job_check_variable(cnn_job_reader *r, struct fy_node *node, const char *name);
/** Whether a job may set the variable to a value, which may be NULL: no text. */
bool cnn_job_check_assignment(cnn_job_reader *r, struct fy_node *key, struct fy_node *node,
                              const char *name, const char *value);
/** Reads metric:, and the primary measure, which may be one of them; nodes may be NULL. */
void cnn_job_read_metrics(cnn_job_reader *r, struct fy_node *table, struct fy_node *primary);

/** Reads run_environment:; node may be NULL. */
cnn_status cnn_job_read_environment(cnn_job_reader *r, struct fy_node *node);

/** Sets every default that does not depend on the file. */
void cnn_job_defaults(cnn_job *job);

/** Reads datasets: and architectures: into the reader's entries, used or not. */
cnn_status cnn_job_read_entries(cnn_job_reader *r);
void cnn_job_free_entries(cnn_job_reader *r);

/** Reads factors: with their levels into the job; takes entries over where levels name them. */
cnn_status cnn_job_read_factors(cnn_job_reader *r);
/** What one level stands for: a framework (a word or a mapping), an architecture, a data set. An
 *  unknown name is an error of the file. */
cnn_status cnn_job_read_framework(cnn_job_reader *r, struct fy_node *level, cnn_framework *out);
/** Whether a factor can have this name, which none of the others has; else the error is recorded at
 *  its key. */
bool cnn_job_check_free_name(cnn_job_reader *r, struct fy_node *key, const char *name);
/** Reads a level of a free factor: the setting, and the level's label. */
cnn_status cnn_job_read_setting(cnn_job_reader *r, struct fy_node *level, const cnn_factor *factor,
                                cnn_setting *out, char **label);
/** Whether two settings of one factor are the same value. */
bool cnn_job_same_value(const cnn_setting *a, const cnn_setting *b);
/** Checks free factors against frameworks and run_environment:. */
void cnn_job_check_free_factors(cnn_job_reader *r);
/** Puts a compound in the place of the factors that the contrast combines: indices [count]. */
cnn_status cnn_job_combine_contrast(cnn_job_reader *r, const int *factors, int count);
/** Records "unknown <what> 'x'; did you mean 'y'?" at a level, or else `otherwise`. names is
 *  NULL-terminated. */
void cnn_job_unknown_level(cnn_job_reader *r, struct fy_node *level, const char *what,
                           const char *const *names, const char *otherwise);
cnn_status cnn_job_take_architecture(cnn_job_reader *r, struct fy_node *level, cnn_network *out);
cnn_status cnn_job_take_dataset(cnn_job_reader *r, struct fy_node *level, cnn_source *out);

/** True if a and b agree in the member that `key` of train: fills. */
bool cnn_job_same_setting(const char *key, const cnn_train *a, const cnn_train *b);

/** Checks that involve several keys: contrast, size, settings that exclude each other. Then puts the
 *  compound of a contrast of several factors in their place. */
cnn_status cnn_job_check(cnn_job_reader *r);

/** True if text can be a level's name; else the error is recorded at node. */
bool cnn_job_check_name(cnn_yaml *y, struct fy_node *node, const char *text);

#endif
