/* SPDX-License-Identifier: Apache-2.0 */
/** Whether OpenMP gives the threads that a run asks for. A smaller team computes other sums, or waits
 *  for ever in a library that counts on the rest: oneDNN divides its work by the number asked for. */
#ifndef CNN_CPU_ONEDNN_TEAM_H
#define CNN_CPU_ONEDNN_TEAM_H

#include "base/status.h"

/** Sets the team's size for the calling thread and measures it in a parallel region. CNN_EENV: it is
 *  smaller; the message names the variable or the limit that causes it. Not collective. */
cnn_status cnn_cpu_team_set(int threads);

#endif
