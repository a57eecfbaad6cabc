/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/heartbeat/heartbeat.h"

#include "base/text.h"
#include "host/process.h"
#include "mpi/exit_file.h"
#include "mpi/heartbeat/datagram.h"
#include "ranks/collectives.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/** What every rank tells all others. */
typedef struct {
    cnn_process_identity process;
    char host[64];
} member;

struct cnn_heartbeat {
    cnn_losses losses; /* first: see mpi/dispatch/leases.h */
    pthread_t thread;
    pthread_mutex_t lock; /* over all that follows */
    int wake;             /* ends the thread's sleep */
    bool running, stop, joined;
    bool watches_rank_0; /* before it has joined: process[0] is known */
    int rank, size;
    cnn_heartbeat_phase phase;
    int exit_status, leave_status;
    char *exit_file;   /* rank 0; NULL: none */
    double start_by;   /* before it has joined: when this process ends; infinite: never */
    double seconds;    /* of a lease */
    double awake_by;   /* when the thread ends its sleep at the latest, unless it is paused */
    member *members;   /* [size] */
    char trouble[256]; /* why nothing is sent; "" */
    cnn_datagram_directory directory;
    cnn_datagram_sockets sockets;
    int *process; /* [size] descriptors of near processes; -1: far, ended, or itself. Ranks other
                     than 0 watch rank 0 alone */
    /* rank 0 */
    cnn_leases *leases;
    double first_loss;                /* while all leave; infinite: none */
    cnn_datagram_address *heard_from; /* [size] */
    /* the others */
    double acknowledged;  /* when the last sign that was answered was sent */
    double patient_until; /* it was paused: rank 0 has until then to answer */
    double paused_since;  /* acknowledged, as it was when that began */
    double due;           /* the next sign */
    int address;          /* of rank 0, at which an answer came; -1: try all */
    int order;            /* to the trainer's supervisor; -1: no trainer */
};

static const double first_lease = 120, patience_at_start = 110, patience_with_signs = 10,
                    patience_at_end = 10, unanswered_interval = 0.2;
static const unsigned seconds_to_end = 10;
static const char rank_0_has_died[] =
    "rank 0 has died; finished runs are kept: continue with --resume";

/** Seconds; goes on while the host is suspended. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_on(const char *setting)
{
    return setting && (*setting == '1' || *setting == 't' || *setting == 'y');
}

bool cnn_heartbeat_survives_deaths(void)
{
    const char *recovery = getenv("OMPI_MCA_orte_enable_recovery"); /* mpirun --enable-recovery */
    const char *ulfm = getenv("OMPI_MCA_mpi_ft_enable");            /* mpirun --with-ft ulfm */
    const bool srun =
        getenv("PMIX_RANK") && getenv("SLURM_STEP_NUM_TASKS") && !getenv("OMPI_COMM_WORLD_SIZE");
    return srun || is_on(recovery) || is_on(ulfm);
}

/* ---- ends of this process ------------------------------------------------------------------- */

/** Ends the trainer, and this process by a signal where what follows blocks: files may lie on a file
 *  system that does not answer, and a pipe may be full. */
static void begin_to_end(cnn_heartbeat *h)
{
    if (h->order >= 0 && write(h->order, "x", 1) != 1)
        close(h->order);
    h->order = -1;
    signal(SIGALRM, SIG_DFL);
    alarm(seconds_to_end);
}

/** Ends the trainer and this process, with a message unless why is NULL. The standard library's
 *  streams may be locked by a thread that blocks. */
static _Noreturn void end_process(cnn_heartbeat *h, const char *why)
{
    char line[512];
    begin_to_end(h);
    if (h->phase == CNN_HEARTBEAT_LEAVING)
        _exit(h->leave_status);
    if (why && h->exit_file)
        cnn_exit_file_write(h->exit_file, h->exit_status, why);
    if (why) {
        const int n = snprintf(line, sizeof line, "cnnmpi: error: %s\n", why);
        if (write(STDERR_FILENO, line, (size_t)n) < n)
            why = NULL; /* nobody listens */
    }
    _exit(h->exit_status);
}

