/* SPDX-License-Identifier: Apache-2.0 */
/** How many threads are worth starting. */
#ifndef CNN_TRAINER_CORES_H
#define CNN_TRAINER_CORES_H

/** Physical cores in this process's affinity mask: hardware threads of one core count once where
 *  the kernel reports which these are. At least 1. */
int cnn_cores_available(void);

#endif
