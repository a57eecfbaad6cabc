/* SPDX-License-Identifier: Apache-2.0 */
/** Preloaded into cnnmpi: on the rank that $CNN_LOST_RANK names, MPI_Improbe fails for good after
 * some calls. */
#include <mpi.h>
#include <stdlib.h>

enum { GOOD_CALLS = 100 };

int MPI_Improbe(int source, int tag, MPI_Comm comm, int *flag, MPI_Message *message,
                MPI_Status *status)
{
    static int calls;
    const char *lost = getenv("CNN_LOST_RANK");
    int rank = -1;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (lost && atoi(lost) == rank && ++calls > GOOD_CALLS)
        return MPI_ERR_OTHER;
    return PMPI_Improbe(source, tag, comm, flag, message, status);
}
