/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/allocation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct cnn_allocation {
    const cnn_system *system;
    cnn_end_source *source;
    bool asking;
    double asked;      /* monotonic, the last time */
    double end;        /* seconds since 1970; INFINITY: none is known */
    char trouble[160]; /* why; "" */
};

/* Seconds. Each question loads Slurm's only controller, which may be slow, or down. */
static const double between_questions = 600, patience_at_start = 10, patience = 120;

bool cnn_allocation_parse(const char *answer, double *end)
{
    for (const char *line = answer; line; line = strchr(line, '\n')) {
        struct tm parts = {.tm_isdst = -1};
        int used = 0;
        line += *line == '\n';
        if (sscanf(line, " %4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                   &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) != 6 ||
            line[used + (int)strspn(line + used, " \r")] > '\n')
            continue;
        parts.tm_year -= 1900;
        parts.tm_mon -= 1;
        const time_t t = mktime(&parts);
        if (t != (time_t)-1) {
            *end = (double)t;
            return true;
        }
    }
    return false;
}

static double since_question(const cnn_allocation *a)
{
    return cnn_system_monotonic(a->system) - a->asked;
}

static void ask(cnn_allocation *a)
{
    a->asked = cnn_system_monotonic(a->system);
    a->asking = a->source->ask(a->source) == CNN_OK;
    if (!a->asking)
        snprintf(a->trouble, sizeof a->trouble, "squeue cannot be started: %.100s",
                 cnn_error_message());
}

/** An answer without an end keeps the end that was known: the controller may be down. */
static void take_answer(cnn_allocation *a, const char *answer, bool failed)
{
    double end;
    a->asking = false;
    a->trouble[0] = '\0';
    if (!failed && cnn_allocation_parse(answer, &end))
        a->end = end;
    else if (isinf(a->end))
        snprintf(a->trouble, sizeof a->trouble, "squeue says '%.100s'", answer);
}

/** Reads the answer, waiting for it at most so many seconds. */
static void listen(cnn_allocation *a, double seconds)
{
    bool failed = false;
    const char *answer = a->source->listen(a->source, seconds, &failed);
    if (answer) {
        take_answer(a, answer, failed);
    } else if (failed || since_question(a) > patience) {
        a->asking = false;
        snprintf(a->trouble, sizeof a->trouble, "squeue does not answer");
    }
}

cnn_status cnn_allocation_create(cnn_end_source *source, const cnn_system *system,
                                 cnn_allocation **out)
{
    cnn_status st = CNN_OK;
    cnn_allocation *a = NULL;
    *out = NULL;
    if (!source)
        return CNN_OK;
    CNN_CHECK((a = calloc(1, sizeof *a)) != NULL, CNN_ENOMEM, "the end of the allocation");
    a->system = system;
    a->source = source;
    source = NULL;
    a->end = INFINITY;
    ask(a);
    while (a->asking && since_question(a) < patience_at_start)
        listen(a, 0.1);
    if (a->asking)
        snprintf(a->trouble, sizeof a->trouble, "squeue has not answered yet");
    *out = a;
done:
    if (source)
        source->destroy(source);
    return st;
}

void cnn_allocation_destroy(cnn_allocation **allocation)
{
    cnn_allocation *a = *allocation;
    if (!a)
        return;
    a->source->destroy(a->source);
    free(a);
    *allocation = NULL;
}

void cnn_allocation_step(cnn_allocation *a)
{
    if (a && a->asking)
        listen(a, 0);
    else if (a && since_question(a) > between_questions)
        ask(a);
}

double cnn_allocation_left(const cnn_allocation *a)
{
    return a ? a->end - cnn_system_wall(a->system) : INFINITY;
}

const char *cnn_allocation_trouble(const cnn_allocation *a)
{
    return a && isinf(a->end) && a->trouble[0] ? a->trouble : NULL;
}
