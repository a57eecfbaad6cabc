/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/launch.h"

#include "base/text.h"
#include "ranks/collectives.h"

#include <stdlib.h>
#include <string.h>

enum { ENVIRONMENT_BYTES = 1 << 24 };

bool cnn_launch_had_variable(const char *const *names)
{
    char *start = NULL;
    size_t len = 0;
    bool found = false;
    if (cnn_read_file("/proc/self/environ", ENVIRONMENT_BYTES, &start, &len) != CNN_OK)
        return true;
    for (const char *v = start; !found && v < start + len; v += strlen(v) + 1)
        for (const char *const *name = names; *name && !found; name++) {
            const size_t n = strlen(*name);
            found = strncmp(v, *name, n) == 0 && v[n] == '=';
        }
    free(start);
    return found;
}

/** Processes of this job step, if srun started this one without MPI's variables; else 1. */
static int tasks_without_mpi(void)
{
    static const char *const mpi[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", NULL};
    static const char *const srun[] = {"SLURM_PROCID", NULL};
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (!tasks || cnn_launch_had_variable(mpi) || !cnn_launch_had_variable(srun))
        return 1;
    return atoi(tasks);
}

/** A launcher of another MPI starts processes that each believe to be alone: every one of them would
 *  run the whole job. */
static cnn_status check_other_launchers(void)
{
    static const struct {
        const char *size, *launcher;
    } others[] = {{"PMI_SIZE", "MPICH, Intel MPI or another one of PMI"},
                  {"MV2_COMM_WORLD_SIZE", "MVAPICH2"},
                  {"OMPI_COMM_WORLD_SIZE", "another Open MPI"}};
    cnn_status st = CNN_OK;
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    CNN_MPI(MPI_Get_library_version(version, &length));
    version[strcspn(version, ",\n")] = '\0';
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *text = getenv(others[i].size);
        int64_t processes;
        CNN_CHECK(!text || !cnn_parse_int(text, &processes) || processes <= 1, CNN_EENV,
                  "the launcher started %s processes (%s), but MPI sees one rank in each: it "
                  "belongs to %s, and cnnmpi to %s; use the mpirun of that MPI",
                  text, others[i].size, others[i].launcher, version);
    }
done:
    return st;
}

cnn_status cnn_launch_check(MPI_Comm comm)
{
    cnn_status st = CNN_OK;
    int size = 0;
    CNN_MPI(MPI_Comm_size(comm, &size));
    const int tasks = size == 1 ? tasks_without_mpi() : 1;
    CNN_CHECK(
        tasks <= 1, CNN_EENV,
        "srun has started %d processes that MPI does not connect: each would run the whole job; "
        "use srun --mpi=pmix, or mpirun",
        tasks);
    if (size == 1)
        CNN_TRY(check_other_launchers());
done:
    return st;
}

bool cnn_launch_is_first(void)
{
    const char *task = getenv("SLURM_PROCID");
    return tasks_without_mpi() <= 1 || !task || atoi(task) == 0;
}

/** The options as text, one a line. */
static cnn_status join(const char *const *overrides, cnn_text *out)
{
    cnn_text_append(out, "");
    for (const char *const *o = overrides; o && *o; o++)
        cnn_text_printf(out, "%s%s", o == overrides ? "" : "\n", *o);
    return cnn_text_status(out);
}

static const char *shown(const char *options)
{
    return *options ? options : "none";
}

cnn_status cnn_launch_agree(MPI_Comm comm, const char *const *overrides)
{
    cnn_status st = CNN_OK;
    cnn_text mine = {0};
    char *first = NULL;
    int rank = 0;
    size_t n = 0;
    CNN_MPI(MPI_Comm_rank(comm, &rank));
    CNN_TRY(cnn_collective_agree(comm, join(overrides, &mine)));
    n = mine.len;
    CNN_TRY(cnn_collective_broadcast(comm, &n, sizeof n));
    first = calloc(n + 1, 1);
    CNN_TRY(cnn_collective_agree(comm, first ? CNN_OK : cnn_error_set(CNN_ENOMEM, "options")));
    if (rank == 0 && mine.len > 0)
        memcpy(first, mine.s, n);
    CNN_TRY(cnn_collective_broadcast(comm, first, n));
    if (mine.len != n || (n > 0 && memcmp(mine.s, first, n) != 0))
        st = cnn_error_set(CNN_EUSAGE, "started with other options (%s) than rank 0 (%s)",
                           mine.len > 0 ? mine.s : "none", shown(first));
    CNN_TRY(cnn_collective_agree(comm, st));
done:
    free(first);
    cnn_text_free(&mine);
    return st;
}
