/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/dispatch/allocation.h"

#include "base/clock.h"
#include "base/text.h"
#include "host/child.h"
#include "host/environment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct cnn_allocation {
    const char *helper;
    char job[32];      /* its number */
    cnn_child *squeue; /* NULL: it is not being asked */
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

static void ask(cnn_allocation *a)
{
    static const char *const plain[] = {"SLURM_TIME_FORMAT=standard", NULL};
    char *const argv[] = {"squeue", "-h", "-j", a->job, "-o", "%e", NULL};
    cnn_child_options options = {.helper = a->helper, .argv = argv};
    char **environment = NULL;
    cnn_status st = cnn_environment_make(environ, NULL, plain, &environment);
    options.environment = environment;
    a->asked = cnn_clock_monotonic();
    if (st == CNN_OK)
        st = cnn_child_start(&options, &a->squeue);
    if (st != CNN_OK)
        snprintf(a->trouble, sizeof a->trouble, "squeue cannot be started: %.100s",
                 cnn_error_message());
    cnn_environment_free(&environment);
}

/** An answer without an end keeps the end that was known: the controller may be down. */
static void take_answer(cnn_allocation *a)
{
    const char *answer = cnn_child_log_tail(a->squeue);
    double end;
    a->trouble[0] = '\0';
    if (cnn_child_exit_code(a->squeue) == 0 && cnn_allocation_parse(answer, &end))
        a->end = end;
    else if (isinf(a->end))
        snprintf(a->trouble, sizeof a->trouble, "squeue says '%.100s'", answer);
    cnn_child_destroy(&a->squeue);
}

/** Reads the answer, waiting for it at most so many seconds. */
static void listen(cnn_allocation *a, double seconds)
{
    const double now = cnn_clock_monotonic();
    bool lost = cnn_child_poll(a->squeue, seconds) != CNN_OK, too_long;
    while (!lost && cnn_child_next_line(a->squeue, &too_long))
        ; /* squeue sends no events */
    if (!lost && cnn_child_ended(a->squeue)) {
        take_answer(a);
    } else if (lost || now - a->asked > patience) {
        snprintf(a->trouble, sizeof a->trouble, "squeue does not answer");
        cnn_child_destroy(&a->squeue);
    }
}

cnn_status cnn_allocation_create(const char *helper, cnn_allocation **out)
{
    cnn_status st = CNN_OK;
    cnn_allocation *a = NULL;
    const char *job = getenv("SLURM_JOB_ID");
    *out = NULL;
    if (!job || !*job)
        return CNN_OK;
    CNN_CHECK((a = calloc(1, sizeof *a)) != NULL, CNN_ENOMEM, "the end of the allocation");
    a->helper = helper;
    a->end = INFINITY;
    cnn_copy_string(a->job, sizeof a->job, job);
    ask(a);
    while (a->squeue && cnn_clock_monotonic() - a->asked < patience_at_start)
        listen(a, 0.1);
    if (a->squeue)
        snprintf(a->trouble, sizeof a->trouble, "squeue has not answered yet");
    *out = a;
done:
    return st;
}

void cnn_allocation_destroy(cnn_allocation **allocation)
{
    cnn_allocation *a = *allocation;
    if (!a)
        return;
    cnn_child_destroy(&a->squeue);
    free(a);
    *allocation = NULL;
}

void cnn_allocation_step(cnn_allocation *a)
{
    if (a && a->squeue)
        listen(a, 0);
    else if (a && cnn_clock_monotonic() - a->asked > between_questions)
        ask(a);
}

double cnn_allocation_left(const cnn_allocation *a)
{
    return a ? a->end - cnn_clock_wall() : INFINITY;
}

const char *cnn_allocation_trouble(const cnn_allocation *a)
{
    return a && isinf(a->end) && a->trouble[0] ? a->trouble : NULL;
}
