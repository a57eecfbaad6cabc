/* SPDX-License-Identifier: Apache-2.0 */
/** Finding the programs that belong to cnnmpi: trainers and the exec helper. Any rank, for its
 *  host; does not block; not collective. */
#ifndef CNN_MPI_WORKER_LOCATE_H
#define CNN_MPI_WORKER_LOCATE_H

#include "base/status.h"
#include "base/text.h"

/** Finds an executable called name beside this program (argv0: as it was started; may be NULL), in
 *  ../libexec/cnnmpi from there, and in each folder of $CNNMPI_TRAINERS (colon-separated). *out is
 *  an absolute path, owned by the caller. CNN_EENV lists the places. */
cnn_status cnn_locate_program(const char *argv0, const char *name, char **out);

/** Finds a file of trainers/ ("keras/train.py") beside the build tree or where it is installed, or in
 *  $CNNMPI_TRAINERS. *out is an absolute path, owned by the caller. CNN_EENV lists the places. */
cnn_status cnn_locate_script(const char *argv0, const char *name, char **out);

/** Finds what a job's command names: a program or script `word`, given with a folder or an
 *  extension ("trainers/pytorch.py"), in `folder` (the job file's; may be NULL), in the working
 *  directory, and in the places above and trainers/ beside them. *out is an absolute path, owned
 *  by the caller, or NULL where there is none. */
cnn_status cnn_locate_word(const char *argv0, const char *folder, const char *word, char **out);

/** CNN_EENV unless `program` can be run: a path, or a name in $PATH. */
cnn_status cnn_locate_check_program(const char *program);

#endif
