/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_trainer.h"

#include "cli/terminal.h"
#include "conformance/conformance.h"
#include "mpi/worker/locate.h"

#include <signal.h>
#include <stdlib.h>

static volatile int stopped; /* the signal; 0: none */

static void stop(int number)
{
    stopped = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static cnn_status print(const cnn_conformance_result *result, bool json)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    if (json)
        cnn_conformance_json(result, &text);
    else
        CNN_TRY(cnn_conformance_text(result, &text));
    CNN_TRY(cnn_print_text(&text));
done:
    cnn_text_free(&text);
    return st;
}

cnn_status cnn_command_check_trainer(const char *argv0, const cnn_command_line *line,
                                     int *exit_status)
{
    cnn_status st = CNN_OK;
    char *helper = NULL, *reference = NULL;
    cnn_conformance_result result;
    CNN_TRY(cnn_locate_program(argv0, "cnn-exec", &helper));
    CNN_TRY(cnn_locate_program(argv0, "cnntrain-reference", &reference));
    CNN_TRY(cnn_locate_check_program(line->check_trainer.command[0]));
    const cnn_conformance_options options = {.helper = helper,
                                             .reference = reference,
                                             .command = line->check_trainer.command,
                                             .path = (cnn_path)line->check_trainer.path,
                                             .mode = line->check_trainer.mode,
                                             .backend = line->check_trainer.backend,
                                             .nondeterministic =
                                                 line->check_trainer.nondeterministic,
                                             .timeout = line->check_trainer.timeout};
    catch_signals();
    CNN_TRY(cnn_conformance_check(&options, &stopped, &result));
    CNN_TRY(print(&result, line->check_trainer.json));
    *exit_status = result.failed > 0;
done:
    free(helper);
    free(reference);
    if (stopped) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
    return st;
}
