/* SPDX-License-Identifier: Apache-2.0 */
/** What else differs between two files. */
#ifndef CNN_CHANGES_CIRCUMSTANCES_H
#define CNN_CHANGES_CIRCUMSTANCES_H

#include "changes/match.h"

/** Fills circumstances: program, sessions, hosts, devices, models, backends, versions, drivers,
 *  threads, data, variables of the environment, how the jobs are planned and judged, and means of
 *  clocks, load and temperature. What neither file records is left out. */
cnn_status cnn_changes_list_circumstances(const cnn_changes_source *s,
                                          const cnn_changes_devices *devices, cnn_changes *out);

#endif
