/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/start.h"

#include <stdio.h>

cnn_status cnn_start_trainer(const cnn_rank_context *context, int cell, const char *spec,
                             cnn_child **out)
{
    const cnn_place *place = &context->places[context->rank];
    char visible[128];
    /* By its UUID a device is the same one whatever else the trainer sees; -1: none. */
    const char *const environment[] = {visible, "CUDA_DEVICE_ORDER=PCI_BUS_ID", NULL};
    const cnn_child_options options = {.helper = context->commands->helper,
                                       .argv = context->commands->argv[cell],
                                       .cpus = place->cpus,
                                       .shared = place->cores_shared,
                                       .environment = environment,
                                       .threads = place->cores,
                                       .input = spec};
    snprintf(visible, sizeof visible, "CUDA_VISIBLE_DEVICES=%s",
             place->on_gpu ? place->device : "-1");
    return cnn_child_start(&options, out);
}
