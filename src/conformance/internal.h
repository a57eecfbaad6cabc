/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this folder share: a trial of one trainer, its cases and their runs. */
#ifndef CNN_CONFORMANCE_INTERNAL_H
#define CNN_CONFORMANCE_INTERNAL_H

#include "conformance/conformance.h"
#include "data/dataset.h"
#include "mpi/worker/run_record.h"
#include "protocol/spec.h"

#include <stdbool.h>

/* ---- cases: what a run trains (cases.c) ------------------------------------------------------ */

/** BASE: the small network that the trainer takes, which trial_begin has chosen. */
typedef enum { NET_BASE, NET_LAYERS, NET_LINEAR, NET_ARCH1, NET_ARCH2 } trial_network;

/** DIGITS: IDX, 28x28x1, 10 classes. PATCHES: NPY, 50x50x3, 2 classes. FAINT: digits of a thousandth
 *  of the brightness, so that gradients are as small as Adam's epsilon. ABSENT: files that are not
 *  there. */
typedef enum { DATA_DIGITS, DATA_PATCHES, DATA_FAINT, DATA_ABSENT, TRIAL_DATA } trial_data;

typedef enum {
    CASE_STEPS,   /* 20 steps on one batch, each evaluated on three batches, the last smaller */
    CASE_INITIAL, /* a step that changes nothing */
    CASE_ORDER,   /* two epochs of several whole batches */
    CASE_AGAIN,   /* the same, for its checksum */
    CASE_OTHER,   /* the same with another seed */
    CASE_RAGGED,  /* an epoch whose last batch is smaller, without learning */
    CASE_SMALL,   /* a single batch, smaller than batch_size */
    CASE_MOMENTUM,
    CASE_ADAM,
    CASE_EPSILON,  /* Adam on faint images */
    CASE_LAYERS,   /* every other layer and padding */
    CASE_ARCH1_28, /* a step of each of the study's networks */
    CASE_ARCH1_50,
    CASE_ARCH2_28,
    CASE_ARCH2_50,
    CASE_LONG,    /* as many epochs as take about a second */
    CASE_THREADS, /* the same with two threads */
    CASE_SIGNALS, /* the same, under signals */
    CASE_DIVERGES,
    CASE_ABSENT,  /* a data set that is not there */
    CASE_VERSION, /* a version that nobody knows */
    TRIAL_CASES,
} trial_case_id;

typedef struct {
    const char *name;
    trial_network network;
    trial_data data;
    int images, test_images; /* 0: all */
    int batch, epochs;       /* epochs 0: trial.paced_epochs */
    const char *optimizer;
    double rate, momentum;
    int seed, threads;
} trial_case;

extern const trial_case trial_cases[TRIAL_CASES];

/** The networks that NET_BASE may be, in the order in which they are tried; the last one's name is
 *  NULL. */
typedef struct {
    const char *name, *layers; /* layers NULL: a built-in network */
} trial_base;
extern const trial_base trial_bases[];

/* ---- runs (trial_run.c) ---------------------------------------------------------------------- */

typedef enum { TRAINER, REFERENCE, TRIAL_WHO } trial_who;

/** What is known of a run that was made. */
typedef struct {
    bool made;
    cnn_record record;
    cnn_outcome outcome; /* by events and exit status alone: the times are judged by `exceeds` */
    int exit_code;
    bool refused;       /* exit status 2 and an error event, before ready */
    char exceeds[128];  /* how its times exceed the life of its process; "": they do not */
    double observed;    /* seconds from ready to done, as they were read; NaN */
    double threads;     /* that could run on average from ready to the last event; NaN: unknown */
    double cpu_seconds; /* that its threads ran meanwhile; NaN: unknown */
    float *weights;     /* [weight_count] NULL: not written */
    int64_t weight_count;
} trial_run;

/** A trial of one trainer. */
typedef struct {
    const cnn_conformance_options *options;
    const volatile int *stop;
    char *folder;           /* temporary, owned */
    const trial_base *base; /* of NET_BASE; NULL: the trainer takes none */
    int version;            /* highest version of the protocol that the trainer takes */
    int paced_epochs;       /* of about a second of the trainer's */
    char refusal[160];      /* why there is no base */
    trial_run runs[TRIAL_WHO][TRIAL_CASES];
    cnn_conformance_result *result;
} trial;

/** Writes the data sets into t->folder. */
cnn_status trial_data_write(const trial *t);
/** Appends the mapping of a data set as JSON, with limits. */
void trial_data_source(const trial *t, const trial_case *c, cnn_text *out);

/** Appends the specification of a case for the trainer or the reference. */
cnn_status trial_spec_write(const trial *t, trial_case_id id, trial_who who, cnn_text *out);
/** The network of a case, inferred for its data. */
cnn_status trial_network_of(const trial *t, trial_case_id id, cnn_network *out);

