/* SPDX-License-Identifier: Apache-2.0 */
/* Levels that are the same program under two names. */
#include "analysis/parts.h"
#include "analysis/stored_job.h"

void cnn_analysis_controls(cnn_analysis *a, const cnn_results *results)
{
    cnn_job *job = NULL;
    if (!results->job_text || cnn_stored_job(results, "the job", &job) != CNN_OK)
        return;
    const cnn_factor *contrast = &job->factors[job->contrast];
    for (int p = 0; contrast->kind == CNN_FACTOR_FRAMEWORK && p < a->pair_count; p++)
        a->is_control[p] = cnn_framework_is_same(&job->frameworks[contrast->index[a->pairs[p].a]],
                                                 &job->frameworks[contrast->index[a->pairs[p].b]]);
    cnn_job_destroy(&job);
}
