/* SPDX-License-Identifier: Apache-2.0 */
/** A world in memory for one job: ranks with their mailboxes, clocks, trainers and disk, and a queue
 *  of events that moves its time. One thread; the same seed gives the same world. */
#ifndef CNN_TESTS_SIMULATION_WORLD_H
#define CNN_TESTS_SIMULATION_WORLD_H

#include "scenario.h"

#include "design/design.h"
#include "mpi/dispatch/dispatcher.h"
#include "mpi/file_state.h"
#include "mpi/loop.h"
#include "results/results.h"

/** What honest trainers report: the cell's number added, and the data set's name. */
enum { SIM_PARAMETERS = 1000 };
enum { SIM_START = 1600000000 }; /* wall time of a world's beginning */
#define SIM_IMPOSTOR "-other"

typedef struct sim_world sim_world;
typedef struct sim_rank sim_rank;

/** What has happened in many worlds, so that a test can see that all of it does. */
#define SIM_TALLY(X)                                                                               \
    X(worlds)                                                                                      \
    X(sessions)                                                                                    \
    X(ranks)                                                                                       \
    X(runs)                                                                                        \
    X(steps)                                                                                       \
    X(letters)                                                                                     \
    X(attempts)                                                                                    \
    X(failed_attempts)                                                                             \
    X(failed_runs)                                                                                 \
    X(retrained_runs)                                                                              \
    X(quarantines)                                                                                 \
    X(stops)                                                                                       \
    X(allocations)                                                                                 \
    X(lates)                                                                                       \
    X(crashes)                                                                                     \
    X(kills)                                                                                       \
    X(stalls)                                                                                      \
    X(cut_off)                                                                                     \
    X(losses)                                                                                      \
    X(kept_back)                                                                                   \
    X(slow_writes)                                                                                 \
    X(late_writes)                                                                                 \
    X(failed_writes)                                                                               \
    X(torn_writes)                                                                                 \
    X(split_blocks)

#define SIM_TALLY_MEMBER(name) long name;
typedef struct {
    SIM_TALLY(SIM_TALLY_MEMBER)
} sim_tally;
#undef SIM_TALLY_MEMBER

/** A message on its way or in an inbox. */
typedef struct sim_letter {
    struct sim_letter *next;
    int from;
    double sent;
    cnn_tag tag;
    size_t bytes;
    cnn_message body;
} sim_letter;

typedef enum {
    SIM_WAKES,   /* a rank goes on */
    SIM_ROUSES,  /* something a rank has to look at has happened */
    SIM_ARRIVES, /* a letter */
    SIM_STOPS,   /* a rank receives SIGTERM */
    SIM_IS_LATE, /* a rank receives SIGUSR1 */
    SIM_HARMS,   /* something befalls a rank; number: of the plan's harms */
    SIM_GOES_ON, /* a stalled rank is continued */
    SIM_DIES,    /* a rank's process ends */
    SIM_IS_GONE, /* the kernel of rank 0's host reports that */
    SIM_WRITES,  /* a write that took long reaches the disk */
    SIM_CRASHES, /* all are killed */
} sim_event_kind;

typedef struct {
    double time;
    uint64_t number; /* events at one time happen in the order of their making */
    sim_event_kind kind;
    int rank;
    sim_letter *letter; /* that arrives; owned */
    int harm;           /* of the plan's harms */
} sim_event;

/** What checks.c knows of a rank. */
typedef struct {
    bool asked;  /* for a block, and was given none since */
    bool failed; /* a run, since it asked */
    int block;   /* that it was given and has not returned; -1: none */
    signed char task[CNN_MAX_LEVELS];
    bool lost;                   /* rank 0 does without it */
    bool granted;                /* it may write */
    bool quarantined, stopped;   /* stopped: it has received CNN_TAG_STOP */
    int running;                 /* the run that its trainer trains; -1: none */
    int attempts;                /* at that run since the rank began it */
    int streak[3], streak_cells; /* cells that failed since its last good run, at most 3 */
    bool occupied;
    int dealt; /* measured blocks that it was given, but for those that were half done before */
} sim_rank_facts;

/** A write that takes long. */
typedef struct sim_slow_write {
    struct sim_slow_write *next;
    int run, place; /* place: of an attempt; -1: the run's row */
    cnn_run_status status;
    cnn_measured measured;
    cnn_attempt attempt;
    cnn_epoch_row epochs[]; /* [epoch_count] */
} sim_slow_write;

/** The interfaces that the product's code works on, each with the way back to its rank. */
typedef struct {
    cnn_mailbox interface;
    sim_rank *rank;
} sim_mailbox;

typedef struct {
    cnn_store interface;
    sim_rank *rank;
} sim_store;

typedef struct {
    cnn_trainers interface;
    sim_rank *rank;
} sim_trainers;

typedef struct {
    cnn_system interface;
    const sim_rank *rank;
} sim_system;

