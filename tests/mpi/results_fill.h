/* SPDX-License-Identifier: Apache-2.0 */
/** Writing the results of tests/unit/results_fixture.h into a file. */
#ifndef CNN_TESTS_MPI_RESULTS_FILL_H
#define CNN_TESTS_MPI_RESULTS_FILL_H

#include "hdf5io/writer.h"

/** One run with its attempts, as the fixture has them, with status `status`. */
cnn_status fill_run(cnn_writer *writer, int run, cnn_run_status status);
/** What rank `rank` of `ranks` writes of the whole: its share of the runs that are not planned;
 *  rank 0 two sessions and the analysis, too. Independent. */
cnn_status fill_share(cnn_writer *writer, const cnn_design *design, int rank, int ranks);

#endif
