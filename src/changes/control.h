/* SPDX-License-Identifier: Apache-2.0 */
/** Whether a level is a control: its runs had the same program, libraries, driver and devices in
 *  both files, as far as the files record it. */
#ifndef CNN_CHANGES_CONTROL_H
#define CNN_CHANGES_CONTROL_H

#include "changes/match.h"

/** Fills control, refusal, has_control, the seeds of the control, and is_control and control of the
 *  cells that match has found. CNN_EUSAGE: a file's contrast has no such level. */
cnn_status cnn_changes_find_control(const cnn_changes_source *s, const cnn_changes_devices *devices,
                                    const char *control, cnn_changes *out);

#endif