typedef struct {
    cnn_losses interface;
    sim_world *world;
} sim_losses;

typedef struct {
    cnn_end_source interface;
    sim_world *world;
    double answers_at; /* INFINITY: never */
    char answer[64];
    bool fails;
    double end; /* that the answer holds; INFINITY: none */
} sim_squeue;

struct sim_rank {
    sim_mailbox box;
    sim_store store;
    sim_trainers trainers;
    sim_system system;
    sim_world *world;
    int number;
    cnn_rank_context context;
    cnn_loop *loop;
    bool alive, ended; /* ended: it left its loop */
    double wakes_at;   /* INFINITY: nothing will wake it */
    int signals;
    bool late;
    bool near;            /* on the host of rank 0, which learns of its end and can kill it */
    double stalled_until; /* it does not go on before */
    double writing_until; /* a write takes so long */
    double last_sign;     /* INFINITY: its signs of life arrive */
    double died_at;       /* INFINITY: it lives */
    sim_slow_write *slow; /* its writes that are under way, the first one first */
    int writes;           /* rows so far */
    double trainer_end;   /* of its trainer, INFINITY: it hangs; -INFINITY: there is none */
    sim_letter *inbox, **inbox_end;
    double *last_arrival; /* [ranks] of letters to each rank: they keep their order */
    sim_rank_facts facts;
};

struct sim_world {
    sim_scenario scenario;
    cnn_job *job;
    cnn_design *design;
    cnn_results *disk;
    int session;                  /* -1: before the first */
    const sim_session_plan *plan; /* of the session */
    sim_random mail, schedule, fates;
    double now; /* since the world's beginning */
    double session_start;
    sim_event *queue; /* a heap */
    int queue_length, queue_room;
    uint64_t events; /* made so far */
    long steps;
    sim_rank *ranks; /* [plan->ranks] */
    cnn_place *places;
    char **algorithms; /* [cell_count] none is frozen */
    cnn_progress *progress;
    cnn_dispatcher *dispatcher;
    cnn_allocation *allocation; /* NULL: the job's time does not end */
    sim_squeue squeue;
    cnn_leases *leases; /* NULL: a death ends the job */
    sim_losses loss_source;
    cnn_file_state state; /* as the session found the file */
    long writes;          /* rows of this session */
    bool crashed;         /* the session is over for all ranks at once */
    bool tracing;
    sim_tally *tally;
    char failure[512]; /* the first breach of an invariant; "": none */
    /* what checks.c knows */
    int *holder;        /* [block_count] rank that has it; -1: none */
    bool *kept_back;    /* [block_count] a rank that counts as dead may still write it */
    int losing;         /* the rank that rank 0 gives up; -1: none */
    int8_t *before;     /* [run_count] status at the session's start */
    uint64_t *row;      /* [run_count] hash of the finished row at the session's start */
    double known_end;   /* of the allocation, as squeue has answered */
    double *longest;    /* [cell_count] duration of a finished run that rank 0 knows; 0: none */
    bool stop_received; /* rank 0 knows of a stop */
    bool late_received;
    bool ended;     /* rank 0 has ended the job */
    bool disturbed; /* something keeps the session from trying all runs */
    int asking;     /* the rank whose request rank 0 handles */
    int quarantines, losses;
};

/** Plays the whole story of a seed. False: an invariant was broken; world->failure says which. */
bool sim_play(uint64_t seed, bool tracing, sim_tally *tally, char *failure, size_t n);

/* ---- world.c ------------------------------------------------------------------------------- */

/** Adds an event; the world owns the letter. */
void sim_world_add(sim_world *world, double time, sim_event_kind kind, int rank,
                   sim_letter *letter);
/** The next event; false: none is left. */
bool sim_world_next(sim_world *world, sim_event *out);
void sim_world_clear(sim_world *world);
/** Adds a harm of the plan. */
void sim_world_add_harm(sim_world *world, double time, int harm);
/** Has a rank go on after a while, unless it does earlier. */
void sim_rank_wake(sim_rank *rank, double after);
void sim_world_trace(const sim_world *world, int rank, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** Breaks the world off: an invariant does not hold. The first one counts. */
void sim_world_fail(sim_world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- the interfaces ------------------------------------------------------------------------ */

void sim_mailbox_make(sim_rank *rank);
void sim_mailbox_clear(sim_rank *rank);
void sim_disk_make(sim_rank *rank);
void sim_trainers_make(sim_rank *rank);

/** The world's squeue; NULL where the session has no allocation. */
cnn_end_source *sim_squeue_make(sim_world *world);

/** Carries out the first slow write of a rank; false: there is none. */
bool sim_disk_finish_write(sim_rank *rank);
void sim_disk_clear(sim_rank *rank);

/** An empty results file of the job. */
cnn_status sim_disk_format(sim_world *world);

#endif
