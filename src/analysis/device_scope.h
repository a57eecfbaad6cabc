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
    cnn_t_result t;     /* of the units' mean differences */
} cnn_device_scope;

/** Blocks of one comparison, on the analysed scale. */
typedef struct {
    int n;
    const double *difference;     /* [n] free of positions where positions is above 1 */
    const int *device, *host;     /* [n] */
    const int *place_a, *place_b; /* [n] positions of the two runs; positions 1: not read */
    int positions;                /* of a block; 1: the differences are as they were measured */
    double information;           /* of the estimate that is free of positions; else n */
} cnn_device_blocks;

/** The mean of the devices' mean differences, unweighted; by hosts: of the hosts' means of them.
 *  units - 1 degrees of freedom. Free of positions: differences less the effects that positions have
 *  within devices, whose variance adds to that of the units (Satterthwaite's degrees of freedom);
 *  where these effects are not estimable, units - r, where r is the rank of the units' means of the
 *  columns of positions and a constant (as many as the fit has parameters where each has one block),
 *  and the standard error is that of the units times sqrt(n / information). level: of the
 *  interval. */
cnn_status cnn_device_scope_of(const cnn_device_blocks *blocks, double level,
                               cnn_device_scope *out);

#endif
