/* SPDX-License-Identifier: Apache-2.0 */
/** Whether progress goes to a terminal. Any rank; does not block; not collective. */
#ifndef CNN_MPI_TERMINAL_H
#define CNN_MPI_TERMINAL_H

#include <stdbool.h>

/** True when standard output ends on a terminal. mpirun gives every rank a terminal of its own,
 *  whatever its own output is, so under a launcher the launcher's output counts; false where that
 *  cannot be seen (another host, srun). */
bool cnn_terminal_is_watched(void);

/** Its width in columns and height in lines at the moment; 80 and 24 where unknown. */
int cnn_terminal_width(void);
void cnn_terminal_size(int *columns, int *lines);

#endif
