/* SPDX-License-Identifier: Apache-2.0 */
/** From the events of one attempt, lines of the run protocol, to rows of the results file. Any
 *  rank, for its own trainer; pure; not collective. */
#ifndef CNN_MPI_WORKER_RUN_RECORD_H
#define CNN_MPI_WORKER_RUN_RECORD_H

#include "base/status.h"
#include "protocol/event.h"
#include "results/record.h"

#include <stdbool.h>

/** When events were sent, as far as looks at their pipe prove it; seconds of one clock, NaN: unknown.
 *  An event that a look finds was sent after the look before it had begun, if that one left nothing
 *  behind, and before the next one. */
typedef struct {
    double look; /* begin of the last look */
    double
        unwatched; /* since ready: gaps of a second or more between looks, in which everything may
                          have stood still: a suspended job, a paused machine */
    double after;  /* nothing that this look finds was sent before */
    size_t bytes;  /* that this look has found */
    double ready;  /* the ready event was sent before */
    double last_epoch; /* the last epoch event was sent after */
} cnn_record_times;

/** An attempt in the making. */
typedef struct {
    int planned_epochs;
    const cnn_event_rules *rules;    /* of the job; set it after cnn_record_create; NULL: none */
    bool tuning;                     /* only a tuned event is expected */
    bool ready, done, error, broken; /* events received; broken: the protocol, see reason */
    bool diverged;
    cnn_measured row;      /* from the trainer; the rest is unknown */
    cnn_epoch_row *epochs; /* [epoch_room] */
    int epoch_room;
    int given_threads;    /* set it after cnn_record_begin; 0: unknown, and not checked */
    double total_seconds; /* as the trainer reports it; NaN: it does not */
    cnn_record_times times;
    char reason[128];                     /* of a failure */
    char algorithms[CNN_ALGORITHMS_SIZE]; /* from a tuned event */
    char timings[CNN_TIMINGS_SIZE];       /* likewise */
} cnn_record;

/** epoch_room: epochs of a row of the file, >= planned_epochs. Free with cnn_record_free. */
cnn_status cnn_record_create(int epoch_room, cnn_record *out);
void cnn_record_free(cnn_record *record);

/** Begins an attempt: everything unknown. */
void cnn_record_begin(cnn_record *record, int planned_epochs);
/** Begins an attempt at tuning: the trainer reports algorithms and trains nothing. */
void cnn_record_begin_tuning(cnn_record *record);

/** Before each look at the trainer's pipe, after which the lines that were found are read; now: of a
 *  monotonic clock. Without looks the time that passes between events is not judged. */
void cnn_record_look(cnn_record *record, double now);

/** Reads one line. false: it breaks the protocol, and the trainer may be ended. */
bool cnn_record_line(cnn_record *record, const char *line, bool too_long);

/** The run's set-up is not that of others: it has failed. */
void cnn_record_refuse(cnn_record *record, const char *reason);

/** An ended trainer as its rank observed it; the texts are borrowed. */
typedef struct {
    int exit_code;       /* >= 0, or -signal */
    bool started;        /* false: its program could not be executed */
    int left_behind;     /* descendants that may still use the device; -1: unknown */
    double start_time;   /* of the process, seconds since 1970 */
    double life_seconds; /* of the process; NaN: its seconds are not real ones, it simulates */
    const char *log;     /* the end of its output, for the reason of a failure */
    const char *trouble; /* of the machine, which may be why it failed; NULL: none is known */
} cnn_trainer_end;

/** Outcome of an attempt that ended by itself: from its events, checked against the
 *  observations. */
cnn_outcome cnn_record_judge(cnn_record *record, const cnn_trainer_end *end);

#endif
