/* SPDX-License-Identifier: Apache-2.0 */
/** Reading the results file with serial HDF5: no HDF5 types here, no MPI. */
#ifndef CNN_HDF5IO_READER_H
#define CNN_HDF5IO_READER_H

#include "base/status.h"
#include "results/results.h"

/** Reads a results file, complete or not, also while it is being written. CNN_EDATA: it is no
 *  results file, or parts are missing or of the wrong shape or type (named). What comes back can
 *  be used without further checks: cells, combinations, levels, status and outcomes are in
 *  range, texts are ended, a run whose status is not planned is whole. Nothing larger than the
 *  file is allocated. *out is owned by the caller. */
cnn_status cnn_results_read(const char *path, cnn_results **out);

#endif
