/** Writing the results file through parallel HDF5. Layout: docs/results-file.md. */
#ifndef CNN_HDF5IO_WRITER_H
#define CNN_HDF5IO_WRITER_H

#include "base/status.h"
#include "design/design.h"
#include "design/record.h"
#include "report/reduction.h"

#include <mpi.h>

/** An open results file. */
typedef struct cnn_writer cnn_writer;

/** Makes a new results file: rank-independent, serial HDF5, called by one process. Written as
 *  PATH.part with all space allocated, flushed, fsynced, then renamed: it exists whole or not at
 * all. plan: the text of cnn_design_describe. CNN_EIO names the path and the cause (disk full,
 * read-only folder). An existing file is replaced; the caller has asked for that. */
cnn_status cnn_writer_create(const char *path, const cnn_job *job, const cnn_design *design,
                             const char *plan);

/** Opens it for writing by all ranks through MPI-IO. Collective over comm. */
cnn_status cnn_writer_open(const char *path, MPI_Comm comm, cnn_writer **out);
/** Flushes and closes. Collective. */
cnn_status cnn_writer_close(cnn_writer **writer);

/* The following are independent: one rank alone calls them, for a row that only it writes. */

/** Measured columns and epochs [epoch_count] of a run, then its status, written last. */
cnn_status cnn_writer_run(cnn_writer *writer, int run, cnn_run_status status,
                          const cnn_measured *measured, const cnn_epoch_row *epochs);
/** One attempt of a run (0, 1, ...). */
cnn_status cnn_writer_attempt(cnn_writer *writer, int run, int attempt, const cnn_attempt *row);
/** Opens session number `session` (rank 0 only). CNN_EIO when all places (256) are taken. */
cnn_status cnn_writer_session(cnn_writer *writer, int session, double start_time, int ranks);
/** Stores the reduction under /analysis (rank 0 only). */
cnn_status cnn_writer_reduction(cnn_writer *writer, const cnn_reduction *reduction);

/** fcntl lock on PATH.lock, held until unlock or the process's end. CNN_EBUSY names the holder's
 *  process and host. Readers need none. fd >= 0 on success. */
cnn_status cnn_results_lock(const char *path, int *fd);
void cnn_results_unlock(const char *path, int *fd);

#endif
