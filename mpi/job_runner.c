/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/job_runner.h"

#include "analysis/analysis.h"
#include "base/clock.h"
#include "base/text.h"
#include "hdf5io/reader.h"
#include "mpi/closings.h"
#include "mpi/dispatch/allocation.h"
#include "mpi/dispatch/dispatcher.h"
#include "mpi/loop.h"
#include "mpi/mpi_mailbox.h"
#include "mpi/prepare.h"
#include "mpi/progress.h"
#include "mpi/rank_context.h"
#include "mpi/run_environments.h"
#include "mpi/squeue.h"
#include "mpi/stop.h"
#include "mpi/system.h"
#include "mpi/tuning.h"
#include "mpi/worker/process.h"
#include "ranks/collectives.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/** Everything of one invocation. */
typedef struct {
    MPI_Comm comm;
    const cnn_run_options *options;
    cnn_rank_context context;
    cnn_prepared prepared; /* rank 0 */
    cnn_progress_mode mode;
    cnn_progress *progress; /* rank 0 */
    int lost;               /* ranks that have died: no collective call from then on */
} runner;

/* ---- before the first run ------------------------------------------------------------------ */

static cnn_status join(runner *r, MPI_Comm comm)
{
    cnn_status st = CNN_OK;
    CNN_MPI(MPI_Comm_dup(comm, &r->comm));
    CNN_MPI(MPI_Comm_set_errhandler(r->comm, MPI_ERRORS_RETURN));
    CNN_MPI(MPI_Comm_rank(r->comm, &r->context.rank));
    CNN_MPI(MPI_Comm_size(r->comm, &r->context.size));
done:
    return st;
}

/** Copies the state of the file from rank 0 to all ranks. */
static cnn_status share_state(runner *r)
{
    cnn_status st = CNN_OK;
    cnn_rank_context *t = &r->context;
    cnn_prepared *p = &r->prepared;
    CNN_TRY(cnn_collective_broadcast(r->comm, &p->head, sizeof p->head));
    const size_t runs = (size_t)p->head.run_count;
    t->status = calloc(runs, sizeof *t->status);
    t->attempts = calloc(runs, sizeof *t->attempts);
    if (!t->status || !t->attempts)
        st = cnn_error_set(CNN_ENOMEM, "state of %zu runs", runs);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    if (t->rank == 0) {
        memcpy(t->status, p->state.status, runs * sizeof *t->status);
        memcpy(t->attempts, p->state.attempts, runs * sizeof *t->attempts);
    }
    CNN_TRY(cnn_collective_broadcast(r->comm, t->status, runs * sizeof *t->status));
    CNN_TRY(cnn_collective_broadcast(r->comm, t->attempts, runs * sizeof *t->attempts));
    t->session = p->head.session;
    t->epoch_count = p->head.epoch_count;
done:
    return st;
}

static cnn_status prepare(runner *r)
{
    cnn_status st = CNN_OK;
    cnn_rank_context *t = &r->context;
    int live = 0;
    CNN_TRY(cnn_placement_find(r->comm, t->job, r->options->argv0, &t->devices, &t->places));
    if (t->rank == 0)
        st = cnn_prepare(t->job, r->options, t->places, t->size, &t->devices, &r->prepared);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    CNN_TRY(share_state(r));
    st = cnn_design_create(t->job, r->prepared.head.device_count, &t->design);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    if (t->rank == 0) {
        r->mode = cnn_progress_settle(r->options->progress);
        live = r->mode == CNN_PROGRESS_LIVE;
        st = cnn_progress_create(r->mode, t, &r->progress);
    }
    CNN_TRY(cnn_collective_agree(r->comm, st));
    CNN_TRY(cnn_collective_broadcast(r->comm, &live, sizeof live));
    t->live = live;
done:
    return st;
}

