/* SPDX-License-Identifier: Apache-2.0 */
/** By how much values differ between two files, `before` and `after`.
 *
 *  Values are on the analysed scale (analysis/figures.h): the log time of a run, or with a control
 *  the log time of a run less that of the control's run in the same block. The difference is after
 *  minus before. Positions of runs within their blocks are columns of the models, coded so that
 *  they sum to 0: the difference is free of positions that the files use unequally often. */
#ifndef CNN_CHANGES_ESTIMATE_H
#define CNN_CHANGES_ESTIMATE_H

#include "base/status.h"
#include "stats/t_tests.h"

#include <stdbool.h>

/** Devices that both files must share at least if each is to be one value. */
#define CNN_CHANGES_LEAST_DEVICES 4

enum { CNN_BEFORE, CNN_AFTER, CNN_CHANGES_FILES };

/** What an estimate counts. X(constant, name) */
#define CNN_CHANGE_UNITS(X)                                                                        \
    X(CNN_CHANGE_BY_DEVICE, "device") /* differences of the devices that both files share */       \
    X(CNN_CHANGE_BY_BLOCK, "block")   /* the blocks of each file: these sessions alone */          \
    X(CNN_CHANGE_BY_SEED, "seed")     /* error and loss */

#define CNN_CHANGE_CONSTANT(constant, ...) constant,
typedef enum { CNN_CHANGE_UNITS(CNN_CHANGE_CONSTANT) CNN_CHANGE_UNIT_COUNT } cnn_change_unit;
extern const char *const cnn_change_unit_names[]; /* NULL-terminated */

typedef struct {
    double value;
    int file;    /* CNN_BEFORE, CNN_AFTER */
    int device;  /* 0..device_count-1, the same number in both files for the same device */
    int session; /* of its file */
} cnn_change_value;

/** Values of one cell. Borrowed. */
typedef struct {
    int n, device_count, positions;
    const cnn_change_value *values; /* [n] */
    const double *place; /* [positions - 1, n] what position 1, 2, ... adds to each value against
                            position 0; positions 1: not read */
} cnn_change_sample;

typedef struct {
    cnn_change_unit unit;
    int shared;        /* devices with values of both files */
    int units;         /* devices; blocks: those of both files that count */
    int before, after; /* values of each file that count */
    bool is_adjusted;  /* positions are in the model, if there are several */
    cnn_t_result t;
} cnn_change_estimate;

/** Each device that both files share is one value: the mean of its values after less that before.
 *  Ordinary least squares of these on the difference of the devices' mean columns of positions and
 *  a constant, which is the estimate; devices - rank degrees of freedom. Devices count alike. */
cnn_status cnn_change_by_device(const cnn_change_sample *s, double level, cnn_change_estimate *out);

/** Where the files share devices, their values on these; else all values. For each file ordinary
 *  least squares on devices and positions, which gives the unweighted mean of the devices' means
 *  and its standard error; the difference of the two files has Satterthwaite's degrees of freedom.
 *  Where a file does not tell its mean from the positions, neither file is adjusted for them. */
cnn_status cnn_change_by_block(const cnn_change_sample *s, double level, cnn_change_estimate *out);

/** By device from CNN_CHANGES_LEAST_DEVICES shared devices on, if that leaves a degree of freedom;
 *  else by block. */
cnn_status cnn_change_of(const cnn_change_sample *s, double level, cnn_change_estimate *out);

#endif
