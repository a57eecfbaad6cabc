/* SPDX-License-Identifier: Apache-2.0 */
/** Writing the results file through parallel HDF5. Layout: docs/results-file.md. */
#ifndef CNN_HDF5IO_WRITER_H
#define CNN_HDF5IO_WRITER_H

#include "analysis/analysis.h"
#include "base/status.h"
#include "design/design.h"
#include "results/record.h"
#include "results/results.h"
#include "results/store.h"

#include <mpi.h>
#include <stdbool.h>

/** An open results file. */
typedef struct cnn_writer cnn_writer;

/** Starts HDF5 so that neither MPI_Finalize nor exit() closes the files that a failed write has
 *  left open, which HDF5 does not survive. Call before MPI_Init; one thread; does not block. */
void cnn_writer_prepare(void);

/** Opens it for writing by all ranks through MPI-IO, each rank for itself. Collective over comm;
 *  all ranks return the same status, and a failure names the rank. CNN_EIO: some rank cannot
 *  reach or change the file; CNN_EDATA: it is no results file, of another layout version, or
 *  damaged. */
cnn_status cnn_writer_open(const char *path, MPI_Comm comm, cnn_writer **out);
/** Flushes and closes; takes NULL, leaves NULL. Collective; all ranks return the same status.
 *  The only collective step is the agreement at the end: a rank whose disk fails holds up
 *  nobody. */
cnn_status cnn_writer_close(cnn_writer **writer);

/** The same by one rank alone, where another has died: no rank of the writer's communicator is waited
 *  for, which stays. */
cnn_status cnn_writer_close_alone(cnn_writer **writer);

/** Whether other programs that use HDF5 are kept from writing to the file while it is open here.
 *  Any rank, for its own host; does not block; not collective. */
bool cnn_writer_excludes_others(const cnn_writer *writer);
/** CNN_EIO: another program has changed the file all the same (hdf5io/guard.h). Any rank; does not
 *  block; not collective. */
cnn_status cnn_writer_check(const cnn_writer *writer);

/** Its rows while a job runs (results/store.h), owned by the writer. Text that is not UTF-8 is stored
 *  with '?' for the bytes that are wrong. */
cnn_store *cnn_writer_store(cnn_writer *writer);

/* The following are independent: one rank alone calls them, for a row that only it writes. */

/** Opens session number `session` (rank 0 only). CNN_EIO when all places (256) are taken. */
cnn_status cnn_writer_session(cnn_writer *writer, int session, double start_time, int ranks);
/** Freezes algorithms in place number `place` (rank 0 only), which must be free. */
cnn_status cnn_writer_tuning(cnn_writer *writer, int place, const cnn_tuning *tuning);
/** Keeps an environment in place number `place` (rank 0 only), which must be free. */
cnn_status cnn_writer_environment(cnn_writer *writer, int place,
                                  const cnn_stored_environment *environment);
/** Stores the analysis under /analysis (rank 0 only); it must be of the file's own design. */
cnn_status cnn_writer_analysis(cnn_writer *writer, const cnn_analysis *analysis);

#endif
