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

/** The environments of one cell's runs, on all ranks. */
typedef struct {
    cnn_stored_environment *of_ranks; /* [size] */
    int *place;                       /* [size] in the file */
    /* rank 0: what the file holds, with what has been added; [places] */
    cnn_stored_environment *known;
    int places;
    int different, unrecorded; /* ranks, of the cell where they are most */
} record;

/** The recorded variables of this rank's runs of a cell. */
static cnn_status describe(const cnn_rank_context *context, int cell, cnn_stored_environment *out)
{
    cnn_status st = CNN_OK;
    const cnn_treatment treatment =
        cnn_job_treatment(context->job, context->design->cells[cell].levels);
    char **environment = NULL, **set = NULL;
    CNN_TRY(cnn_job_variables(context->job, &treatment, &set));
    const cnn_environment_wishes wishes = {context->job->run_environment.pass, set};
    CNN_TRY(cnn_start_environment(context->job, &treatment, &context->places[context->rank],
                                  &environment));
    CNN_TRY(cnn_environment_describe(environment, &wishes, out->variables, sizeof out->variables));
done:
    cnn_environment_free(&environment);
    cnn_job_free_variables(&set);
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
static cnn_status assign(cnn_rank_context *context, record *r)
{
    cnn_status st = CNN_OK;
    for (int rank = 0; rank < context->size; rank++) {
        const int at = place_of(r->known, r->places, r->of_ranks[rank].variables);
        r->place[rank] = at;
        if (at < 0 || r->known[at].variables[0])
            continue;
        r->known[at] = r->of_ranks[rank];
        CNN_TRY(cnn_writer_environment(context->writer, at, &r->known[at]));
    }
done:
    return st;
}

/** Prints which variables of this rank its trainers do not get. */
static void note_cleared(const cnn_rank_context *context, cnn_progress *progress)
{
    cnn_text names = {0};
    char **made = NULL;
    const cnn_treatment any = cnn_job_treatment(context->job, context->design->cells[0].levels);
    if (cnn_start_environment(context->job, &any, &context->places[context->rank], &made) != CNN_OK)
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

static void note_differences(const record *r, cnn_progress *progress)
{
    if (r->different)
        cnn_progress_note(progress, "WARNING: the environments of ranks differ in variables that "
                                    "change runs; the report names them");
    if (r->unrecorded)
        cnn_progress_note(progress,
                          "WARNING: the results file has no place left for the environments of %d "
                          "ranks; their runs have none on record",
                          r->unrecorded);
}

static void count_differences(const cnn_rank_context *context, record *r)
{
    int different = 0, unrecorded = 0;
    for (int rank = 0; rank < context->size; rank++) {
        different += r->place[rank] != r->place[0];
        unrecorded += r->place[rank] < 0;
    }
    r->different = different > r->different ? different : r->different;
    r->unrecorded = unrecorded > r->unrecorded ? unrecorded : r->unrecorded;
}

/** An earlier cell whose runs get the same variables; -1: none. */
static int find_alike(const cnn_rank_context *context, int cell)
{
    const cnn_job *job = context->job;
    const cnn_treatment t = cnn_job_treatment(job, context->design->cells[cell].levels);
    for (int c = 0; c < cell; c++) {
        const cnn_treatment u = cnn_job_treatment(job, context->design->cells[c].levels);
        bool alike = !u.framework->is_simulated;
        for (int i = 0; alike && i < t.setting_count; i++)
            alike = !cnn_setting_variable(t.settings[i]) || t.settings[i] == u.settings[i];
        if (alike)
            return c;
    }
    return -1;
}

/** Settles the place of a cell's environments. Collective. */
static cnn_status record_cell(MPI_Comm comm, cnn_rank_context *context, int cell, record *r)
{
    cnn_status st = CNN_OK;
    cnn_stored_environment mine;
    CNN_TRY(cnn_collective_agree(comm, describe(context, cell, &mine)));
    CNN_TRY(cnn_collective_gather(comm, &mine, sizeof mine, r->of_ranks));
    if (context->rank == 0)
        st = assign(context, r);
    CNN_TRY(cnn_collective_agree(comm, st));
    CNN_TRY(cnn_collective_broadcast(comm, r->place, (size_t)context->size * sizeof *r->place));
    context->environments[cell] = r->place[context->rank];
    count_differences(context, r);
done:
    return st;
}

static cnn_status record_all(MPI_Comm comm, cnn_rank_context *context, record *r)
{
    cnn_status st = CNN_OK;
    for (int c = 0; c < context->design->cell_count; c++) {
        const cnn_treatment t = cnn_job_treatment(context->job, context->design->cells[c].levels);
        const int alike = t.framework->is_simulated ? -1 : find_alike(context, c);
        context->environments[c] = alike >= 0 ? context->environments[alike] : -1;
        if (alike < 0 && !t.framework->is_simulated)
            CNN_TRY(record_cell(comm, context, c, r));
    }
done:
    return st;
}

cnn_status cnn_environments_record(MPI_Comm comm, cnn_rank_context *context,
                                   const cnn_stored_environment *known, int places,
                                   cnn_progress *progress)
{
    cnn_status st = CNN_OK;
    const size_t size = (size_t)context->size;
    record r = {.places = places};
    if (cnn_job_is_simulated(context->job))
        return CNN_OK;
    r.of_ranks = calloc(size, sizeof *r.of_ranks);
    r.place = calloc(size, sizeof *r.place);
    r.known = calloc((size_t)places + 1, sizeof *r.known);
    context->environments =
        calloc((size_t)context->design->cell_count, sizeof *context->environments);
    if (!r.of_ranks || !r.place || !r.known || !context->environments)
        st = cnn_error_set(CNN_ENOMEM, "environments of %zu ranks", size);
    CNN_TRY(cnn_collective_agree(comm, st));
    if (context->rank == 0)
        memcpy(r.known, known, (size_t)places * sizeof *r.known);
    CNN_TRY(record_all(comm, context, &r));
    if (progress) {
        note_cleared(context, progress);
        note_differences(&r, progress);
    }
done:
    free(r.of_ranks);
    free(r.place);
    free(r.known);
    return st;
}