/** Rank 0 prints the places of all ranks and the number of runs. */
static void announce(runner *r)
{
    const cnn_rank_context *t = &r->context;
    cnn_text table = {0};
    int open = 0, finished = 0;
    for (int run = 0; run < t->design->run_count; run++)
        *(cnn_run_is_finished(t, run) ? &finished : &open) += 1;
    cnn_placement_describe(t->places, t->size, &table);
    if (table.s)
        cnn_progress_text(r->progress, table.s);
    cnn_text_free(&table);
    if (cnn_heartbeat_trouble(t->heartbeat))
        cnn_progress_note(r->progress, "%s", cnn_heartbeat_trouble(t->heartbeat));
    cnn_progress_note(r->progress, "%s: %d runs to do, %d finished; backend %s; results in %s",
                      t->job->name, open, finished, t->devices.reason, t->job->output);
}

/* ---- the runs ------------------------------------------------------------------------------ */

static cnn_status open_session(runner *r)
{
    cnn_status st = CNN_OK;
    cnn_rank_context *t = &r->context;
    CNN_TRY(cnn_writer_open(t->job->output, r->comm, &t->writer));
    t->store = cnn_writer_store(t->writer);
    if (t->rank == 0)
        st = cnn_file_watch_create(t->job->output, t->writer, &t->watch);
    if (t->rank == 0 && st == CNN_OK)
        st = cnn_writer_session(t->writer, t->session, cnn_clock_wall(), t->size);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    if (r->progress && !cnn_writer_excludes_others(t->writer))
        cnn_progress_note(r->progress,
                          "this file system cannot keep other programs from writing to %s: open it "
                          "for reading only while the job runs",
                          t->job->output);
done:
    return st;
}

/** Asks Slurm when the allocation ends, and prints it. */
static cnn_status ask_for_end(runner *r, cnn_allocation **out)
{
    cnn_status st = CNN_OK;
    cnn_end_source *source = NULL;
    char end[32];
    CNN_TRY(cnn_squeue_create(r->context.commands->helper, &source));
    CNN_TRY(cnn_allocation_create(source, r->context.system, out));
    const double left = cnn_allocation_left(*out);
    if (cnn_allocation_trouble(*out)) {
        cnn_progress_note(r->progress, "the end of the Slurm allocation is unknown: %s",
                          cnn_allocation_trouble(*out));
    } else if (!isinf(left)) {
        cnn_clock_format(cnn_clock_wall() + left, end, sizeof end);
        cnn_progress_note(r->progress,
                          "the Slurm allocation ends at %s: no block begins that would "
                          "end later",
                          end);
    }
done:
    return st;
}

/** Lets the last messages leave; those to the dead never do. */
static void send_last_messages(const runner *r)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 200 && !cnn_mailbox_is_sent(r->context.mailbox); i++)
        nanosleep(&pause, NULL);
}

/** What the loop leaves to be settled: together, or by each rank alone where one has died. */
static cnn_status settle(runner *r, cnn_status st, const cnn_dispatcher *dispatcher)
{
    if (st == CNN_OK && r->context.watch)
        st = cnn_file_watch_finish(r->context.watch);
    if (r->lost == 0) {
        cnn_heartbeat_set_phase(r->context.heartbeat, CNN_HEARTBEAT_TOGETHER);
        return cnn_collective_agree(r->comm, st);
    }
    send_last_messages(r);
    if (st == CNN_OK && dispatcher && cnn_dispatcher_is_broken(dispatcher))
        st = cnn_error_set(CNN_EENV, "another rank could not continue; its own message says why");
    return st;
}

/** The loop of every rank, between its set-up and the agreement on how it went. *signal: that
 * stopped it, on rank 0. */
static cnn_status work(runner *r, int *signal)
{
    cnn_status st = CNN_OK;
    cnn_dispatcher *dispatcher = NULL;
    cnn_allocation *allocation = NULL;
    cnn_stop_handlers before;
    cnn_stop_watch(&before);
    CNN_TRY(cnn_environments_record(r->comm, &r->context, r->prepared.environments,
                                    CNN_ENVIRONMENT_PLACES, r->progress));
    CNN_TRY(cnn_tune(r->comm, &r->context, r->prepared.tunings, r->prepared.head.tuning_places,
                     r->progress, signal));
    if (*signal)
        goto done;
    st = cnn_mpi_mailbox_create(r->comm, &r->context.mailbox);
    if (st == CNN_OK)
        st = cnn_processes_create(&r->context, &r->context.trainers);
    if (st == CNN_OK && r->context.rank == 0)
        st = ask_for_end(r, &allocation);
    if (st == CNN_OK && r->context.rank == 0)
        st = cnn_dispatcher_create(&r->context, r->progress, r->prepared.state.known_durations,
                                   r->prepared.state.consistency, allocation, &dispatcher);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    cnn_heartbeat_set_phase(r->context.heartbeat, CNN_HEARTBEAT_APART);
    st = cnn_loop_run(&r->context, dispatcher, r->progress, &r->lost);
    if (st == CNN_EMPI)
        goto done;
    if (dispatcher)
        *signal = cnn_dispatcher_signal(dispatcher);
    st = settle(r, st, dispatcher);
done:
    cnn_stop_unwatch(&before);
    cnn_trainers_destroy(&r->context.trainers);
    cnn_dispatcher_destroy(&dispatcher);
    cnn_allocation_destroy(&allocation);
    return st;
}