/** Beside the file of rank 0's exit status, where one is named: the ranks that ended by themselves. */
static void leave_note(const cnn_heartbeat *h, const char *why)
{
    const char *file = getenv("CNNMPI_EXIT_FILE");
    char path[4096];
    if (file && snprintf(path, sizeof path, "%s.rank%d", file, h->rank) < (int)sizeof path)
        cnn_exit_file_write(path, h->exit_status, why);
}

static _Noreturn void end_rank(cnn_heartbeat *h, const char *why)
{
    char line[384];
    begin_to_end(h);
    snprintf(line, sizeof line, "rank %d on %s ends: %s", h->rank, h->members[h->rank].host, why);
    if (h->phase != CNN_HEARTBEAT_LEAVING)
        leave_note(h, line);
    end_process(h, line);
}

static void describe_loss(const cnn_heartbeat *h, const cnn_loss *loss, char *text, size_t n)
{
    const char *host = h->members[loss->rank].host;
    if (loss->ended)
        snprintf(text, n, "rank %d on %s has died", loss->rank, host);
    else
        snprintf(text, n, "rank %d on %s has given no sign of life for %.0f s", loss->rank, host,
                 loss->silence);
}

/** Rank 0: the others wait for a dead rank, in a call that nobody can end. */
static _Noreturn void end_job(cnn_heartbeat *h, const cnn_loss *loss)
{
    char lost[200], why[384];
    cnn_datagram end = {.kind = CNN_DATAGRAM_END};
    memcpy(end.key, h->directory.key, sizeof end.key);
    describe_loss(h, loss, lost, sizeof lost);
    snprintf(why, sizeof why,
             "%s, and this part of the job needs all ranks; finished runs are kept: continue with "
             "--resume",
             lost);
    for (int r = 1; r < h->size; r++)
        if (h->heard_from[r].length > 0)
            cnn_datagram_send(&h->sockets, &h->heard_from[r], &end);
    end_process(h, why);
}

/* ---- pauses of this process ----------------------------------------------------------------- */

/** Notices that this process did not run: the thread should have been awake. */
static void notice_pause(cnn_heartbeat *h)
{
    const double moment = now(), late = moment - h->awake_by;
    if (!(late > cnn_lease_patience(h->seconds)))
        return;
    h->awake_by = moment;
    h->start_by += late;
    h->first_loss += late;
    if (h->leases)
        cnn_leases_skip(h->leases, late);
    if (h->paused_since == h->acknowledged) /* once: an answer begins a new lease */
        return;
    h->paused_since = h->acknowledged;
    h->patient_until = moment + cnn_lease_patience(h->seconds);
    h->due = moment;
}

/* ---- rank 0 --------------------------------------------------------------------------------- */

static void answer(cnn_heartbeat *h, const cnn_datagram *sign, const cnn_datagram_address *from)
{
    cnn_datagram reply = *sign;
    if (sign->kind != CNN_DATAGRAM_SIGN || sign->rank < 1 || sign->rank >= h->size)
        return;
    h->heard_from[sign->rank] = *from;
    reply.kind = cnn_leases_hear(h->leases, sign->rank, now()) ? CNN_DATAGRAM_ANSWER
                                                               : CNN_DATAGRAM_DISMISSAL;
    cnn_datagram_send(&h->sockets, from, &reply);
}

/** What the kernel knows of the ranks here; kills those that are silent. */
static void look_at_processes(cnn_heartbeat *h)
{
    for (int r = 1; r < h->size; r++) {
        if (h->process[r] < 0)
            continue;
        if (cnn_process_has_ended(h->process[r])) {
            close(h->process[r]);
            h->process[r] = -1;
            cnn_leases_end(h->leases, r);
        } else if (cnn_leases_is_silent(h->leases, r, now())) {
            cnn_process_kill(h->process[r]);
        }
    }
}

/** While all leave a process that has ended may have died in MPI_Finalize, or be through with it. */
static void look_for_losses(cnn_heartbeat *h)
{
    cnn_loss loss;
    const bool lost = cnn_leases_next_loss(h->leases, now(), &loss);
    if (lost && h->phase == CNN_HEARTBEAT_TOGETHER)
        end_job(h, &loss);
    if (lost)
        h->first_loss = fmin(h->first_loss, now());
    if (now() > h->first_loss + patience_at_end)
        end_process(h, NULL);
}

