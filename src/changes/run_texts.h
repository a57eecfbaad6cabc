/* SPDX-License-Identifier: Apache-2.0 */
/** What runs were made with, as texts that can be compared. */
#ifndef CNN_CHANGES_RUN_TEXTS_H
#define CNN_CHANGES_RUN_TEXTS_H

#include "base/text.h"
#include "results/results.h"

#include <stdbool.h>

/** What a run was made with. X(constant, title) */
#define CNN_RUN_TEXTS(X)                                                                           \
    X(CNN_TEXT_HOST, "hosts")                                                                      \
    X(CNN_TEXT_DEVICE, "devices")                                                                  \
    X(CNN_TEXT_MODEL, "device models")                                                             \
    X(CNN_TEXT_BACKEND, "backends")                                                                \
    X(CNN_TEXT_VERSIONS, "versions")                                                               \
    X(CNN_TEXT_DRIVER, "drivers")                                                                  \
    X(CNN_TEXT_THREADS, "threads")                                                                 \
    X(CNN_TEXT_ENVIRONMENT, "environment")                                                         \
    X(CNN_TEXT_DATA, "data checksums")

#define CNN_RUN_TEXT_CONSTANT(constant, ...) constant,
typedef enum { CNN_RUN_TEXTS(CNN_RUN_TEXT_CONSTANT) CNN_RUN_TEXT_COUNT } cnn_run_text;
extern const char *const cnn_run_text_titles[]; /* [CNN_RUN_TEXT_COUNT] */

/** Runs that are looked at: those for which of_run is not negative, and of the level, if any. */
typedef struct {
    const cnn_results *results;
    const int *of_run; /* [run_count] */
    int level;         /* of the contrast; -1: all */
} cnn_runs_chosen;

/** Different texts, sorted, each known; at most CNN_RUN_TEXTS_MOST are kept. */
enum { CNN_RUN_TEXTS_MOST = 64 };
typedef struct {
    int n;
    bool more; /* than are kept */
    char *texts[CNN_RUN_TEXTS_MOST];
} cnn_texts;

/** End with cnn_texts_free, also after a failure. CNN_ENOMEM. */
cnn_status cnn_texts_of_runs(const cnn_runs_chosen *runs, cnn_run_text what, cnn_texts *out);
/** Adds a copy of a text that is not there yet; "" is not added. CNN_ENOMEM. */
cnn_status cnn_texts_add(cnn_texts *t, const char *s);
void cnn_texts_free(cnn_texts *t);

bool cnn_texts_are_equal(const cnn_texts *a, const cnn_texts *b);
/** Appends the texts, separated by "; ": at most `most` of them, then a count. */
void cnn_texts_join(const cnn_texts *t, int most, cnn_text *out);

#endif
