/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/tuning.h"

#include "base/clock.h"
#include "base/text.h"
#include "mpi/stop.h"
#include "mpi/worker/limit.h"
#include "mpi/worker/run_record.h"
#include "mpi/worker/start.h"
#include "ranks/collectives.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)CNN_ALGORITHMS_ROOM >= (int)CNN_ALGORITHMS_SIZE,
               "an algorithm text fits its place in the file");
_Static_assert((int)CNN_TIMINGS_ROOM >= (int)CNN_TIMINGS_SIZE, "so do the timings");

static const double longest_wait = 0.05; /* seconds: longest delay before a signal is handled */

typedef struct {
    MPI_Comm comm;
    cnn_rank_context *context;
    bool *tuned;      /* [cell_count] cells whose algorithms are frozen */
    cnn_tuning *rows; /* [places] as the file has them; every rank keeps them alike */
    int places;
    cnn_tuning *replies; /* [size] of one round; cell -1: that rank has none */
    cnn_progress *progress;
} tuning;

int cnn_tuned_cells(const cnn_job *job, const cnn_design *design, const cnn_devices *devices,
                    bool *tuned)
{
    int count = 0;
    for (int c = 0; c < design->cell_count; c++) {
        const cnn_treatment t = cnn_job_treatment(job, design->cells[c].levels);
        const bool is = devices->backend == CNN_BACKEND_CUDNN &&
                        cnn_framework_is_own(t.framework) && t.train.autotune;
        count += is;
        if (tuned)
            tuned[c] = is;
    }
    return count;
}

/* ---- what is to be done -------------------------------------------------------------------- */

static const char *model_of(const tuning *t, int rank)
{
    return t->context->places[rank].device_model;
}

/** The row of a cell on a device model; NULL: none. */
static const cnn_tuning *find_row(const tuning *t, int cell, const char *model)
{
    for (int i = 0; i < t->places; i++)
        if (t->rows[i].cell == cell && strcmp(t->rows[i].model, model) == 0)
            return &t->rows[i];
    return NULL;
}

static bool has_open_runs(const cnn_rank_context *context, int cell)
{
    for (int run = 0; run < context->design->run_count; run++)
        if (context->design->runs[run].cell == cell && !cnn_run_is_finished(context, run))
            return true;
    return false;
}

/** Whether a cell lacks its algorithms on a device model. */
static bool is_missing(const tuning *t, int cell, const char *model)
{
    return t->tuned[cell] && !find_row(t, cell, model) && has_open_runs(t->context, cell);
}

/** Its number among the ranks with its device model, and how many they are. */
static int position_of(const tuning *t, int rank, int *ranks)
{
    int position = 0;
    *ranks = 0;
    for (int r = 0; r < t->context->size; r++) {
        if (strcmp(model_of(t, r), model_of(t, rank)) != 0)
            continue;
        position += r < rank;
        ++*ranks;
    }
    return position;
}

/** The cell that a rank asks for in this round: the missing ones of its model go to the model's
 *  ranks in turn; -1: none is left for it. */
static int next_cell(const tuning *t, int rank)
{
    int ranks, position = position_of(t, rank, &ranks);
    for (int c = 0; c < t->context->design->cell_count; c++)
        if (is_missing(t, c, model_of(t, rank)) && position-- == 0)
            return c;
    return -1;
}

static bool is_anything_missing(const tuning *t)
{
    for (int r = 0; r < t->context->size; r++)
        if (next_cell(t, r) >= 0)
            return true;
    return false;
}

/* ---- asking -------------------------------------------------------------------------------- */

/** Ends the trainer; the guard lets go first, as it holds a copy of the order. */
static void end_trainer(const tuning *t, cnn_child *child)
{
    cnn_heartbeat_guard_trainer(t->context->heartbeat, -1);
    cnn_child_kill(child);
}

/** Takes the trainer's lines in until it has ended. *signal: one came, and the trainer was
 *  killed. */