/** Returns how long to sleep. */
static double serve(cnn_heartbeat *h)
{
    cnn_datagram sign;
    cnn_datagram_address from;
    notice_pause(h);
    for (int i = 0; i < CNN_DATAGRAM_SOCKETS; i++)
        while (h->sockets.of[i] >= 0 &&
               cnn_datagram_receive(h->sockets.of[i], h->directory.key, &sign, &from))
            answer(h, &sign, &from);
    look_at_processes(h);
    if (h->phase != CNN_HEARTBEAT_APART)
        look_for_losses(h);
    return fmin(cnn_lease_interval(h->seconds), isinf(h->first_loss) ? INFINITY : 1);
}

/* ---- the others ----------------------------------------------------------------------------- */

static void take_answers(cnn_heartbeat *h)
{
    cnn_datagram d;
    cnn_datagram_address from;
    for (int i = 0; i < CNN_DATAGRAM_SOCKETS; i++)
        while (h->sockets.of[i] >= 0 &&
               cnn_datagram_receive(h->sockets.of[i], h->directory.key, &d, &from)) {
            if (d.kind == CNN_DATAGRAM_DISMISSAL)
                end_rank(h, "it was silent for too long, and the job goes on without it");
            if (d.kind == CNN_DATAGRAM_END)
                end_process(h, NULL);
            if (d.kind != CNN_DATAGRAM_ANSWER || d.sent <= h->acknowledged)
                continue;
            h->acknowledged = d.sent;
            h->address = d.address;
        }
}

/** To the address that has answered, or to all while none does. */
static void send_sign(cnn_heartbeat *h)
{
    cnn_datagram sign = {.kind = CNN_DATAGRAM_SIGN, .rank = h->rank, .sent = now()};
    memcpy(sign.key, h->directory.key, sizeof sign.key);
    if (sign.sent - h->acknowledged > h->seconds / 8)
        h->address = -1;
    for (int i = 0; i < h->directory.count; i++)
        if (h->address < 0 || h->address == i) {
            sign.address = i;
            cnn_datagram_send(&h->sockets, &h->directory.of[i], &sign);
        }
}

/** Ends this rank if it is fenced. false: it may be, and rank 0 is still to be asked. */
static bool fence_if_over(cnn_heartbeat *h)
{
    char why[160];
    notice_pause(h);
    const double moment = now();
    take_answers(h);
    if (!cnn_lease_is_over(h->acknowledged, h->seconds, moment))
        return true;
    if (moment < h->patient_until)
        return false;
    snprintf(why, sizeof why, "rank 0 has not acknowledged its signs of life for %.0f s",
             moment - h->acknowledged);
    end_rank(h, why);
}

