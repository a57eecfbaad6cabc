/* SPDX-License-Identifier: Apache-2.0 */
/** Cost of the dispatcher alone: it deals all blocks of a job to ranks that exist only here and
 *  report every run as done at once. Dispatcher, queues and progress are the program's own; a
 *  mailbox in memory counts and delivers messages. Plain progress lines, as in a batch log, go
 *  to /dev/null.
 *
 *  usage: cnnbench-dispatch RUNS RANKS [balanced|dynamic]; prints one JSON object. */
#include "mpi/dispatch/dispatcher.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TENTHS = 10 };

/** A mailbox in memory: the blocks that were sent, and which rank reads next. */
typedef struct {
    cnn_mailbox box; /* first: see mpi/mailbox.h */
    int size;
    cnn_message_block *work; /* [size] */
    int *ring;               /* [size] ring of ranks that have a block */
    int first, waiting;
    int ended; /* ranks that were asked to leave */
    long messages, bytes;
} counting_mailbox;

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static cnn_status send_message(cnn_mailbox *interface, int to, cnn_tag tag, const void *body,
                               size_t n)
{
    counting_mailbox *box = (counting_mailbox *)interface;
    box->messages++;
    box->bytes += (long)n;
    if (tag == CNN_TAG_BLOCK) {
        memcpy(&box->work[to], body, n);
        box->ring[(box->first + box->waiting++) % box->size] = to;
    }
    box->ended += tag == CNN_TAG_END;
    return CNN_OK;
}

static cnn_status make_mailbox(int size, counting_mailbox *box)
{
    cnn_status st = CNN_OK;
    *box = (counting_mailbox){.box = {.send = send_message}, .size = size};
    box->work = calloc((size_t)size, sizeof *box->work);
    box->ring = calloc((size_t)size, sizeof *box->ring);
    CNN_CHECK(box->work && box->ring, CNN_ENOMEM, "mail of %d ranks", size);
done:
    return st;
}

static void free_mailbox(counting_mailbox *box)
{
    free(box->work);
    free(box->ring);
}

/** Two levels of the contrast, 10 combinations, RUNS / 20 repeats. */
static cnn_status make_context(int runs, int ranks, const char *assign, cnn_job **job,
                               counting_mailbox *box, cnn_rank_context *context)
{
    cnn_status st = CNN_OK;
    char text[1024];
    snprintf(text, sizeof text,
             "name: dispatch\nrepeats: %d\nseed: 5\nfactors:\n  framework: [native, layered]\n"
             "  architecture: [arch1, arch2]\n  dataset: [a, b, c, d, e]\n"
             "schedule: {assign: %s}\ndatasets:\n  a: {type: synthetic}\n  b: {type: synthetic}\n"
             "  c: {type: synthetic}\n  d: {type: synthetic}\n  e: {type: synthetic}\n",
             runs / 20 > 0 ? runs / 20 : 1, assign);
    CNN_TRY(cnn_job_parse("dispatch.yaml", text, NULL, job));
    CNN_TRY(cnn_design_create(*job, ranks, &context->design));
    context->job = *job;
    context->size = ranks;
    context->status = calloc((size_t)context->design->run_count, sizeof *context->status);
    context->attempts = calloc((size_t)context->design->run_count, sizeof *context->attempts);
    CNN_CHECK(context->status && context->attempts, CNN_ENOMEM, "state of %d runs", runs);
    CNN_TRY(make_mailbox(ranks, box));
    context->mailbox = &box->box;
    context->system = cnn_system_real();
done:
    return st;
}

/** A message of a rank, counted. */
static cnn_status report(cnn_dispatcher *d, counting_mailbox *box, int from, cnn_tag tag,
                         const cnn_message *m, size_t n)
{
    box->messages++;
    box->bytes += (long)n;
    return cnn_dispatcher_receive(d, from, tag, m);
}

/** Everything of a block is done at once; *done counts runs, seen [run_count] each one's. */
static cnn_status do_block(const cnn_rank_context *context, cnn_dispatcher *d, int rank, int *done,
                           int *seen)
{
    cnn_status st = CNN_OK;
    counting_mailbox *box = (counting_mailbox *)context->mailbox;
    const cnn_message_block work = box->work[rank];
    for (int l = 0; l < context->design->level_count; l++) {
        cnn_message m = {.run = {.run = cnn_block_run(&context->design->blocks[work.block], l),
                                 .status = CNN_RUN_DONE,
                                 .attempts = 1,
                                 .life_seconds = 60,
                                 .train_seconds = 58.5,
                                 .test_error = 0.1}};
        if (work.task[l] != CNN_TASK_TRAIN)
            continue;
        seen[m.run.run]++;
        ++*done;
        CNN_TRY(report(d, box, rank, CNN_TAG_RUN, &m, sizeof m.run));
    }
    CNN_TRY(report(d, box, rank, CNN_TAG_IDLE, NULL, 0));
done:
    return st;
}

/** CPU seconds that the time left costs, which the live line asks for every 2 s: it walks over all
 * blocks that are left. */