static cnn_status listen(const tuning *t, cnn_child *child, cnn_record *record, int *signal)
{
    cnn_status st = CNN_OK;
    const cnn_limit limit = cnn_limit_of(t->context->job->limits.run_seconds, 0);
    char late[128] = "";
    double silent_since = NAN; /* it has no more to report */
    bool too_long;
    int count;
    while (!cnn_child_ended(child)) {
        CNN_TRY(cnn_child_poll(child, longest_wait));
        for (const char *line; (line = cnn_child_next_line(child, &too_long)) != NULL;)
            if (!cnn_record_line(record, line, too_long))
                end_trainer(t, child);
        const double duration = cnn_child_life_seconds(child);
        if (isnan(silent_since) && (record->done || cnn_child_is_mute(child)))
            silent_since = duration;
        *signal = cnn_stop_signal(&count);
        if (*signal || (!late[0] && !cnn_child_ended(child) &&
                        (cnn_limit_is_end_overdue(duration - silent_since,
                                                  record->done ? "its tuned event"
                                                               : "it had closed its events",
                                                  late, sizeof late) ||
                         cnn_limit_is_passed(&limit, duration, duration, late, sizeof late))))
            end_trainer(t, child);
    }
    CNN_CHECK(cnn_child_left_behind(child) == 0, CNN_EENV,
              "processes of a trainer that tuned did not end; they may still use the device");
    CNN_CHECK(!late[0], CNN_EBACKEND, "%s", late);
done:
    return st;
}

/** Asks a trainer for the algorithms of a cell: reply->algorithms. */
static cnn_status ask(const tuning *t, int cell, cnn_tuning *reply, int *signal)
{
    cnn_status st = CNN_OK;
    const cnn_rank_context *context = t->context;
    cnn_text spec = {0};
    cnn_child *child = NULL;
    cnn_record record = {0};
    CNN_TRY(cnn_record_create(0, &record));
    cnn_record_begin_tuning(&record);
    CNN_TRY(cnn_trainer_command_tuning_spec(context->job, context->design, cell,
                                            &context->places[context->rank], &spec));
    CNN_TRY(cnn_start_trainer(context, cell, spec.s, &child));
    cnn_heartbeat_guard_trainer(context->heartbeat, cnn_child_order(child));
    CNN_TRY(listen(t, child, &record, signal));
    if (*signal)
        goto done;
    const cnn_trainer_end end = {.exit_code = cnn_child_exit_code(child),
                                 .started = cnn_child_was_started(child),
                                 .life_seconds = cnn_child_life_seconds(child),
                                 .log = cnn_child_log_tail(child)};
    CNN_CHECK(cnn_record_judge(&record, &end) == CNN_OUTCOME_DONE, CNN_EBACKEND, "%s",
              record.reason);
    cnn_copy_string(reply->algorithms, sizeof reply->algorithms, record.algorithms);
    cnn_copy_string(reply->timings, sizeof reply->timings, record.timings);
    reply->cell = cell;
done:
    cnn_heartbeat_guard_trainer(context->heartbeat, -1);
    cnn_child_destroy(&child);
    cnn_record_free(&record);
    cnn_text_free(&spec);
    return st;
}

/** This rank's part of a round. */
static cnn_status ask_next(const tuning *t, cnn_tuning *mine, int *signal)
{
    cnn_status st = CNN_OK;
    const int rank = t->context->rank, cell = next_cell(t, rank);
    int count;
    *mine = (cnn_tuning){.cell = -1};
    *signal = cnn_stop_signal(&count);
    if (cell < 0 || *signal)
        return CNN_OK;
    cnn_copy_string(mine->model, sizeof mine->model, model_of(t, rank));
    st = ask(t, cell, mine, signal);
    if (st != CNN_OK)
        cnn_error_prefix(st, "the algorithms of %s on %s (%s) cannot be chosen",
                         t->context->design->cells[cell].label, t->context->places[rank].device,
                         mine->model);
    return st;
}

/* ---- keeping ------------------------------------------------------------------------------- */

static cnn_tuning *free_row(const tuning *t)
{
    for (int i = 0; i < t->places; i++)
        if (t->rows[i].cell < 0)
            return &t->rows[i];
    return NULL;
}

