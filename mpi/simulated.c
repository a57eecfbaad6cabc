#include "mpi/simulated.h"

#include "base/text.h"

#include <stdio.h>

cnn_place cnn_simulated_place(const cnn_framework *framework, const cnn_place *real)
{
    cnn_place place = *real;
    const int devices = framework->truth.devices_per_node;
    if (!framework->is_simulated)
        return place;
    cnn_copy_string(place.device_model, sizeof place.device_model, "simulated");
    if (devices > 0) {
        snprintf(place.host, sizeof place.host, "simulated node %d", real->rank / devices);
        snprintf(place.device, sizeof place.device, "simulated node %d, device %d",
                 real->rank / devices, real->rank % devices);
        place.shared = 0;
    }
    return place;
}
