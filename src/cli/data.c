/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/data.h"

#include "cli/terminal.h"
#include "data/report.h"
#include "job/job.h"

cnn_status cnn_command_data(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_text text = {0};
    int missing = 0;
    CNN_TRY(cnn_job_read(line->file, line->overrides, &job));
    if (cnn_job_is_simulated(job))
        cnn_text_append(&text, "All frameworks of this job are simulated: no data set is read.\n");
    else
        CNN_TRY(cnn_data_report(job->datasets, job->dataset_count, &text, &missing));
    CNN_TRY(cnn_print_text(&text));
    CNN_CHECK(missing == 0, CNN_EDATA, "%d of %d data sets cannot be used", missing,
              job->dataset_count);
done:
    cnn_text_free(&text);
    cnn_job_destroy(&job);
    return st;
}
