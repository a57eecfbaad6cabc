/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/start.h"

#include "host/environment.h"
#include "mpi/worker/run_place.h"

#include <unistd.h>

cnn_status cnn_start_environment(const cnn_job *job, const cnn_treatment *treatment,
                                 const cnn_place *place, char ***out)
{
    cnn_status st = CNN_OK;
    char **set = NULL;
    CNN_TRY(cnn_job_variables(job, treatment, &set));
    const cnn_environment_wishes wishes = {job->run_environment.pass, set};
    const cnn_environment_place where = {.threads = place->cores,
                                         .owns_cores = !place->cores_shared,
                                         .gpu = place->on_gpu ? place->device : NULL};
    CNN_TRY(cnn_environment_of_run(environ, &wishes, &where, out));
done:
    cnn_job_free_variables(&set);
    return st;
}

cnn_status cnn_start_place(const cnn_rank_context *context, int cell, cnn_place *out)
{
    const cnn_treatment treatment =
        cnn_job_treatment(context->job, context->design->cells[cell].levels);
    *out = cnn_run_place(&treatment, &context->places[context->rank]);
    return treatment.threads > 0 ? cnn_run_place_confine(out) : CNN_OK;
}

cnn_status cnn_start_trainer(const cnn_rank_context *context, int cell, const char *spec,
                             cnn_child **out)
{
    cnn_status st = CNN_OK;
    const cnn_treatment treatment =
        cnn_job_treatment(context->job, context->design->cells[cell].levels);
    cnn_place place;
    char **environment = NULL;
    CNN_TRY(cnn_start_place(context, cell, &place));
    CNN_TRY(cnn_start_environment(context->job, &treatment, &place, &environment));
    const cnn_child_options options = {.helper = context->commands->helper,
                                       .argv = context->commands->argv[cell],
                                       .cpus = place.cpus,
                                       .environment = environment,
                                       .input = spec};
    CNN_TRY(cnn_child_start(&options, out));
done:
    cnn_environment_free(&environment);
    return st;
}
