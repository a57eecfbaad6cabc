/* SPDX-License-Identifier: Apache-2.0 */
/** The story that a seed decides: the job, and what befalls each of its sessions. */
#ifndef CNN_TESTS_SIMULATION_SCENARIO_H
#define CNN_TESTS_SIMULATION_SCENARIO_H

#include "random.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIM_RANKS_MAX = 64, SIM_SESSIONS_MAX = 6, SIM_DEVICES = 2 * SIM_RANKS_MAX };

/** How an attempt at a run ends. */
#define SIM_FATES(X)                                                                               \
    X(SIM_DONE, "done")                                                                            \
    X(SIM_DIVERGED, "diverged")                                                                    \
    X(SIM_ERROR, "reports an error")                                                               \
    X(SIM_EXIT, "exits with a code")                                                               \
    X(SIM_SIGNAL, "is killed")                                                                     \
    X(SIM_HANG, "hangs")                                                                           \
    X(SIM_NO_START, "cannot be started")                                                           \
    X(SIM_MUTE, "ends without a done event")                                                       \
    X(SIM_GARBAGE, "writes a line that is no event")                                               \
    X(SIM_LONG_LINE, "writes a line that is too long")                                             \
    X(SIM_WRONG_SUM, "reports a wrong sum of seconds")                                             \
    X(SIM_WRONG_ERROR, "reports a test error of 7.5")                                              \
    X(SIM_TOO_LONG, "reports more seconds than it lived")                                          \
    X(SIM_OTHER_DATA, "has other data")                                                            \
    X(SIM_OTHER_NETWORK, "has another network")                                                    \
    X(SIM_OCCUPIES, "leaves processes behind")

#define SIM_FATE_MEMBER(name, text) name,
typedef enum { SIM_FATES(SIM_FATE_MEMBER) SIM_FATE_COUNT } sim_fate;
#undef SIM_FATE_MEMBER
extern const char *const sim_fate_names[];

/** What can befall a rank other than 0. */
typedef enum {
    SIM_IS_KILLED,  /* its process ends */
    SIM_IS_STALLED, /* it is stopped for some seconds, its signs of life as well */
    SIM_IS_CUT_OFF, /* its signs of life no longer arrive */
} sim_harm_kind;

typedef struct {
    sim_harm_kind kind;
    int rank;
    double at, seconds;
} sim_harm;

enum { SIM_HARMS_MAX = 4 };

/** Times are seconds since the session's start; INFINITY: never. Sets of ranks are bits. */
typedef struct {
    int ranks;
    int device[SIM_RANKS_MAX];      /* of each rank */
    double latency;                 /* of messages, the longest */
    double drowsiness;              /* longest delay before a rank goes on */
    double chance[SIM_FATE_COUNT];  /* of an attempt; the rest is done */
    double bad_from[SIM_RANKS_MAX]; /* everything fails on the rank's device from then on */
    int bad_fate[SIM_RANKS_MAX];    /* sim_fate: how */
    int bad_cell;                   /* everything fails in this cell, everywhere; -1: none */
    struct {
        double at;
        uint64_t ranks; /* which receive it */
    } stop[2], late;
    double crash_at;     /* all ranks are killed */
    double end_at;       /* of the allocation ... */
    double end_moves_at; /* ... which moves to ... */
    double new_end_at;   /* ... this */
    double squeue_fails; /* chance of a question that gets no good answer */
    bool recovery;       /* the job goes on without a rank that dies; else all die with it */
    double lease;        /* seconds of silence after which a rank counts as dead */
    sim_harm harms[SIM_HARMS_MAX];
    int harm_count;
    int slow_disk;       /* rank of which a write takes long; -1: none */
    int slow_write;      /* its number */
    double slow_seconds; /* how long */
    int failing_disk;    /* rank whose disk fails for good ... */
    int good_writes;     /* ... after so many writes; -1: it does not */
    int torn_write;      /* the session is killed within its write of this number; -1: it is not */
} sim_session_plan;

typedef struct {
    uint64_t seed;
    char job[2048];     /* text of the job file */
    double run_seconds; /* of a run, typical */
    int session_count;  /* with misfortunes; a last one without follows */
    sim_session_plan sessions[SIM_SESSIONS_MAX + 1];
} sim_scenario;

/** Draws the job. */
void sim_scenario_draw(uint64_t seed, sim_scenario *out);
/** Draws what befalls the sessions of a job of so many runs, cells and planned seconds each run. */
void sim_scenario_draw_sessions(sim_scenario *scenario, int run_count, int cell_count);

#endif
