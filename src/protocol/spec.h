/* SPDX-License-Identifier: Apache-2.0 */
/** A run's specification: what a trainer reads from its standard input, as one JSON object.
 *  docs/trainer-protocol.md describes it for other programs. */
#ifndef CNN_PROTOCOL_SPEC_H
#define CNN_PROTOCOL_SPEC_H

#include "base/text.h"
#include "data/source.h"
#include "nn/network.h"
#include "nn/train.h"
#include "simulate/simulation.h"

#include <stdbool.h>
#include <stdint.h>

/** The newest version. A specification carries the lowest one that can express it, so that trainers
 *  of older versions can be used for as long as possible. */
#define CNN_PROTOCOL_VERSION 2

typedef struct {
    int run;             /* row of the results file; -1 when started by hand */
    char *framework;     /* the level's name */
    int path;            /* cnn_path */
    uint32_t seed;       /* weights, batch order, dropout */
    int threads;         /* CPU threads to use */
    cnn_network network; /* not inferred; its input comes from the data set */
    cnn_source source;   /* path(s) absolute when written by cnnmpi */
    cnn_train train;
    bool tune;        /* choose algorithms and report them, without training */
    char *algorithms; /* chosen before, for this cell and device model; NULL, "": not given */
    bool verbose;     /* print what tuning has timed; by hand only, no part of the JSON text */
    cnn_simulation *simulate; /* of a simulated framework; NULL: trains */
    char *mode;        /* how a trainer with several modes trains; NULL, "": not given. Version 2 */
    char *backend;     /* library that a trainer with a choice computes with; likewise */
    char *factors;     /* free factors of its cell, a JSON object of numbers, texts, true and false;
                          NULL, "": none. Version 2 */
    char *weights_out; /* file that takes the final weights, f32 little-endian in canonical order;
                          NULL, "": none. Version 2 */
} cnn_spec;

/** Reads the JSON text; CNN_EUSAGE with all errors. Strings are owned by *out; cnn_spec_free. */
cnn_status cnn_spec_parse(const char *text, cnn_spec *out);
/** Appends the specification as one line of JSON without a newline. */
void cnn_spec_write(const cnn_spec *spec, cnn_text *out);
void cnn_spec_free(cnn_spec *spec);

#endif