/** Keeps the replies of a round; rank 0 writes them. Its failures are agreed upon by the caller. */
static cnn_status keep(tuning *t)
{
    cnn_status st = CNN_OK;
    for (int r = 0; r < t->context->size; r++) {
        if (t->replies[r].cell < 0)
            continue;
        cnn_tuning *row = free_row(t);
        CNN_CHECK(row != NULL, CNN_EIO,
                  "the results file has places for the algorithms of %d device models, and %s is "
                  "one more: begin another file",
                  CNN_TUNING_MODELS, t->replies[r].model);
        *row = t->replies[r];
        if (t->context->rank == 0)
            CNN_TRY(cnn_writer_tuning(t->context->writer, (int)(row - t->rows), row));
    }
done:
    return st;
}

/** Every rank asks for one cell at most. *signal: of any rank. Collective. */
static cnn_status do_round(tuning *t, int *signal)
{
    cnn_status st = CNN_OK;
    cnn_tuning mine;
    int own = 0;
    CNN_TRY(cnn_collective_agree(t->comm, ask_next(t, &mine, &own)));
    CNN_TRY(cnn_collective_gather(t->comm, &mine, sizeof mine, t->replies));
    CNN_TRY(cnn_collective_agree(t->comm, keep(t)));
    CNN_TRY(cnn_collective_max(t->comm, own, signal));
done:
    return st;
}

static cnn_status do_rounds(tuning *t, int *signal)
{
    cnn_status st = CNN_OK;
    const double start = cnn_clock_monotonic();
    if (!is_anything_missing(t))
        return CNN_OK;
    if (t->progress)
        cnn_progress_note(t->progress, "choosing algorithms, once for each cell and device model");
    while (*signal == 0 && is_anything_missing(t))
        CNN_TRY(do_round(t, signal));
    if (t->progress && *signal)
        cnn_progress_stopping(t->progress, *signal, 0);
    else if (t->progress)
        cnn_progress_note(t->progress, "algorithms chosen and frozen in the file in %.1f s",
                          cnn_clock_monotonic() - start);
done:
    return st;
}

/** Gives this rank's runs the algorithms of their cells. */
static cnn_status hand_over(const tuning *t)
{
    cnn_status st = CNN_OK;
    cnn_rank_context *context = t->context;
    for (int c = 0; c < context->design->cell_count; c++) {
        const cnn_tuning *row = t->tuned[c] ? find_row(t, c, model_of(t, context->rank)) : NULL;
        if (!row)
            continue;
        context->algorithms[c] = cnn_strdup(row->algorithms);
        CNN_CHECK(context->algorithms[c] != NULL, CNN_ENOMEM, "algorithms of %s",
                  context->design->cells[c].label);
    }
done:
    return st;
}

static cnn_status allocate(tuning *t, const cnn_tuning *known)
{
    cnn_status st = CNN_OK;
    const size_t cells = (size_t)t->context->design->cell_count, places = (size_t)t->places;
    t->context->algorithms = calloc(cells, sizeof *t->context->algorithms);
    t->tuned = calloc(cells, sizeof *t->tuned);
    t->rows = calloc(places, sizeof *t->rows);
    t->replies = calloc((size_t)t->context->size, sizeof *t->replies);
    CNN_CHECK(t->context->algorithms && t->tuned && t->rows && t->replies, CNN_ENOMEM,
              "algorithms of %zu cells", cells);
    if (t->context->rank == 0)
        memcpy(t->rows, known, places * sizeof *t->rows);
done:
    return st;
}

cnn_status cnn_tune(MPI_Comm comm, cnn_rank_context *context, const cnn_tuning *known, int places,
                    cnn_progress *progress, int *signal)
{
    cnn_status st = CNN_OK;
    tuning t = {.comm = comm, .context = context, .places = places, .progress = progress};
    CNN_TRY(cnn_collective_agree(comm, allocate(&t, known)));
    if (cnn_tuned_cells(context->job, context->design, &context->devices, t.tuned) == 0)
        goto done;
    CNN_TRY(cnn_collective_broadcast(comm, t.rows, (size_t)places * sizeof *t.rows));
    CNN_TRY(do_rounds(&t, signal));
    CNN_TRY(cnn_collective_agree(comm, hand_over(&t)));
done:
    free(t.tuned);
    free(t.rows);
    free(t.replies);
    return st;
}

void cnn_tuning_free(cnn_rank_context *context)
{
    for (int c = 0; context->algorithms && c < context->design->cell_count; c++)
        free(context->algorithms[c]);
    free(context->algorithms);
    context->algorithms = NULL;
}
