/* SPDX-License-Identifier: Apache-2.0 */
/** Whether somebody watches the screen. */
#ifndef CNN_MPI_TERMINAL_H
#define CNN_MPI_TERMINAL_H

#include <stdbool.h>

/** True when standard output ends on a terminal. mpirun gives every rank a terminal of its own
 *  wherever its own output goes, so under a launcher it is the launcher's output that counts; where
 *  that cannot be seen (another host, srun) the answer is false. */
bool cnn_terminal_is_watched(void);

/** Its width in columns, 80 where unknown. */
int cnn_terminal_width(void);

#endif
