/* SPDX-License-Identifier: Apache-2.0 */
/** The mailbox over MPI. */
#ifndef CNN_MPI_MPI_MAILBOX_H
#define CNN_MPI_MPI_MAILBOX_H

#include "base/status.h"
#include "mpi/mailbox.h"

#include <mpi.h>

/** comm must have MPI_ERRORS_RETURN and is borrowed. Any rank; does not block; not collective. */
cnn_status cnn_mpi_mailbox_create(MPI_Comm comm, cnn_mailbox **out);

#endif