/** Receives the messages that are still on their way (a signal at the very end). */
static cnn_status empty_mailbox(runner *r)
{
    cnn_status st = CNN_OK;
    cnn_message body;
    cnn_tag tag;
    bool received = true;
    int from, waiting = 1;
    while (waiting) {
        CNN_TRY(cnn_mailbox_receive(r->context.mailbox, &received, &from, &tag, &body));
        waiting = received || !cnn_mailbox_is_sent(r->context.mailbox);
        CNN_TRY(cnn_collective_max(r->comm, waiting, &waiting));
    }
done:
    return st;
}

/** Whether the results file still has the runs that this session knows to be finished. Rank 0 reads
 *  it; the others print nothing. */
static bool are_runs_kept(const runner *r)
{
    const cnn_rank_context *t = &r->context;
    cnn_results *results = NULL;
    if (t->rank != 0)
        return true;
    bool kept = cnn_results_read(t->job->output, &results) == CNN_OK &&
                results->run_count == t->design->run_count;
    for (int run = 0; kept && run < results->run_count; run++)
        kept = !cnn_run_is_finished(t, run) || results->status[run] == t->status[run];
    cnn_results_free(&results);
    return kept;
}

/** Closes the file; st: what came before, whose message stays. Not after CNN_EMPI: the agreement on
 * the closing would never come. Collective otherwise. */
static cnn_status close_file(runner *r, cnn_status st)
{
    cnn_status closed = CNN_OK;
    char *why = NULL;
    if (st == CNN_EMPI)
        return st;
    if (st != CNN_OK)
        why = cnn_strdup(cnn_error_message());
    closed =
        r->lost ? cnn_writer_close_alone(&r->context.writer) : cnn_writer_close(&r->context.writer);
    if (st != CNN_OK && closed != CNN_EMPI)
        cnn_error_set(st, "%s", why ? why : "out of memory");
    free(why);
    why = NULL;
    st = st == CNN_OK || closed == CNN_EMPI ? closed : st;
    if (st != CNN_OK && st != CNN_EMPI && !cnn_file_watch_is_lost(r->context.watch)) {
        why = cnn_strdup(cnn_error_message());
        cnn_error_set(st, "%s; %s", why ? why : "out of memory",
                      are_runs_kept(r) ? "finished runs are kept: continue with --resume"
                                       : "its finished runs cannot be read any more");
    }
    free(why);
    return st;
}

/** Opens the file, works, and closes it. */
static cnn_status work_on_file(runner *r, int *signal)
{
    cnn_status st = CNN_OK;
    CNN_TRY(open_session(r));
    st = work(r, signal);
    if (st == CNN_OK && r->context.mailbox && r->lost == 0)
        st = empty_mailbox(r);
done:
    if (st != CNN_EMPI && r->lost == 0)
        cnn_mailbox_destroy(&r->context.mailbox);
    st = close_file(r, st);
    return r->lost ? cnn_closings_gather(&r->context, r->lost, st) : st;
}

