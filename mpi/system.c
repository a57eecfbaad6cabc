/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/system.h"

#include "base/clock.h"
#include "mpi/stop.h"

static double monotonic(const cnn_system *system)
{
    (void)system;
    return cnn_clock_monotonic();
}

static double wall(const cnn_system *system)
{
    (void)system;
    return cnn_clock_wall();
}

static int stop_signal(const cnn_system *system, int *count)
{
    (void)system;
    return cnn_stop_signal(count);
}

static bool is_late(const cnn_system *system)
{
    (void)system;
    return cnn_stop_is_late();
}

const cnn_system *cnn_system_real(void)
{
    static const cnn_system real = {monotonic, wall, stop_signal, is_late};
    return &real;
}
