/* SPDX-License-Identifier: Apache-2.0 */
/** cnnmpi: chooses the command. */
#include "cli/check_trainer.h"
#include "cli/command_line.h"
#include "cli/compare.h"
#include "cli/data.h"
#include "cli/doctor.h"
#include "cli/plan.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/status.h"
#include "cli/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/** Opens standard input, output and error that the caller has closed: a file that is opened later would
 *  take their place, and what is printed would be written into it. */
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(EXIT_FAILURE);
}

static cnn_status print_help(void)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    cnn_command_line_help(&text);
    CNN_TRY(cnn_print_text(&text));
done:
    cnn_text_free(&text);
    return st;
}

static cnn_status print_version(void)
{
    return cnn_print_text(&(cnn_text){.s = (char *)"cnnmpi " CNN_VERSION "\n"});
}

int main(int argc, char **argv)
{
    cnn_status st = CNN_OK;
    int exit_status = EXIT_SUCCESS;
    cnn_command_line line = {0};
    open_standard_descriptors();
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error like others: EFBIG */
    CNN_TRY(cnn_command_line_parse(argc, argv, &line));
    const bool is_for_all = line.command == CNN_COMMAND_RUN || line.command == CNN_COMMAND_DOCTOR;
    if (!is_for_all && !cnn_is_first_process())
        goto done; /* one copy of a table is enough */
    switch (line.command) {
    case CNN_COMMAND_RUN:
        exit_status = cnn_command_run(argc, argv, &line);
        break;
    case CNN_COMMAND_PLAN:
        CNN_TRY(cnn_command_plan(&line));
        break;
    case CNN_COMMAND_DATA:
        CNN_TRY(cnn_command_data(&line));
        break;
    case CNN_COMMAND_REPORT:
        CNN_TRY(cnn_command_report(&line));
        break;
    case CNN_COMMAND_COMPARE:
        CNN_TRY(cnn_command_compare(&line, &exit_status));
        break;
    case CNN_COMMAND_STATUS:
        CNN_TRY(cnn_command_status(&line));
        break;
    case CNN_COMMAND_CHECK_TRAINER:
        CNN_TRY(cnn_command_check_trainer(argv[0], &line, &exit_status));
        break;
    case CNN_COMMAND_DOCTOR:
        exit_status = cnn_command_doctor(argc, argv, &line);
        break;
    case CNN_COMMAND_HELP:
        CNN_TRY(print_help());
        break;
    case CNN_COMMAND_VERSION:
        CNN_TRY(print_version());
        break;
    }
done:
    if (st != CNN_OK) {
        if (!line.report.status_only && cnn_is_first_process())
            cnn_print_error();
        exit_status = cnn_exit_status(st);
    }
    cnn_command_line_free(&line);
    return exit_status;
}