/** Returns how long to sleep. */
static double beat(cnn_heartbeat *h)
{
    const bool asks = !fence_if_over(h);
    if (h->process[0] >= 0 && h->phase != CNN_HEARTBEAT_LEAVING &&
        cnn_process_has_ended(h->process[0]))
        end_rank(h, rank_0_has_died);
    if (now() >= h->due) {
        send_sign(h);
        h->due = now() + fmin(cnn_lease_interval(h->seconds),
                              h->address < 0 ? unanswered_interval : INFINITY);
    }
    return fmin(h->due - now(), asks ? unanswered_interval : INFINITY);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static double await_start(cnn_heartbeat *h)
{
    notice_pause(h);
    const double left = h->start_by - now();
    if (h->watches_rank_0 && cnn_process_has_ended(h->process[0]))
        end_rank(h, rank_0_has_died);
    if (left <= 0)
        end_process(h, "the ranks have not found each other in two minutes: has one died?");
    return fmin(left, 3600);
}

/** Sleeps until something arrives, a process ends, or the time is over; without the lock. */
static void rest(cnn_heartbeat *h, struct pollfd *fds, double seconds)
{
    nfds_t n = 0;
    fds[n++] = (struct pollfd){.fd = h->wake, .events = POLLIN};
    for (int i = 0; h->joined && i < CNN_DATAGRAM_SOCKETS; i++)
        fds[n++] = (struct pollfd){.fd = h->sockets.of[i], .events = POLLIN};
    for (int r = 0; h->joined && r < h->size; r++) /* poll leaves negative ones out */
        if (r == 0 ? h->phase != CNN_HEARTBEAT_LEAVING : h->rank == 0)
            fds[n++] = (struct pollfd){.fd = h->process[r], .events = POLLIN};
    if (!h->joined && h->watches_rank_0)
        fds[n++] = (struct pollfd){.fd = h->process[0], .events = POLLIN};
    h->awake_by = now() + fmax(0, seconds);
    pthread_mutex_unlock(&h->lock);
    poll(fds, n, (int)ceil(1000 * fmax(0, seconds)));
    pthread_mutex_lock(&h->lock);
}

static void *watch(void *argument)
{
    cnn_heartbeat *h = argument;
    struct pollfd first[2], *fds = first;
    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        const double sleep = !h->joined ? await_start(h) : h->rank == 0 ? serve(h) : beat(h);
        if (h->joined && fds == first)
            fds = calloc((size_t)h->size + 1 + CNN_DATAGRAM_SOCKETS, sizeof *fds);
        if (!fds)
            end_process(h, "out of memory for signs of life");
        rest(h, fds, sleep);
        uint64_t count;
        if (read(h->wake, &count, sizeof count) < 0)
            count = 0; /* it was another event */
    }
    pthread_mutex_unlock(&h->lock);
    if (fds != first)
        free(fds);
    return NULL;
}

/** Signals are for the thread that called MPI_Init. */
static cnn_status start_thread(cnn_heartbeat *h)
{
    cnn_status st = CNN_OK;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&h->thread, NULL, watch, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    CNN_CHECK(error == 0, CNN_EENV, "no thread for signs of life: %s", strerror(error));
    h->running = true;
done:
    return st;
}

/** The thread looks again at what has changed. */
static void wake(cnn_heartbeat *h)
{
    const uint64_t one = 1;
    if (write(h->wake, &one, sizeof one) < 0)
        return; /* it is awake already */
}

static void stop_thread(cnn_heartbeat *h)
{
    if (!h->running)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    wake(h);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    h->running = false;
}

cnn_status cnn_heartbeat_create(int exit_status, cnn_heartbeat **out)
{
    cnn_status st = CNN_OK;
    cnn_heartbeat *h = calloc(1, sizeof *h);
    CNN_CHECK(h != NULL, CNN_ENOMEM, "signs of life");
    pthread_mutex_init(&h->lock, NULL);
    h->exit_status = exit_status;
    h->order = -1;
    h->first_loss = h->awake_by = INFINITY;
    h->patient_until = h->paused_since = -INFINITY;
    h->seconds = first_lease;
    h->start_by = cnn_heartbeat_survives_deaths() ? now() + patience_at_start : INFINITY;
    h->sockets = (cnn_datagram_sockets){{-1, -1, -1}};
    h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CNN_CHECK(h->wake >= 0, CNN_EENV, "no descriptor for signs of life");
    CNN_TRY(start_thread(h));
    *out = h;
    h = NULL;
done:
    cnn_heartbeat_destroy(&h);
    return st;
}

void cnn_heartbeat_destroy(cnn_heartbeat **heartbeat)
{
    cnn_heartbeat *h = *heartbeat;
    if (!h)
        return;
    stop_thread(h);
    for (int r = 0; h->process && r < h->size; r++)
        if (h->process[r] >= 0)
            close(h->process[r]);
    if (h->order >= 0)
        close(h->order);
    if (h->wake >= 0)
        close(h->wake);
    cnn_datagram_close(&h->sockets);
    cnn_leases_destroy(&h->leases);
    free(h->process);
    free(h->heard_from);
    free(h->members);
    free(h->exit_file);
    pthread_mutex_destroy(&h->lock);
    free(h);
    *heartbeat = NULL;
}

/* ---- joining -------------------------------------------------------------------------------- */

