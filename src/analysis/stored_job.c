/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/stored_job.h"

#include <stdbool.h>
#include <string.h>

static bool has_factors_of(const cnn_job *job, const cnn_results *r)
{
    bool same = r->factor_count == job->factor_count;
    for (int f = 0; same && f < r->factor_count; f++)
        same = r->factors[f].level_count == job->factors[f].level_count &&
               !strcmp(r->factors[f].name, job->factors[f].name);
    return same;
}

cnn_status cnn_stored_job(const cnn_results *results, const char *path, cnn_job **out)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    CNN_TRY(cnn_job_parse_stored(path, results->job_text, results->overrides, &job));
    CNN_CHECK(has_factors_of(job, results), CNN_EDATA,
              "'%s' is damaged: its job text does not fit its columns", path);
    *out = job;
    job = NULL;
done:
    cnn_job_destroy(&job);
    return st;
}
