/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/status.h"

#include "base/clock.h"
#include "cli/terminal.h"
#include "cli/watch.h"
#include "hdf5io/lock.h"
#include "hdf5io/reader.h"
#include "status/job_status.h"

#include <math.h>

cnn_status cnn_command_status(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    cnn_job_status status = {0};
    cnn_text text = {0};
    char holder[256];
    if (line->watch)
        return cnn_watch_status(line->file);
    cnn_lock_holder(line->file, holder, sizeof holder); /* first: it may end meanwhile */
    CNN_TRY(cnn_results_read(line->file, &results));
    CNN_TRY(cnn_job_status_create(results, *holder ? cnn_clock_wall() : NAN, &status));
    cnn_job_status_text(results, &status, holder, line->file, &text);
    CNN_TRY(cnn_print_text(&text));
done:
    cnn_text_free(&text);
    cnn_job_status_free(&status);
    cnn_results_free(&results);
    return st;
}
