/* SPDX-License-Identifier: Apache-2.0 */
/** Conditions that two levels must share if their times are to be compared. A job permits
 *  differences by name: compare: {allow: [parameters]}. */
#ifndef CNN_JOB_CONDITIONS_H
#define CNN_JOB_CONDITIONS_H

#include <stdbool.h>

/** The names are those of columns of a run. X(constant, name, title) */
#define CNN_CONDITIONS(X)                                                                          \
    X(CNN_CONDITION_PARAMETERS, parameters, "parameters")                                          \
    X(CNN_CONDITION_TRAIN_IMAGES, train_images, "training images")                                 \
    X(CNN_CONDITION_TEST_IMAGES, test_images, "test images")                                       \
    X(CNN_CONDITION_EPOCHS, epochs_done, "epochs done")                                            \
    X(CNN_CONDITION_DATA, data_checksum, "data checksum")                                          \
    X(CNN_CONDITION_THREADS, threads, "threads")

#define CNN_CONDITION_CONSTANT(constant, ...) constant,
typedef enum { CNN_CONDITIONS(CNN_CONDITION_CONSTANT) CNN_CONDITION_COUNT } cnn_condition;
#undef CNN_CONDITION_CONSTANT

extern const char *const cnn_condition_names[];  /* "train_images"; NULL-terminated */
extern const char *const cnn_condition_titles[]; /* "training images" */

/** Whether levels of a factor of this name differ in the condition by intent: architectures in
 *  parameters, data sets in images. No compound's name: cnn_factor_makes_differ. */
bool cnn_condition_is_varied_by(cnn_condition condition, const char *factor);

#endif
