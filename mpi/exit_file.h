/* SPDX-License-Identifier: Apache-2.0 */
/** How a job has ended, in a file, where the launcher hides exit statuses: mpirun --enable-recovery
 *  returns 0 whatever happens, and srun the status of a rank that was killed. Rank 0 only; not
 *  collective. */
#ifndef CNN_MPI_EXIT_FILE_H
#define CNN_MPI_EXIT_FILE_H

/** The file beside a results file, owned by the caller; NULL: out of memory. */
char *cnn_exit_file_beside(const char *output);

/** Removes the one that an earlier job has left beside the results file. */
void cnn_exit_file_remove(const char *output);

/** Writes the exit status in a line of its own and the reason in the next. A file that cannot be
 *  written is no error: this says what could not be said otherwise. */
void cnn_exit_file_write(const char *path, int status, const char *reason);

#endif
