/* SPDX-License-Identifier: Apache-2.0 */
/** The dispatcher's states: whole jobs over a mailbox in memory, and messages at the wrong time. */
#include "mpi/dispatch/dispatcher.h"
#include "mpi/dispatch/states.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RANKS = 3 };

/** What was sent to each rank last, and how many messages of each kind in all. */
typedef struct {
    cnn_mailbox box;
    cnn_message_block work[RANKS];
    int blocks, stops, ends, grants, lost; /* lost: as the last end said */
    bool agrees;                           /* the last answer to a trainer's report */
} memory_mailbox;

typedef struct {
    cnn_job *job;
    cnn_rank_context context;
    cnn_place places[RANKS];
    memory_mailbox mail;
    cnn_progress *progress;
    cnn_dispatcher *dispatcher;
    cnn_consistency *consistency;
} fixture;

/** Keeps the row. */
static cnn_quarantine recorded;

static cnn_status write_quarantine(cnn_store *store, int session, const cnn_quarantine *row)
{
    (void)store;
    (void)session;
    recorded = *row;
    return CNN_OK;
}

static cnn_status send_message(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n)
{
    memory_mailbox *m = (memory_mailbox *)box;
    if (tag == CNN_TAG_BLOCK)
        memcpy(&m->work[to], body, n);
    m->blocks += tag == CNN_TAG_BLOCK;
    m->stops += tag == CNN_TAG_STOP;
    m->ends += tag == CNN_TAG_END;
    m->grants += tag == CNN_TAG_GRANTED;
    if (tag == CNN_TAG_CHECKED)
        m->agrees = ((const cnn_message_checked *)body)->agrees;
    if (tag == CNN_TAG_END)
        m->lost = ((const cnn_message_end *)body)->lost;
    return CNN_OK;
}

