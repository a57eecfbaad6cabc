/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/run_environments.h"

#include "base/text.h"
#include "base/variables.h"
#include "host/environment.h"
#include "mpi/worker/start.h"
#include "ranks/collectives.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The recorded variables of this rank's runs. */
static cnn_status describe(const cnn_rank_context *context, cnn_stored_environment *out)
{
    cnn_status st = CNN_OK;
    const cnn_environment_wishes wishes = {context->job->run_environment.pass,
                                           context->job->run_environment.set};
    char **environment = NULL;
    CNN_TRY(cnn_start_environment(context->job, &context->places[context->rank], &environment));
    CNN_TRY(cnn_environment_describe(environment, &wishes, out->variables, sizeof out->variables));
done:
    cnn_environment_free(&environment);
    return st;
}

/** Its place among rows, or the first free one; -1: there is none. */
static int place_of(const cnn_stored_environment *rows, int places, const char *variables)
{
    for (int i = 0; i < places; i++)
        if (!rows[i].variables[0] || strcmp(rows[i].variables, variables) == 0)
            return i;
    return -1;
}

/** Rank 0: the place of each rank's environment; new ones go into the file. */
static cnn_status assign(cnn_rank_context *context, const cnn_stored_environment *of_ranks,
                         const cnn_stored_environment *known, int places, int *place)
{
    cnn_status st = CNN_OK;
    cnn_stored_environment *rows = calloc((size_t)places + 1, sizeof *rows);
    CNN_CHECK(rows != NULL, CNN_ENOMEM, "%d environments", places);
    memcpy(rows, known, (size_t)places * sizeof *rows);
    for (int rank = 0; rank < context->size; rank++) {
        const int at = place_of(rows, places, of_ranks[rank].variables);
        place[rank] = at;
        if (at < 0 || rows[at].variables[0])
            continue;
        rows[at] = of_ranks[rank];
        CNN_TRY(cnn_writer_environment(context->writer, at, &rows[at]));
    }
done:
    free(rows);
    return st;
}

/** Prints which variables of this rank its trainers do not get. */
static void note_cleared(const cnn_rank_context *context, cnn_progress *progress)
{
    cnn_text names = {0};
    char **made = NULL;
    if (cnn_start_environment(context->job, &context->places[context->rank], &made) != CNN_OK)
        return;
    for (char *const *v = environ; *v; v++) {
        bool kept = cnn_variable_kind_of(*v) != CNN_VARIABLE_CLEARED;
        for (char *const *m = made; *m && !kept; m++)
            kept = cnn_variable_is_same(*m, *v);
        if (!kept)
            cnn_text_printf(&names, "%s%.*s", names.len ? ", " : "",
                            (int)cnn_variable_name_length(*v), *v);
    }
    if (names.len)
        cnn_progress_note(progress,
                          "trainers do not get these variables, which change runs: %s "
                          "(run_environment: {pass: [...]} passes them on)",
                          names.s);
    cnn_text_free(&names);
    cnn_environment_free(&made);
}

static void note_differences(const int *place, int size, cnn_progress *progress)
{
    int different = 0, unrecorded = 0;
    for (int rank = 0; rank < size; rank++) {
        different += place[rank] != place[0];
        unrecorded += place[rank] < 0;
    }
    if (different)
        cnn_progress_note(progress, "WARNING: the environments of ranks differ in variables that "
                                    "change runs; the report names them");
    if (unrecorded)
        cnn_progress_note(progress,
                          "WARNING: the results file has no place left for the environments of %d "
                          "ranks; their runs have none on record",
                          unrecorded);
}

static cnn_status record(MPI_Comm comm, cnn_rank_context *context,
                         const cnn_stored_environment *known, int places,
                         cnn_stored_environment *of_ranks, int *place)
{
    cnn_status st = CNN_OK;
    const size_t size = (size_t)context->size;
    cnn_stored_environment mine;
    CNN_TRY(cnn_collective_agree(comm, describe(context, &mine)));
    CNN_TRY(cnn_collective_gather(comm, &mine, sizeof mine, of_ranks));
    if (context->rank == 0)
        st = assign(context, of_ranks, known, places, place);
    CNN_TRY(cnn_collective_agree(comm, st));
    CNN_TRY(cnn_collective_broadcast(comm, place, size * sizeof *place));
    context->environment = place[context->rank];
done:
    return st;
}

cnn_status cnn_environments_record(MPI_Comm comm, cnn_rank_context *context,
                                   const cnn_stored_environment *known, int places,
                                   cnn_progress *progress)
{
    cnn_status st = CNN_OK;
    const size_t size = (size_t)context->size;
    cnn_stored_environment *of_ranks = NULL;
    int *place = NULL;
    context->environment = -1;
    if (cnn_job_is_simulated(context->job))
        return CNN_OK;
    of_ranks = calloc(size, sizeof *of_ranks);
    place = calloc(size, sizeof *place);
    if (!of_ranks || !place)
        st = cnn_error_set(CNN_ENOMEM, "environments of %zu ranks", size);
    CNN_TRY(cnn_collective_agree(comm, st));
    CNN_TRY(record(comm, context, known, places, of_ranks, place));
    if (progress) {
        note_cleared(context, progress);
        note_differences(place, context->size, progress);
    }
done:
    free(of_ranks);
    free(place);
    return st;
}