static cnn_status allocate(cnn_heartbeat *h)
{
    cnn_status st = CNN_OK;
    const size_t size = (size_t)h->size;
    h->members = calloc(size, sizeof *h->members);
    h->process = calloc(size, sizeof *h->process);
    h->heard_from = calloc(size, sizeof *h->heard_from);
    CNN_CHECK(h->members && h->process && h->heard_from, CNN_ENOMEM, "signs of life of %zu ranks",
              size);
    for (int r = 0; r < h->size; r++)
        h->process[r] = -1;
done:
    return st;
}

static bool is_near(const cnn_heartbeat *h, int rank)
{
    return cnn_process_is_near(&h->members[h->rank].process, &h->members[rank].process);
}

/** Rank 0: sockets, leases, and the processes here. */
static cnn_status begin_to_serve(cnn_heartbeat *h)
{
    cnn_status st = CNN_OK;
    bool near = false, far = false, ended = false;
    for (int r = 1; r < h->size; r++)
        *(is_near(h, r) ? &near : &far) = true;
    CNN_TRY(cnn_leases_create(h->size, first_lease, now(), &h->leases));
    for (int r = 1; r < h->size; r++) {
        if (is_near(h, r))
            h->process[r] = cnn_process_open(&h->members[r].process, &ended);
        if (ended)
            cnn_leases_end(h->leases, r);
        ended = false;
    }
    CNN_TRY(cnn_datagram_listen(near, far, &h->directory, &h->sockets));
done:
    return st;
}

static cnn_status begin_to_send(cnn_heartbeat *h, double since)
{
    cnn_status st = CNN_OK;
    h->acknowledged = since - 1e-3; /* any answer is later */
    h->due = since;
    h->address = -1;
    CNN_TRY(cnn_datagram_open(is_near(h, 0), &h->sockets));
done:
    return st;
}

/** A death ends a near rank 0 while the ranks still join, and the others here with it. */
static void watch_rank_0(cnn_heartbeat *h)
{
    bool ended = false;
    if (h->rank == 0 || !is_near(h, 0))
        return;
    pthread_mutex_lock(&h->lock);
    h->process[0] = cnn_process_open(&h->members[0].process, &ended);
    if (ended)
        end_rank(h, rank_0_has_died);
    h->watches_rank_0 = true;
    wake(h);
    pthread_mutex_unlock(&h->lock);
}

static void begin(cnn_heartbeat *h)
{
    pthread_mutex_lock(&h->lock);
    h->start_by = INFINITY;
    h->joined = true;
    wake(h);
    pthread_mutex_unlock(&h->lock);
}

/** Whether rank 0 has answered. */
static bool await_answer(cnn_heartbeat *h, double since)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    bool answered = h->rank == 0;
    while (!answered && now() < since + patience_with_signs) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&h->lock);
        answered = h->acknowledged >= since;
        pthread_mutex_unlock(&h->lock);
    }
    return answered;
}

/** All ranks give the signs up together: without them each would be fenced. */
static cnn_status give_up_unless_all(cnn_heartbeat *h, MPI_Comm comm, bool good)
{
    cnn_status st = CNN_OK;
    int worst = 0;
    CNN_TRY(cnn_collective_max(comm, good ? 0 : h->rank + 1, &worst));
    if (worst == 0)
        return CNN_OK;
    stop_thread(h);
    snprintf(h->trouble, sizeof h->trouble,
             "signs of life do not pass between rank 0 and rank %d on %s: a rank that dies is not "
             "noticed here",
             worst - 1, h->members[worst - 1].host);
done:
    return st;
}