/** Makes a run, unless it was made before. An error is one of this program or its environment. */
cnn_status trial_run_make(trial *t, trial_case_id id, trial_who who, const trial_run **out);
void trial_run_free(trial_run *run);

/** Seconds for which the threads of a process and of its descendants have run, and waited for a core,
 *  since their start; NaN: unknown. */
typedef struct {
    double ran, waited;
} trial_demand;
trial_demand trial_demand_of(int pid);

/* ---- comparisons (compare.c) ----------------------------------------------------------------- */

/** A column of the epochs. */
typedef enum { TRAIN_LOSS, TEST_LOSS } trial_column;

/** The largest relative difference of a column between two runs of the same epochs; *epoch: where.
 *  INFINITY: one of them is not finite. */
double trial_loss_difference(const trial_run *a, const trial_run *b, trial_column column,
                             int *epoch);
/** The largest difference of two runs' weights in any tensor, relative to the reference's largest
 *  change in that tensor since `initial`; *tensor: which. INFINITY: counts differ. */
double trial_weight_difference(const cnn_network *net, const float *initial, const trial_run *a,
                               const trial_run *reference, int *tensor);

/* ---- rules ----------------------------------------------------------------------------------- */

/** Judges one rule: sets verdict and detail of the row. */
typedef cnn_status (*trial_rule)(trial *t, cnn_conformance_row *row);

__attribute__((format(printf, 2, 3))) void trial_pass(cnn_conformance_row *row, const char *fmt,
                                                      ...);
__attribute__((format(printf, 2, 3))) void trial_fail(cnn_conformance_row *row, const char *fmt,
                                                      ...);
__attribute__((format(printf, 2, 3))) void trial_none(cnn_conformance_row *row, const char *fmt,
                                                      ...);

/** The trainer's run of a case, made now if need be. *out is NULL, and the row is not applicable,
 *  where the trainer refuses the case or its run has failed (the rule `protocol` says how). */
cnn_status trial_need(trial *t, cnn_conformance_row *row, trial_case_id id, const trial_run **out);
/** The same for both sides. */
cnn_status trial_need_both(trial *t, cnn_conformance_row *row, trial_case_id id,
                           const trial_run **trainer, const trial_run **reference);
/** Whether the trainer has failed at the first case, so that no other is worth a run; sets the row. */
bool trial_failed_first(const trial *t, cnn_conformance_row *row);
/** Rows that are not applicable: the trainer takes no network of the trial, or refuses this one. */
void trial_no_base(cnn_conformance_row *row);
void trial_refused(cnn_conformance_row *row, const trial_run *run);
/** Passes or fails the row by a difference and its bound: "first loss: 3e-07, bound 1e-05". */
void trial_bound(cnn_conformance_row *row, const char *what, double difference, double bound);

cnn_status rule_parameters(trial *t, cnn_conformance_row *row);
cnn_status rule_data(trial *t, cnn_conformance_row *row);
cnn_status rule_initial_weights(trial *t, cnn_conformance_row *row);
cnn_status rule_first_loss(trial *t, cnn_conformance_row *row);
cnn_status rule_first_change(trial *t, cnn_conformance_row *row);
cnn_status rule_losses(trial *t, cnn_conformance_row *row);
cnn_status rule_weights(trial *t, cnn_conformance_row *row);
cnn_status rule_batch_order(trial *t, cnn_conformance_row *row);
cnn_status rule_last_batch(trial *t, cnn_conformance_row *row);
cnn_status rule_test_loss(trial *t, cnn_conformance_row *row);
cnn_status rule_error_count(trial *t, cnn_conformance_row *row);
cnn_status rule_momentum(trial *t, cnn_conformance_row *row);
cnn_status rule_adam(trial *t, cnn_conformance_row *row);
cnn_status rule_adam_epsilon(trial *t, cnn_conformance_row *row);
cnn_status rule_layers(trial *t, cnn_conformance_row *row);
cnn_status rule_checksum(trial *t, cnn_conformance_row *row);
cnn_status rule_times(trial *t, cnn_conformance_row *row);
cnn_status rule_threads(trial *t, cnn_conformance_row *row);
cnn_status rule_signals(trial *t, cnn_conformance_row *row);
cnn_status rule_divergence(trial *t, cnn_conformance_row *row);
cnn_status rule_missing_data(trial *t, cnn_conformance_row *row);
cnn_status rule_version(trial *t, cnn_conformance_row *row);
/** Last: it looks at all runs that the others have made. */
cnn_status rule_protocol(trial *t, cnn_conformance_row *row);

#endif