static void set_up(fixture *f)
{
    static const char text[] =
        "name: states\nrepeats: 4\nseed: 5\nfactors:\n  framework: [native, layered]\n"
        "  architecture: [arch1]\n  dataset: [a]\ndatasets:\n  a: {type: synthetic}\n";
    static const double known[2] = {0};
    static cnn_store store = {.write_quarantine = write_quarantine};
    memset(f, 0, sizeof *f);
    f->mail.box.send = send_message;
    if (cnn_job_parse("states.yaml", text, NULL, &f->job) != CNN_OK ||
        cnn_design_create(f->job, RANKS, &f->context.design) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    f->context.job = f->job;
    f->context.size = RANKS;
    f->context.places = f->places;
    f->context.mailbox = &f->mail.box;
    f->context.system = cnn_system_real();
    f->context.store = &store;
    f->context.status = calloc((size_t)f->context.design->run_count, 1);
    f->context.attempts = calloc((size_t)f->context.design->run_count, sizeof *f->context.attempts);
    assert_non_null(f->context.status);
    assert_non_null(f->context.attempts);
    assert_int_equal(cnn_consistency_create(f->job, f->context.design, &f->consistency), CNN_OK);
    assert_int_equal(cnn_progress_create(CNN_PROGRESS_QUIET, &f->context, &f->progress), CNN_OK);
    assert_int_equal(cnn_dispatcher_create(&f->context, f->progress, known, f->consistency, NULL,
                                           &f->dispatcher),
                     CNN_OK);
}

static void tear_down(fixture *f)
{
    cnn_dispatcher_destroy(&f->dispatcher);
    cnn_progress_destroy(&f->progress);
    cnn_consistency_destroy(&f->consistency);
    free(f->context.status);
    free(f->context.attempts);
    cnn_design_destroy(&f->context.design);
    cnn_job_destroy(&f->job);
}

static cnn_status report(fixture *f, int rank, cnn_tag tag, const cnn_message *m)
{
    return cnn_dispatcher_receive(f->dispatcher, rank, tag, m);
}

/** Reports one run of a rank's block. */
static cnn_status report_run(fixture *f, int rank, int level)
{
    const cnn_block *block = &f->context.design->blocks[f->mail.work[rank].block];
    const cnn_message m = {
        .run = {.run = cnn_block_run(block, level), .status = CNN_RUN_DONE, .attempts = 1}};
    return report(f, rank, CNN_TAG_RUN, &m);
}

static void test_dispatcher_gives_every_run_once_and_ends(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    for (int r = 0; r < RANKS; r++)
        assert_int_equal(report(&f, r, CNN_TAG_IDLE, NULL), CNN_OK);
    for (int left = 4, r = 0; left > 0; r = (r + 1) % RANKS) {
        const int before = f.mail.blocks;
        if (f.mail.work[r].block < 0)
            continue;
        for (int l = 0; l < 2; l++)
            assert_int_equal(report_run(&f, r, l), CNN_OK);
        left--;
        f.mail.work[r].block = -1;
        assert_int_equal(f.mail.ends, 0);
        assert_int_equal(report(&f, r, CNN_TAG_IDLE, NULL), CNN_OK);
        assert_true(f.mail.blocks <= before + 1);
    }
    assert_int_equal(f.mail.blocks, 4);
    assert_int_equal(f.mail.ends, RANKS);
    for (int run = 0; run < f.context.design->run_count; run++)
        assert_int_equal(f.context.status[run], CNN_RUN_DONE);
    tear_down(&f);
}

static void test_dispatcher_refuses_reports_at_the_wrong_time(void **state)
{
    (void)state;
    const cnn_message m = {.run = {.run = 0, .status = CNN_RUN_DONE, .attempts = 1}};
    fixture f;
    set_up(&f);
    /* A rank that has no block yet has nothing to report. */
    assert_int_equal(report(&f, 1, CNN_TAG_RUN, &m), CNN_EINVAL);
    assert_non_null(strstr(cnn_error_message(), "rank 1 is starting"));
    assert_int_equal(f.context.status[0], CNN_RUN_PLANNED);
    /* Neither has a broken one. */
    assert_int_equal(report(&f, 1, CNN_TAG_BROKEN, NULL), CNN_OK);
    assert_int_equal(report(&f, 1, CNN_TAG_RUN, &m), CNN_EINVAL);
    assert_int_equal(report(&f, 1, CNN_TAG_IDLE, NULL), CNN_EINVAL);
    tear_down(&f);
}

static void test_dispatcher_stops_at_a_broken_rank(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    for (int r = 0; r < RANKS; r++)
        assert_int_equal(report(&f, r, CNN_TAG_IDLE, NULL), CNN_OK);
    assert_int_equal(report(&f, 2, CNN_TAG_BROKEN, NULL), CNN_OK);
    assert_int_equal(f.mail.stops, RANKS);
    assert_int_equal(f.mail.blocks, RANKS);
    for (int r = 0; r < 2; r++) {
        assert_int_equal(f.mail.ends, 0);
        assert_int_equal(report(&f, r, CNN_TAG_IDLE, NULL), CNN_OK);
    }
    assert_int_equal(f.mail.blocks, RANKS); /* no new block */
    assert_int_equal(f.mail.ends, RANKS);
    tear_down(&f);
}

static void test_dispatcher_takes_signals_also_after_the_end(void **state)
{
    (void)state;
    const cnn_message m = {.stop = {.signal = SIGTERM}};
    fixture f;
    set_up(&f);
    for (int r = 0; r < RANKS; r++)
        assert_int_equal(report(&f, r, CNN_TAG_SIGNAL, &m), CNN_OK);
    for (int r = 0; r < RANKS; r++)
        assert_int_equal(report(&f, r, CNN_TAG_IDLE, NULL), CNN_OK);
    assert_int_equal(f.mail.blocks, 0);
    assert_int_equal(f.mail.ends, RANKS);
    assert_int_equal(report(&f, 0, CNN_TAG_SIGNAL, &m), CNN_OK);
    assert_int_equal(f.mail.ends, RANKS);
    assert_int_equal(cnn_dispatcher_signal(f.dispatcher), SIGTERM);
    tear_down(&f);
}

/** Reports everything of a rank's block, and that it is idle. */
static void finish_block(fixture *f, int rank)
{
    for (int l = 0; l < 2; l++)
        if (f->mail.work[rank].task[l] != CNN_TASK_NONE)
            assert_int_equal(report_run(f, rank, l), CNN_OK);
    f->mail.work[rank].block = -1;
    assert_int_equal(report(f, rank, CNN_TAG_IDLE, NULL), CNN_OK);
}

/** Finishes whatever the ranks below `ranks` have been given. */
static void finish_all(fixture *f, int ranks)
{
    for (bool any = true; any;) {
        any = false;
        for (int r = 0; r < ranks; r++)
            if (f->mail.work[r].block >= 0) {
                any = true;
                finish_block(f, r);
            }
    }
}

static int count_runs(const fixture *f, cnn_run_status status)
{
    int n = 0;
    for (int run = 0; run < f->context.design->run_count; run++)
        n += f->context.status[run] == (int8_t)status;
    return n;
}

static void begin(fixture *f)
{
    set_up(f);
    for (int r = 0; r < RANKS; r++)
        f->mail.work[r].block = -1;
    for (int r = 0; r < RANKS; r++)
        assert_int_equal(report(f, r, CNN_TAG_IDLE, NULL), CNN_OK);
}

/** Rank 2 dies amid its block: that is repeated whole, also its finished run, elsewhere. */
static void test_dispatcher_repeats_the_block_of_a_dead_rank(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    const int block = f.mail.work[2].block;
    assert_int_equal(report_run(&f, 2, 0), CNN_OK);
    assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &(cnn_loss){.rank = 2, .ended = true}),
                     CNN_OK);
    assert_non_null(strstr(recorded.devices, "(rank 2): its rank has died"));
    /* What it sent before is ignored: its run is repeated anyway. */
    assert_int_equal(report_run(&f, 2, 1), CNN_OK);
    assert_int_equal(report(&f, 2, CNN_TAG_IDLE, NULL), CNN_OK);
    f.mail.work[2].block = -1;
    bool seen = false;
    for (bool any = true; any;) {
        any = false;
        for (int r = 0; r < 2; r++) {
            if (f.mail.work[r].block < 0)
                continue;
            any = true;
            if (f.mail.work[r].block == block) {
                seen = true;
                assert_int_equal(f.mail.work[r].task[0], CNN_TASK_RETRAIN);
                assert_int_equal(f.mail.work[r].task[1], CNN_TASK_TRAIN);
            }
            finish_block(&f, r);
        }
    }
    assert_true(seen);
    assert_int_equal(count_runs(&f, CNN_RUN_DONE), f.context.design->run_count);
    assert_int_equal(f.mail.ends, 2); /* none to the dead */
    assert_int_equal(f.mail.lost, 1);
    tear_down(&f);
}

