/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/simulated.h"

#include "base/text.h"
#include "simulate/simulation.h"

cnn_place cnn_simulated_place(const cnn_framework *framework, const cnn_place *real)
{
    cnn_place place = *real;
    const int devices = framework->truth.devices_per_node;
    if (!framework->is_simulated)
        return place;
    cnn_copy_string(place.device_model, sizeof place.device_model, "simulated");
    if (devices > 0) {
        char node[CNN_SIMULATED_NAME], device[CNN_SIMULATED_NAME];
        cnn_simulated_names(devices, real->rank, node, device);
        cnn_copy_string(place.host, sizeof place.host, node);
        cnn_copy_string(place.device, sizeof place.device, device);
        place.shared = 0;
    }
    return place;
}
