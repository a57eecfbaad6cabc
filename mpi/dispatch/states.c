/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/states.h"

#include <stddef.h>

/* A rank. Blocks are given to ranks that ask; an idle rank is given one later when the device of
 * another is quarantined and its blocks are dealt again. A quarantined rank only waits for the end,
 * or breaks while it waits. Every rank may die, once: LOST is left by nothing. */
static const struct {
    cnn_rank_state from;
    cnn_rank_event event;
    cnn_rank_state to;
} rank_transitions[] = {
    {CNN_RANK_STARTING, CNN_RANK_GETS_BLOCK, CNN_RANK_TRAINING},
    {CNN_RANK_STARTING, CNN_RANK_GETS_NOTHING, CNN_RANK_IDLE},
    {CNN_RANK_STARTING, CNN_RANK_BREAKS, CNN_RANK_BROKEN},
    {CNN_RANK_STARTING, CNN_RANK_DIES, CNN_RANK_LOST},

    {CNN_RANK_TRAINING, CNN_RANK_PROGRESSES, CNN_RANK_TRAINING},
    {CNN_RANK_TRAINING, CNN_RANK_GETS_BLOCK, CNN_RANK_TRAINING},
    {CNN_RANK_TRAINING, CNN_RANK_GETS_NOTHING, CNN_RANK_IDLE},
    {CNN_RANK_TRAINING, CNN_RANK_IS_BLAMED, CNN_RANK_QUARANTINED},
    {CNN_RANK_TRAINING, CNN_RANK_BREAKS, CNN_RANK_BROKEN},
    {CNN_RANK_TRAINING, CNN_RANK_DIES, CNN_RANK_LOST},

    {CNN_RANK_IDLE, CNN_RANK_GETS_BLOCK, CNN_RANK_TRAINING},
    {CNN_RANK_IDLE, CNN_RANK_GETS_NOTHING, CNN_RANK_IDLE},
    {CNN_RANK_IDLE, CNN_RANK_BREAKS, CNN_RANK_BROKEN},
    {CNN_RANK_IDLE, CNN_RANK_DIES, CNN_RANK_LOST},

    {CNN_RANK_QUARANTINED, CNN_RANK_BREAKS, CNN_RANK_BROKEN},
    {CNN_RANK_QUARANTINED, CNN_RANK_DIES, CNN_RANK_LOST},

    {CNN_RANK_BROKEN, CNN_RANK_DIES, CNN_RANK_LOST},
};

/* The job. Signals may arrive at any time, also more than once and after the end. */
static const struct {
    cnn_job_state from;
    cnn_job_event event;
    cnn_job_state to;
} job_transitions[] = {
    {CNN_JOB_RUNNING, CNN_JOB_IS_STOPPED, CNN_JOB_STOPPING},
    {CNN_JOB_RUNNING, CNN_JOB_IS_DONE, CNN_JOB_ENDED},

    {CNN_JOB_STOPPING, CNN_JOB_IS_STOPPED, CNN_JOB_STOPPING},
    {CNN_JOB_STOPPING, CNN_JOB_IS_DONE, CNN_JOB_ENDED},

    {CNN_JOB_ENDED, CNN_JOB_IS_STOPPED, CNN_JOB_ENDED},
};

static const char *const rank_states[CNN_RANK_STATE_COUNT] = {"starting",    "training", "idle",
                                                              "quarantined", "broken",   "lost"};
static const char *const rank_events[CNN_RANK_EVENT_COUNT] = {
    "progress", "a block", "no block", "blame for failures", "its failure", "its death"};
static const char *const job_states[CNN_JOB_STATE_COUNT] = {"running", "stopping", "ended"};
static const char *const job_events[CNN_JOB_EVENT_COUNT] = {"a stop", "the end of all work"};

cnn_status cnn_rank_transition(cnn_rank_state *state, cnn_rank_event event, int rank)
{
    for (size_t i = 0; i < sizeof rank_transitions / sizeof rank_transitions[0]; i++)
        if (rank_transitions[i].from == *state && rank_transitions[i].event == event) {
            *state = rank_transitions[i].to;
            return CNN_OK;
        }
    return cnn_error_set(CNN_EINVAL, "error in the dispatcher: rank %d is %s, and the event is %s",
                         rank, rank_states[*state], rank_events[event]);
}

cnn_status cnn_job_transition(cnn_job_state *state, cnn_job_event event)
{
    for (size_t i = 0; i < sizeof job_transitions / sizeof job_transitions[0]; i++)
        if (job_transitions[i].from == *state && job_transitions[i].event == event) {
            *state = job_transitions[i].to;
            return CNN_OK;
        }
    return cnn_error_set(CNN_EINVAL, "error in the dispatcher: the job is %s, and the event is %s",
                         job_states[*state], job_events[event]);
}