static double estimate_cost(const cnn_dispatcher *d)
{
    const double before = cpu_seconds();
    const double left = cnn_dispatcher_time_left(d);
    return left > 0 ? cpu_seconds() - before : NAN;
}

/** Until the ranks are asked to leave; at [TENTHS + 1]: CPU seconds when each tenth was done,
 * without *estimate, what cnn_dispatcher_time_left took when half was done. */
static cnn_status deal_all(const cnn_rank_context *context, cnn_dispatcher *d, int *seen,
                           double *at, double *estimate)
{
    cnn_status st = CNN_OK;
    counting_mailbox *box = (counting_mailbox *)context->mailbox;
    int done = 0, tenth = 0;
    at[0] = cpu_seconds();
    for (int r = 0; r < context->size; r++)
        CNN_TRY(report(d, box, r, CNN_TAG_IDLE, NULL, 0));
    while (box->waiting > 0) {
        const int rank = box->ring[box->first];
        box->first = (box->first + 1) % box->size;
        box->waiting--;
        CNN_TRY(do_block(context, d, rank, &done, seen));
        while (tenth < TENTHS &&
               (long)done * TENTHS >= (long)(tenth + 1) * context->design->run_count) {
            at[++tenth] = cpu_seconds() - *estimate;
            if (tenth == TENTHS / 2)
                *estimate = estimate_cost(d);
        }
    }
    CNN_CHECK(box->ended == context->size, CNN_EMPI, "%d of %d ranks were asked to leave",
              box->ended, context->size);
    for (int run = 0; run < context->design->run_count; run++)
        CNN_CHECK(seen[run] == 1, CNN_EMPI, "run %d was dealt %d times", run, seen[run]);
done:
    return st;
}

static void print_result(FILE *out, const cnn_rank_context *context, const double *at,
                         double planned, double estimate)
{
    const counting_mailbox *box = (const counting_mailbox *)context->mailbox;
    struct rusage use;
    const double runs = context->design->run_count, tenth = runs / TENTHS;
    getrusage(RUSAGE_SELF, &use);
    fprintf(out,
            "{\"runs\": %d, \"ranks\": %d, \"plan_seconds\": %.6f, \"create_seconds\": %.6f, "
            "\"us_per_run\": %.3f, \"us_first_tenth\": %.3f, \"us_last_tenth\": %.3f, "
            "\"messages_per_run\": %.3f, \"bytes_per_run\": %.1f, \"estimate_ms\": %.3f, "
            "\"peak_mb\": %.1f}\n",
            context->design->run_count, context->size, planned, at[0] - planned,
            1e6 * (at[TENTHS] - at[0]) / runs, 1e6 * (at[1] - at[0]) / tenth,
            1e6 * (at[TENTHS] - at[TENTHS - 1]) / tenth, (double)box->messages / runs,
            (double)box->bytes / runs, 1e3 * estimate, (double)use.ru_maxrss / 1024);
}

static cnn_status measure(int runs, int ranks, const char *assign, FILE *out)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    cnn_rank_context context = {0};
    counting_mailbox box = {0};
    cnn_progress *progress = NULL;
    cnn_dispatcher *d = NULL;
    cnn_consistency *consistency = NULL;
    double *known_durations = NULL, at[TENTHS + 1], estimate = 0;
    int *seen = NULL;
    CNN_TRY(make_context(runs, ranks, assign, &job, &box, &context));
    const double planned = cpu_seconds();
    known_durations = calloc((size_t)context.design->cell_count, sizeof *known_durations);
    seen = calloc((size_t)context.design->run_count, sizeof *seen);
    CNN_CHECK(known_durations && seen, CNN_ENOMEM, "what is known of %d runs", runs);
    CNN_TRY(cnn_consistency_create(job, context.design, &consistency));
    CNN_TRY(cnn_progress_create(CNN_PROGRESS_PLAIN, &context, &progress));
    CNN_TRY(cnn_dispatcher_create(&context, progress, known_durations, consistency, NULL, &d));
    CNN_TRY(deal_all(&context, d, seen, at, &estimate));
    print_result(out, &context, at, planned, estimate);
done:
    cnn_dispatcher_destroy(&d);
    cnn_consistency_destroy(&consistency);
    cnn_progress_destroy(&progress);
    free(known_durations);
    free(seen);
    free_mailbox(&box);
    free(context.status);
    free(context.attempts);
    cnn_design_destroy(&context.design);
    cnn_job_destroy(&job);
    return st;
}

int main(int argc, char **argv)
{
    const int runs = argc > 2 ? atoi(argv[1]) : 0, ranks = argc > 2 ? atoi(argv[2]) : 0;
    FILE *out = fdopen(dup(1), "w");
    if (runs < 20 || ranks < 1 || !out || !freopen("/dev/null", "w", stdout)) {
        fprintf(stderr, "usage: cnnbench-dispatch RUNS RANKS [balanced|dynamic], RUNS >= 20\n");
        return 2;
    }
    const cnn_status st = measure(runs, ranks, argc > 3 ? argv[3] : "balanced", out);
    if (st != CNN_OK)
        fprintf(stderr, "cnnbench-dispatch: %s\n", cnn_error_message());
    fclose(out);
    return st == CNN_OK ? 0 : 1;
}
