/* SPDX-License-Identifier: Apache-2.0 */
/** Notices that another program has deleted, renamed, replaced or changed a results file while
 *  its job runs: rows would be written to the end and then be lost. Rank 0 only; not collective. */
#ifndef CNN_MPI_FILE_WATCH_H
#define CNN_MPI_FILE_WATCH_H

#include "base/status.h"
#include "hdf5io/writer.h"

#include <stdbool.h>

typedef struct cnn_file_watch cnn_file_watch;

/** Begins to watch the file that is there now, which the writer has open. Both are borrowed.
 *  Does not block. */
cnn_status cnn_file_watch_create(const char *path, const cnn_writer *writer, cnn_file_watch **out);
void cnn_file_watch_destroy(cnn_file_watch **watch);

/** Looks every 10 seconds; call often; does not block. CNN_EIO: two looks in succession have found
 *  that the name is gone or leads to another file, or that no name of the file is left; or another
 *  program has changed the file. More names are no failure, and neither is a file system that does
 *  not answer. */
cnn_status cnn_file_watch_step(cnn_file_watch *watch);

/** The verdict once all runs are done: blocks for 10 seconds where a first look finds fault. */
cnn_status cnn_file_watch_finish(cnn_file_watch *watch);

/** Whether the name no longer leads to the file; watch may be NULL. */
bool cnn_file_watch_is_lost(const cnn_file_watch *watch);

#endif
