/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/start.h"

#include "host/environment.h"

#include <unistd.h>

cnn_status cnn_start_environment(const cnn_job *job, const cnn_place *place, char ***out)
{
    const cnn_environment_wishes wishes = {job->run_environment.pass, job->run_environment.set};
    const cnn_environment_place where = {.threads = place->cores,
                                         .owns_cores = !place->cores_shared,
                                         .gpu = place->on_gpu ? place->device : NULL};
    return cnn_environment_of_run(environ, &wishes, &where, out);
}

cnn_status cnn_start_trainer(const cnn_rank_context *context, int cell, const char *spec,
                             cnn_child **out)
{
    cnn_status st = CNN_OK;
    const cnn_place *place = &context->places[context->rank];
    char **environment = NULL;
    CNN_TRY(cnn_start_environment(context->job, place, &environment));
    const cnn_child_options options = {.helper = context->commands->helper,
                                       .argv = context->commands->argv[cell],
                                       .cpus = place->cpus,
                                       .environment = environment,
                                       .input = spec};
    CNN_TRY(cnn_child_start(&options, out));
done:
    cnn_environment_free(&environment);
    return st;
}
