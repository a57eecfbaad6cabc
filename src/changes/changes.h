/* SPDX-License-Identifier: Apache-2.0 */
/** Whether the same cells changed between two results files: `cnnmpi compare`.
 *
 *  Files measured at different times confound a change with the session. A control, a level of the
 *  contrast that is known not to have changed, tells the two apart: then each cell is measured
 *  against the control's runs of its blocks, before and after (difference of differences). Without
 *  a control the figures say how two sessions differ, and nothing more. docs/compare.md has the
 *  models, what they assume, and measured error rates. */
#ifndef CNN_CHANGES_CHANGES_H
#define CNN_CHANGES_CHANGES_H

#include "analysis/figures.h"
#include "base/status.h"
#include "changes/estimate.h"
#include "changes/session_effects.h"
#include "results/results.h"

#include <stdbool.h>

/** Why a verdict is not given. X(constant, name, sentence without its full stop) */
#define CNN_CHANGE_REASONS(X)                                                                      \
    X(CNN_CHANGE_REASON_NONE, "none", "")                                                          \
    X(CNN_CHANGE_REASON_CONTROL, "control", "it is the control")                                   \
    X(CNN_CHANGE_REASON_NO_CONTROL, "no_control", "its combination has no control in both files")  \
    X(CNN_CHANGE_REASON_INTERIM, "interim", "a file is not finished")                              \
    X(CNN_CHANGE_REASON_FEW, "few", "too few values for an interval")                              \
    X(CNN_CHANGE_REASON_NO_VARIANCE, "no_variance", "there is no variance to judge by")            \
    X(CNN_CHANGE_REASON_SESSIONS, "level_x_session",                                               \
      "its distance from the control varies from session to session of one file")                  \
    X(CNN_CHANGE_REASON_NO_MARGIN, "no_margin", "no margin of equivalence is declared for it")

typedef enum {
#define CNN_CHANGE_REASON_CONSTANT(constant, name, sentence) constant,
    CNN_CHANGE_REASONS(CNN_CHANGE_REASON_CONSTANT) CNN_CHANGE_REASON_COUNT
#undef CNN_CHANGE_REASON_CONSTANT
} cnn_change_reason;
extern const char *const cnn_change_reason_names[];     /* NULL-terminated */
extern const char *const cnn_change_reason_sentences[]; /* [CNN_CHANGE_REASON_COUNT] */

/** The measures that are compared: the first is the one of time. */
enum { CNN_CHANGES_MEASURES = 3 };
extern const cnn_measure cnn_changes_measures[]; /* [CNN_CHANGES_MEASURES] */

/** A cell that both files have. Texts are its own. */
typedef struct {
    char *level, *combination;      /* labels, by the file before */
    int cell[CNN_CHANGES_FILES];    /* in each file */
    int control[CNN_CHANGES_FILES]; /* the control's cells of the same combinations; -1: none */
    bool is_control;
} cnn_changes_cell;

/** A cell that is not in both files, or is not the same there. Texts are its own. */
typedef struct {
    char *level, *combination, *reason;
} cnn_changes_left;

/** Of a cell and a measure. */
typedef struct {
    double
        mean[CNN_CHANGES_FILES]; /* times: geometric mean of all runs; else the mean over seeds */
    cnn_change_estimate session; /* of the cell by itself: all that differs between the files */
    cnn_change_estimate judged;  /* with a control: against it; else as `session` */
    cnn_session_effects effects; /* level x session; with a control, times only */
    double effects_p_holm;
    double tost_p, tost_lower, tost_upper; /* interval at 1 - 2 alpha */
    double p_holm, tost_p_holm;
    double detectable; /* the change that such data find with power 0.8 at alpha / family */
    int same_weights;  /* shared seeds that end in the same weights; test error and loss */
    cnn_verdict verdict;
    cnn_change_reason reason;
} cnn_changes_figures;

/** Something in which the files may differ beside the cells' figures. Texts are its own. */
typedef struct {
    char *what, *text[CNN_CHANGES_FILES];
    bool differs;
} cnn_changes_circumstance;

typedef struct {
    const cnn_results *files[CNN_CHANGES_FILES]; /* borrowed, like the paths */
    const char *paths[CNN_CHANGES_FILES];
    double alpha, margin[CNN_CHANGES_MEASURES]; /* of the file before; NaN: none */
    int unfinished[CNN_CHANGES_FILES];          /* runs */
    double start[CNN_CHANGES_FILES]; /* of the first run, seconds since 1970; NaN: none */
    int devices[CNN_CHANGES_FILES], shared_devices;

    const char *control;             /* the level named; NULL: none */
    char *refusal;                   /* why it is no control; NULL: it is one, or none is named */
    bool has_control;                /* one is named and accepted */
    int control_seeds, control_same; /* seeds of its cells in both files; ended in equal weights */

    int cell_count, left_count;
    cnn_changes_cell *cells;          /* [cell_count] in the order of the file before */
    cnn_changes_left *left;           /* [left_count] */
    cnn_changes_figures *figures;     /* [cell_count, CNN_CHANGES_MEASURES] */
    int family[CNN_CHANGES_MEASURES]; /* cells tested */
    int circumstance_count;
    cnn_changes_circumstance *circumstances; /* [circumstance_count] */
} cnn_changes;

/** Compares files of paths [2], before and after. control: NULL, or a level of the contrast.
 *  CNN_EUSAGE: both hold the same runs, no cell is in both, or a file has no such level. CNN_EDATA:
 *  a file is damaged. results stay the caller's and must outlive *out. */
cnn_status cnn_changes_create(const cnn_results *const *files, const char *const *paths,
                              const char *control, cnn_changes **out);
void cnn_changes_destroy(cnn_changes **changes);

static inline const cnn_changes_figures *cnn_changes_figures_of(const cnn_changes *c, int cell,
                                                                int measure)
{
    return &c->figures[cell * CNN_CHANGES_MEASURES + measure];
}

#endif
