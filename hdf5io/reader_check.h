/* SPDX-License-Identifier: Apache-2.0 */
/** Checks of a results file in memory, so that it can be used without further ones. */
#ifndef CNN_HDF5IO_READER_CHECK_H
#define CNN_HDF5IO_READER_CHECK_H

#include "base/status.h"
#include "results/results.h"

/** CNN_EDATA names the first thing that does not refer to anything: a cell without levels, a run of
 *  no cell, an unknown status. Unknown numbers (-1) of what is measured are fine. */
cnn_status cnn_results_check(const cnn_results *results);

#endif