/** All runs that are not finished. */
static cnn_status run_all(runner *r, int *signal)
{
    cnn_status st = CNN_OK;
    cnn_rank_context *t = &r->context;
    if (r->prepared.head.complete) {
        if (r->progress)
            cnn_progress_note(r->progress, "every run of '%s' is finished: nothing to do",
                              t->job->output);
        return CNN_OK;
    }
    st = cnn_trainer_commands_create(t->job, t->design, t->devices.backend, r->options->argv0,
                                     &t->commands);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    if (t->rank == 0)
        st = cnn_prepared_make_file(&r->prepared, t->job, t->design, &t->devices);
    CNN_TRY(cnn_collective_agree(r->comm, st));
    if (r->progress)
        announce(r);
    CNN_TRY(work_on_file(r, signal));
done:
    return st;
}

/* ---- after the last run -------------------------------------------------------------------- */

/** Stores the analysis in the file. It is read with serial HDF5 while nobody has it open. After a
 *  death rank 0 alone opens it again, once the others have closed it. */
static cnn_status analyse(runner *r)
{
    cnn_status st = CNN_OK;
    cnn_rank_context *t = &r->context;
    const MPI_Comm comm = r->lost ? MPI_COMM_SELF : r->comm;
    cnn_results *results = NULL;
    cnn_analysis *analysis = NULL;
    if (t->rank == 0) {
        st = cnn_results_read(t->job->output, &results);
        if (st == CNN_OK)
            st = cnn_analysis_create(results, 1, &analysis);
    }
    CNN_TRY(cnn_collective_agree(comm, st));
    CNN_TRY(cnn_writer_open(t->job->output, comm, &t->writer));
    if (t->rank == 0)
        st = cnn_writer_analysis(t->writer, analysis);
    CNN_TRY(close_file(r, cnn_collective_agree(comm, st)));
done:
    cnn_analysis_destroy(&analysis);
    cnn_results_free(&results);
    return st;
}

static cnn_status share_outcome(runner *r, int signal, cnn_run_outcome *out)
{
    const cnn_rank_context *t = &r->context;
    cnn_run_outcome sum = {.signal = signal, .lost = r->lost};
    for (int run = 0; run < t->design->run_count; run++) {
        if (t->design->blocks[t->design->runs[run].block].warmup)
            continue;
        sum.planned++;
        sum.done += t->status[run] == CNN_RUN_DONE;
        sum.diverged += t->status[run] == CNN_RUN_DIVERGED;
        sum.failed += t->status[run] == CNN_RUN_FAILED;
        sum.missing += t->status[run] == CNN_RUN_PLANNED;
    }
    *out = sum;
    if (r->lost)
        return CNN_OK;
    return cnn_collective_broadcast(r->comm, out, sizeof *out);
}

static void leave(runner *r, cnn_status st)
{
    cnn_rank_context *t = &r->context;
    cnn_progress_destroy(&r->progress);
    cnn_trainer_commands_destroy(&t->commands);
    cnn_tuning_free(t);
    cnn_file_watch_destroy(&t->watch);
    cnn_design_destroy(&t->design);
    free(t->places);
    cnn_devices_close(&t->devices);
    free(t->status);
    free(t->attempts);
    free(t->environments);
    if (t->rank == 0)
        cnn_prepared_free(&r->prepared);
    if (r->comm != MPI_COMM_NULL && st != CNN_EMPI && r->lost == 0)
        MPI_Comm_free(&r->comm);
}

cnn_status cnn_job_runner_run(MPI_Comm comm, const cnn_job *job, const cnn_run_options *options,
                              cnn_run_outcome *out)
{
    cnn_status st = CNN_OK;
    int signal = 0;
    runner r = {.comm = MPI_COMM_NULL,
                .options = options,
                .context = {.job = job,
                            .system = cnn_system_real(),
                            .heartbeat = options->heartbeat,
                            .losses = cnn_heartbeat_losses(options->heartbeat)}};
    *out = (cnn_run_outcome){0};
    cnn_stop_watch_late();
    CNN_TRY(join(&r, comm));
    CNN_TRY(prepare(&r));
    r.context.home = r.prepared.state.home;
    CNN_TRY(run_all(&r, &signal));
    CNN_TRY(share_outcome(&r, signal, out));
    if (r.lost && r.context.rank != 0)
        goto done;
    /* Also where nothing was left to do: the session before may have ended at this point. */
    if (out->missing == 0)
        CNN_TRY(analyse(&r));
done:
    out->lost = r.lost;
    leave(&r, st);
    return st;
}
