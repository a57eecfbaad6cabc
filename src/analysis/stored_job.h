/* SPDX-License-Identifier: Apache-2.0 */
/** The job that a results file keeps, read again. */
#ifndef CNN_ANALYSIS_STORED_JOB_H
#define CNN_ANALYSIS_STORED_JOB_H

#include "base/status.h"
#include "job/job.h"
#include "results/results.h"

/** Parses the job's text with its overrides; path names the file. CNN_EDATA: its factors are not
 *  those of the file's columns, so that the levels of cells are no good for it; CNN_EUSAGE as of
 *  cnn_job_parse. *out is owned by the caller. */
cnn_status cnn_stored_job(const cnn_results *results, const char *path, cnn_job **out);

#endif