cnn_status cnn_heartbeat_join(cnn_heartbeat *h, MPI_Comm comm)
{
    cnn_status st = CNN_OK;
    member mine = {.process = cnn_process_self()};
    CNN_MPI(MPI_Comm_rank(comm, &h->rank));
    CNN_MPI(MPI_Comm_size(comm, &h->size));
    if (h->size == 1) {
        stop_thread(h);
        return CNN_OK;
    }
    if (gethostname(mine.host, sizeof mine.host - 1) != 0)
        snprintf(mine.host, sizeof mine.host, "an unknown host");
    CNN_TRY(cnn_collective_agree(comm, allocate(h)));
    CNN_TRY(cnn_collective_gather(comm, &mine, sizeof mine, h->members));
    watch_rank_0(h);
    const bool serves = h->rank != 0 || begin_to_serve(h) == CNN_OK;
    if (h->rank == 0 && serves)
        begin(h);
    CNN_TRY(give_up_unless_all(h, comm, serves));
    if (!h->running)
        goto done;
    CNN_TRY(cnn_collective_broadcast(comm, &h->directory, sizeof h->directory));
    const double since = now();
    const bool sends = h->rank == 0 || begin_to_send(h, since) == CNN_OK;
    if (h->rank != 0)
        begin(h);
    CNN_TRY(give_up_unless_all(h, comm, sends && await_answer(h, since)));
done:
    return st;
}

/* ---- what the rank's own thread asks and says ----------------------------------------------- */

/** Whether there is anything to be said. */
static bool is_active(const cnn_heartbeat *h)
{
    return h && h->running;
}

const char *cnn_heartbeat_trouble(const cnn_heartbeat *h)
{
    return h && h->trouble[0] ? h->trouble : NULL;
}

void cnn_heartbeat_set_lease(cnn_heartbeat *h, double seconds)
{
    if (!is_active(h))
        return;
    pthread_mutex_lock(&h->lock);
    if (h->rank == 0) {
        cnn_leases_destroy(&h->leases);
        if (cnn_leases_create(h->size, seconds, now(), &h->leases) != CNN_OK)
            end_process(h, cnn_error_message());
    }
    h->seconds = seconds;
    h->acknowledged = h->due = now(); /* rank 0's leases begin anew as well */
    wake(h);
    pthread_mutex_unlock(&h->lock);
}

cnn_status cnn_heartbeat_set_exit_file(cnn_heartbeat *h, const char *path)
{
    cnn_status st = CNN_OK;
    if (!is_active(h))
        return CNN_OK;
    pthread_mutex_lock(&h->lock);
    free(h->exit_file);
    h->exit_file = cnn_strdup(path);
    if (!h->exit_file)
        st = cnn_error_set(CNN_ENOMEM, "name of a file");
    pthread_mutex_unlock(&h->lock);
    return st;
}

void cnn_heartbeat_set_phase(cnn_heartbeat *h, cnn_heartbeat_phase phase)
{
    if (!is_active(h))
        return;
    pthread_mutex_lock(&h->lock);
    h->phase = phase;
    wake(h);
    pthread_mutex_unlock(&h->lock);
}

void cnn_heartbeat_leave(cnn_heartbeat *h, int exit_status)
{
    if (!is_active(h))
        return;
    h->leave_status = exit_status;
    cnn_heartbeat_set_phase(h, CNN_HEARTBEAT_LEAVING);
}

static bool next_loss(cnn_losses *losses, cnn_loss *out)
{
    cnn_heartbeat *h = (cnn_heartbeat *)losses;
    bool lost = false;
    if (!is_active(h))
        return false;
    pthread_mutex_lock(&h->lock);
    notice_pause(h);
    lost = cnn_leases_next_loss(h->leases, now(), out);
    pthread_mutex_unlock(&h->lock);
    return lost;
}

cnn_losses *cnn_heartbeat_losses(cnn_heartbeat *h)
{
    if (!h)
        return NULL;
    h->losses.next = next_loss;
    return &h->losses;
}

void cnn_heartbeat_guard_trainer(cnn_heartbeat *h, int order)
{
    if (!is_active(h))
        return;
    pthread_mutex_lock(&h->lock);
    if (h->order >= 0)
        close(h->order);
    h->order = order >= 0 ? fcntl(order, F_DUPFD_CLOEXEC, 10) : -1;
    pthread_mutex_unlock(&h->lock);
}

void cnn_heartbeat_check(cnn_heartbeat *h)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    bool good = !is_active(h) || h->rank == 0;
    while (!good) {
        pthread_mutex_lock(&h->lock);
        good = fence_if_over(h);
        pthread_mutex_unlock(&h->lock);
        if (!good)
            nanosleep(&pause, NULL);
    }
}
