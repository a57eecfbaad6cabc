/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch.h"

#include "base/clock.h"
#include "base/printable.h"
#include "hdf5io/lock.h"
#include "hdf5io/reader.h"
#include "mpi/terminal.h"
#include "status/job_status.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL = 1 }; /* seconds */

static volatile sig_atomic_t stopped; /* the signal; 0: none */

static void note(int number)
{
    if (number != SIGWINCH) /* which only ends the pause */
        stopped = number;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGWINCH};
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/** Over what stands there: each line up to the width, and nothing after the last. */
static void show(const char *text, int columns)
{
    fputs("\033[H", stdout);
    while (*text) {
        const size_t line = strcspn(text, "\n");
        int width = 0;
        for (size_t i = 0; i < line && width < columns; width++) {
            char shown[5];
            i += cnn_show_character(text + i, false, shown);
            fputs(shown, stdout);
        }
        fputs(width < columns ? "\033[K\n" : "\n", stdout);
        text += line + (text[line] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/** Draws the job once. is_over: nobody works on it. */
static cnn_status draw(const char *path, bool *is_over)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    cnn_job_status status = {0};
    cnn_text text = {0};
    char holder[256];
    int columns, lines;
    cnn_terminal_size(&columns, &lines);
    cnn_lock_holder(path, holder, sizeof holder); /* first: it may end meanwhile */
    CNN_TRY(cnn_results_read(path, &results));
    CNN_TRY(cnn_job_status_create(results, *holder ? cnn_clock_wall() : NAN, &status));
    cnn_job_status_screen(results, &status, holder, path, columns, lines, &text);
    CNN_TRY(cnn_text_status(&text));
    show(text.s, columns);
    *is_over = !*holder;
done:
    cnn_text_free(&text);
    cnn_job_status_free(&status);
    cnn_results_free(&results);
    return st;
}

cnn_status cnn_watch_status(const char *path)
{
    cnn_status st = CNN_OK;
    const struct timespec pause = {.tv_sec = INTERVAL};
    bool is_over = false;
    CNN_CHECK(isatty(STDOUT_FILENO), CNN_EUSAGE,
              "--watch redraws a terminal, which standard output is not; `cnnmpi status %s` prints "
              "the state once",
              path);
    catch_signals();
    fputs("\033[2J", stdout);
    while (!is_over && !stopped) {
        CNN_TRY(draw(path, &is_over));
        if (!is_over && !stopped)
            nanosleep(&pause, NULL); /* a signal ends it */
    }
done:
    return st;
}
