/* SPDX-License-Identifier: Apache-2.0 */
/** The command line of cnnmpi. */
#ifndef CNN_CLI_COMMAND_LINE_H
#define CNN_CLI_COMMAND_LINE_H

#include "base/text.h"
#include "document/output.h"
#include "mpi/job_runner.h"

#include <stdbool.h>

typedef enum {
    CNN_COMMAND_RUN,
    CNN_COMMAND_PLAN,
    CNN_COMMAND_DATA,
    CNN_COMMAND_REPORT,
    CNN_COMMAND_COMPARE,
    CNN_COMMAND_STATUS,
    CNN_COMMAND_CHECK_TRAINER,
    CNN_COMMAND_DOCTOR,
    CNN_COMMAND_HELP,
    CNN_COMMAND_VERSION,
} cnn_command;

/** Options of `report`. */
typedef struct {
    bool status_only, full, published, runs, attempts;
    bool has_format; /* --format was given */
    cnn_report_format format;
    const char *table;   /* NULL: all */
    const char *figures; /* folder for the figures; NULL: none; from argv */
} cnn_report_options;

/** Options of `compare`; --format, --table and --full are those of `report`. */
typedef struct {
    const char *control; /* level of the contrast; NULL: none; from argv */
    double slower;       /* limit of --fail-on, relative; 0: not given */
    bool pass_undecided; /* --undecided pass */
} cnn_compare_options;

/** Options of `check-trainer`. */
typedef struct {
    char *const *command; /* what stands behind `--`, NULL-terminated; NULL: nothing; from argv */
    bool json, nondeterministic;
    int path;                   /* cnn_path */
    const char *mode, *backend; /* NULL: not given; from argv */
    double timeout;             /* seconds */
} cnn_check_trainer_options;

typedef struct {
    cnn_command command;
    const char *
        *files; /* [file_count] job file, or results files of `report`, `compare`, `status`; names
                           borrowed from argv */
    int file_count;
    const char *file;       /* the first; NULL: none */
    const char *output;     /* --output; NULL: not given; borrowed from argv */
    const char **overrides; /* --set and --output as "key=value", NULL-terminated; owned */
    int override_count;
    bool resume, force, quiet;
    bool watch;                 /* of `status` */
    cnn_progress_mode progress; /* CNN_PROGRESS_QUIET with --quiet */
    int ranks;                  /* of `plan`, `doctor` */
    const char *from; /* of `plan`: results file of an earlier job; NULL: none; from argv */
    cnn_report_options report;
    cnn_compare_options compare;
    cnn_check_trainer_options check_trainer;
} cnn_command_line;

/** CNN_EUSAGE says what is wrong, with a suggestion for a misspelt option or command. */
cnn_status cnn_command_line_parse(int argc, char **argv, cnn_command_line *out);
void cnn_command_line_free(cnn_command_line *line);

/** Appends the text of --help. */
void cnn_command_line_help(cnn_text *out);

#endif