/** Reports a trainer's set-up. Whether it may go on. */
static bool report_ready(fixture *f, int rank, int run, int parameters)
{
    const cnn_message m = {.ready = {run, {parameters, -1, -1, ""}}};
    assert_int_equal(report(f, rank, CNN_TAG_READY, &m), CNN_OK);
    return f->mail.agrees;
}

/** A result that is kept, as its repetition fails, stands with its trainer's report. */
static void test_dispatcher_keeps_the_report_of_a_kept_result(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    const int block = f.mail.work[2].block,
              kept = cnn_block_run(&f.context.design->blocks[block], 0);
    assert_true(report_ready(&f, 2, kept, 500));
    assert_int_equal(report_run(&f, 2, 0), CNN_OK);
    assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &(cnn_loss){.rank = 2, .ended = true}),
                     CNN_OK);
    f.mail.work[2].block = -1;
    int rank = 0;
    while (f.mail.work[rank].block != block) {
        finish_block(&f, rank);
        rank = !rank;
    }
    const cnn_message failed = {
        .run = {.run = kept, .status = CNN_RUN_FAILED, .attempts = 3, .kept = 1}};
    assert_int_equal(report(&f, rank, CNN_TAG_RUN, &failed), CNN_OK);
    assert_int_equal(f.context.status[kept], CNN_RUN_DONE);
    for (int run = 0; run < f.context.design->run_count; run++)
        if (run != kept && f.context.design->runs[run].cell == f.context.design->runs[kept].cell) {
            assert_false(report_ready(&f, rank, run, 700));
            assert_true(report_ready(&f, rank, run, 500));
        }
    tear_down(&f);
}

/** Rank 1 falls silent with leave to write: nobody else may write that block's rows, but they may
 *  where its process has ended. */
static void test_dispatcher_leaves_the_block_that_may_still_be_written(void **state)
{
    (void)state;
    for (int ended = 0; ended < 2; ended++) {
        fixture f;
        begin(&f);
        const int block = f.mail.work[1].block;
        const int run = cnn_block_run(&f.context.design->blocks[block], 0);
        const cnn_message m = {.write = {.run = run, .may_finish = 1}};
        assert_int_equal(report(&f, 1, CNN_TAG_WRITE, &m), CNN_OK);
        assert_int_equal(f.mail.grants, 1);
        const cnn_loss loss = {.rank = 1, .ended = ended, .silence = 130};
        assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &loss), CNN_OK);
        f.mail.work[1].block = -1;
        finish_all(&f, RANKS);
        assert_int_equal(count_runs(&f, CNN_RUN_PLANNED), ended ? 0 : 2);
        assert_int_equal(f.context.status[run], ended ? CNN_RUN_DONE : CNN_RUN_PLANNED);
        assert_int_equal(f.mail.ends, 2);
        /* It wakes up, and gets no leave. */
        assert_int_equal(report(&f, 1, CNN_TAG_WRITE, &m), CNN_OK);
        assert_int_equal(f.mail.grants, 1);
        tear_down(&f);
    }
}

/** Rank 2 dies with leave to write. What its run reported binds the cell's other runs only where its
 *  row may have got a result. */
