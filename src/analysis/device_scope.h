/* SPDX-License-Identifier: Apache-2.0 */
/** Conclusions for devices like those that the runs were on: each device, or host, is one value. */
#ifndef CNN_ANALYSIS_DEVICE_SCOPE_H
#define CNN_ANALYSIS_DEVICE_SCOPE_H

#include "base/status.h"
#include "stats/t_tests.h"

#include <stdbool.h>

/** Units with fewer than that many have an interval, but no verdict. */
#define CNN_DEVICES_FOR_VERDICT 4

typedef struct {
    int devices, hosts; /* that the blocks were on */
    bool by_host;       /* several hosts, some with several devices: the unit is the host */
    int units;          /* hosts or devices */
    cnn_t_result t;     /* of the units' mean differences, units - 1 degrees of freedom */
} cnn_device_scope;

/** The mean of the devices' mean differences, unweighted; by hosts: of the hosts' means of them.
 *  difference, device, host [n]: of each block, on the analysed scale. level: of the interval. */
cnn_status cnn_device_scope_of(const double *difference, const int *device, const int *host, int n,
                               double level, cnn_device_scope *out);

#endif
