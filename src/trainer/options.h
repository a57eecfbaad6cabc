/* SPDX-License-Identifier: Apache-2.0 */
/** The command line of a trainer that is started by hand. */
#ifndef CNN_TRAINER_OPTIONS_H
#define CNN_TRAINER_OPTIONS_H

#include "protocol/spec.h"

#include <stdbool.h>

typedef struct {
    bool help, version, plan, print_spec, verbose; /* asked for */
    cnn_spec spec; /* what to train; not filled with help or version */
} cnn_trainer_options;

/** Reads the arguments; unset ones take the defaults of --help. CNN_EUSAGE says which argument is
 *  wrong, with a suggestion for a misspelt option. cnn_trainer_options_free either way. */
cnn_status cnn_trainer_options_read(int argc, char **argv, cnn_trainer_options *out);
void cnn_trainer_options_free(cnn_trainer_options *options);

/** Appends the text of --help. */
cnn_status cnn_trainer_options_help(const char *program, cnn_text *out);

#endif