static void test_dispatcher_keeps_the_report_of_a_row_that_may_be_written(void **state)
{
    (void)state;
    for (int may_finish = 0; may_finish < 2; may_finish++) {
        fixture f;
        begin(&f);
        const cnn_design *design = f.context.design;
        const int run = cnn_block_run(&design->blocks[f.mail.work[2].block], 0);
        const cnn_message m = {.write = {.run = run, .may_finish = may_finish}};
        assert_true(report_ready(&f, 2, run, 700));
        assert_int_equal(report(&f, 2, CNN_TAG_WRITE, &m), CNN_OK);
        assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &(cnn_loss){.rank = 2, .ended = true}),
                         CNN_OK);
        for (int other = 0; other < design->run_count; other++)
            if (other != run && design->runs[other].cell == design->runs[run].cell) {
                assert_int_equal(report_ready(&f, 0, other, 500), !may_finish);
                break;
            }
        tear_down(&f);
    }
}

/** Ranks that wait get the blocks of one that dies, and the job does not wait for the dead. */
static void test_dispatcher_gives_waiting_ranks_a_dead_ones_blocks(void **state)
{
    (void)state;
    fixture f;
    begin(&f);
    finish_all(&f, 2); /* 0 and 1 wait, 2 has all that is left */
    assert_int_equal(f.mail.ends, 0);
    assert_true(f.mail.work[2].block >= 0);
    assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &(cnn_loss){.rank = 2, .ended = true}),
                     CNN_OK);
    assert_true(f.mail.work[0].block >= 0 || f.mail.work[1].block >= 0);
    finish_all(&f, 2);
    assert_int_equal(count_runs(&f, CNN_RUN_DONE), f.context.design->run_count);
    assert_int_equal(f.mail.ends, 2);
    tear_down(&f);
}

/** Ranks that die before they ask, while the job stops, and after they broke. */
static void test_dispatcher_ends_without_the_dead_in_every_state(void **state)
{
    (void)state;
    const cnn_message m = {.stop = {.signal = SIGTERM}};
    fixture f;
    set_up(&f);
    assert_int_equal(report(&f, 0, CNN_TAG_SIGNAL, &m), CNN_OK);
    assert_int_equal(report(&f, 0, CNN_TAG_IDLE, NULL), CNN_OK);
    assert_int_equal(report(&f, 2, CNN_TAG_BROKEN, NULL), CNN_OK);
    assert_int_equal(f.mail.ends, 0);
    for (int rank = 2; rank > 0; rank--)
        assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &(cnn_loss){.rank = rank}), CNN_OK);
    assert_int_equal(f.mail.ends, 1);
    assert_int_equal(f.mail.lost, 2);
    assert_int_equal(f.mail.blocks, 0);
    /* Nobody dies twice. */
    assert_int_equal(cnn_dispatcher_lose(f.dispatcher, &(cnn_loss){.rank = 1}), CNN_EINVAL);
    tear_down(&f);
}

/** The states that no other leaves: what is final stays final. */
static void test_states_that_are_final(void **state)
{
    (void)state;
    for (int e = 0; e < CNN_RANK_EVENT_COUNT; e++) {
        const bool breaks = e == CNN_RANK_BREAKS, dies = e == CNN_RANK_DIES;
        cnn_rank_state broken = CNN_RANK_BROKEN, quarantined = CNN_RANK_QUARANTINED;
        cnn_rank_state lost = CNN_RANK_LOST;
        assert_int_equal(cnn_rank_transition(&lost, (cnn_rank_event)e, 0), CNN_EINVAL);
        assert_int_equal(lost, CNN_RANK_LOST);
        assert_int_equal(cnn_rank_transition(&broken, (cnn_rank_event)e, 0),
                         dies ? CNN_OK : CNN_EINVAL);
        assert_int_equal(cnn_rank_transition(&quarantined, (cnn_rank_event)e, 0),
                         breaks || dies ? CNN_OK : CNN_EINVAL);
    }
    cnn_job_state ended = CNN_JOB_ENDED;
    assert_int_equal(cnn_job_transition(&ended, CNN_JOB_IS_DONE), CNN_EINVAL);
    assert_int_equal(cnn_job_transition(&ended, CNN_JOB_IS_STOPPED), CNN_OK);
    assert_int_equal(ended, CNN_JOB_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatcher_gives_every_run_once_and_ends),
        cmocka_unit_test(test_dispatcher_refuses_reports_at_the_wrong_time),
        cmocka_unit_test(test_dispatcher_stops_at_a_broken_rank),
        cmocka_unit_test(test_dispatcher_takes_signals_also_after_the_end),
        cmocka_unit_test(test_dispatcher_repeats_the_block_of_a_dead_rank),
        cmocka_unit_test(test_dispatcher_keeps_the_report_of_a_kept_result),
        cmocka_unit_test(test_dispatcher_leaves_the_block_that_may_still_be_written),
        cmocka_unit_test(test_dispatcher_keeps_the_report_of_a_row_that_may_be_written),
        cmocka_unit_test(test_dispatcher_gives_waiting_ranks_a_dead_ones_blocks),
        cmocka_unit_test(test_dispatcher_ends_without_the_dead_in_every_state),
        cmocka_unit_test(test_states_that_are_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
