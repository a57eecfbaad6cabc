/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/process.h"

#include "host/telemetry.h"
#include "mpi/worker/start.h"

#include <stdlib.h>

typedef struct {
    cnn_trainers trainers; /* first: see trainer.h */
    const cnn_rank_context *context;
    cnn_telemetry *telemetry;
} processes;

typedef struct {
    cnn_trainer trainer; /* first: see trainer.h */
    cnn_child *child;
    cnn_telemetry *telemetry; /* borrowed */
    cnn_heartbeat *heartbeat; /* likewise; NULL: none */
} process;

static cnn_status poll_process(cnn_trainer *trainer, double timeout)
{
    cnn_status st = CNN_OK;
    process *p = (process *)trainer;
    CNN_TRY(cnn_child_poll(p->child, timeout));
    if (!cnn_child_ended(p->child))
        cnn_telemetry_sample(p->telemetry);
done:
    return st;
}

static const char *next_line(cnn_trainer *trainer, bool *too_long)
{
    return cnn_child_next_line(((process *)trainer)->child, too_long);
}

static bool has_ended(const cnn_trainer *trainer)
{
    return cnn_child_ended(((const process *)trainer)->child);
}

static bool is_mute(const cnn_trainer *trainer)
{
    return cnn_child_is_mute(((const process *)trainer)->child);
}

static double life_seconds(const cnn_trainer *trainer)
{
    return cnn_child_life_seconds(((const process *)trainer)->child);
}

static void kill_process(cnn_trainer *trainer)
{
    process *p = (process *)trainer;
    cnn_heartbeat_guard_trainer(p->heartbeat, -1);
    cnn_child_kill(p->child);
}

static void describe_end(cnn_trainer *trainer, cnn_trainer_end *end, cnn_measured *row)
{
    process *p = (process *)trainer;
    cnn_telemetry_end(p->telemetry, cnn_child_usage(p->child), row);
    *end = (cnn_trainer_end){.exit_code = cnn_child_exit_code(p->child),
                             .started = cnn_child_was_started(p->child),
                             .left_behind = cnn_child_left_behind(p->child),
                             .start_time = cnn_child_start_wall(p->child),
                             .life_seconds = cnn_child_life_seconds(p->child),
                             .log = cnn_child_log_tail(p->child),
                             .trouble = cnn_telemetry_trouble(p->telemetry)};
}

static void destroy_process(cnn_trainer *trainer)
{
    process *p = (process *)trainer;
    cnn_heartbeat_guard_trainer(p->heartbeat, -1);
    cnn_child_destroy(&p->child);
    free(p);
}

static cnn_status start(cnn_trainers *trainers, int run, const char *spec, cnn_trainer **out)
{
    cnn_status st = CNN_OK;
    processes *all = (processes *)trainers;
    const int cell = all->context->design->runs[run].cell;
    cnn_place place;
    process *p = calloc(1, sizeof *p);
    CNN_CHECK(p != NULL, CNN_ENOMEM, "a trainer");
    p->trainer = (cnn_trainer){poll_process, next_line,    has_ended,    is_mute,
                               life_seconds, kill_process, describe_end, destroy_process};
    p->telemetry = all->telemetry;
    CNN_TRY(cnn_start_place(all->context, cell, &place));
    CNN_TRY(cnn_telemetry_cores(p->telemetry, place.cpus));
    cnn_telemetry_begin(p->telemetry);
    CNN_TRY(cnn_start_trainer(all->context, cell, spec, &p->child));
    p->heartbeat = all->context->heartbeat;
    cnn_heartbeat_guard_trainer(p->heartbeat, cnn_child_order(p->child));
    cnn_telemetry_trainer(p->telemetry, (int)cnn_child_pid(p->child));
    *out = &p->trainer;
    p = NULL;
done:
    free(p);
    return st;
}

static void destroy(cnn_trainers *trainers)
{
    processes *all = (processes *)trainers;
    cnn_telemetry_destroy(&all->telemetry);
    free(all);
}

cnn_status cnn_processes_create(const cnn_rank_context *context, cnn_trainers **out)
{
    cnn_status st = CNN_OK;
    processes *all = calloc(1, sizeof *all);
    CNN_CHECK(all != NULL, CNN_ENOMEM, "trainers");
    all->trainers = (cnn_trainers){start, destroy};
    all->context = context;
    CNN_TRY(cnn_telemetry_create(context->places[context->rank].cpus, context->devices.nvml,
                                 &all->telemetry));
    *out = &all->trainers;
    all = NULL;
done:
    free(all);
    return st;
}
