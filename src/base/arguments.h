/* SPDX-License-Identifier: Apache-2.0 */
/** Command lines: options that are described once, and read, suggested and listed from there. */
#ifndef CNN_BASE_ARGUMENTS_H
#define CNN_BASE_ARGUMENTS_H

#include "base/text.h"

/** An option. A table ends with {0}. */
typedef struct {
    const char *name;  /* "--output" */
    char letter;       /* of its short form, 'o' for -o; 0: none */
    const char *value; /* what stands for its value in --help, "FILE"; NULL: it takes none */
    const char *help;  /* NULL: --help does not list it */
} cnn_option;

/** A word of the command line: an option with its value, or something else. */
typedef struct {
    const cnn_option *option; /* of the table; NULL: `text` is a word that is no option */
    const char *text;         /* the value, NULL for an option without one; borrowed from argv */
} cnn_argument;

/** Reads argv[*i] and its value, which is the next word or follows '=', and moves *i behind them.
 *  CNN_EUSAGE: an option that is not in the table, with the most similar one, a value that is
 *  missing, or one for an option that takes none. A single "-" is no option. */
cnn_status cnn_argument_next(const cnn_option *options, int argc, char **argv, int *i,
                             cnn_argument *out);

/** Appends what --help says of the options, wrapped at 100 columns. */
void cnn_options_help(const cnn_option *options, cnn_text *out);

#endif
