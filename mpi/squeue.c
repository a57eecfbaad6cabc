/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/squeue.h"

#include "base/text.h"
#include "host/child.h"
#include "host/environment.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct {
    cnn_end_source source; /* first: see mpi/dispatch/allocation.h */
    const char *helper;
    char job[32];     /* its number */
    cnn_child *child; /* NULL: it was not asked */
} squeue;

static cnn_status ask(cnn_end_source *source)
{
    static const char *const plain[] = {"SLURM_TIME_FORMAT=standard", NULL};
    cnn_status st = CNN_OK;
    squeue *s = (squeue *)source;
    char *const argv[] = {"squeue", "-h", "-j", s->job, "-o", "%e", NULL};
    cnn_child_options options = {.helper = s->helper, .argv = argv};
    char **environment = NULL;
    cnn_child_destroy(&s->child);
    CNN_TRY(cnn_environment_make(environ, NULL, plain, &environment));
    options.environment = environment;
    CNN_TRY(cnn_child_start(&options, &s->child));
done:
    cnn_environment_free(&environment);
    return st;
}

static const char *listen(cnn_end_source *source, double seconds, bool *failed)
{
    squeue *s = (squeue *)source;
    bool too_long;
    *failed = cnn_child_poll(s->child, seconds) != CNN_OK;
    while (!*failed && cnn_child_next_line(s->child, &too_long))
        ; /* squeue sends no events */
    if (*failed || !cnn_child_ended(s->child))
        return NULL;
    *failed = cnn_child_exit_code(s->child) != 0;
    return cnn_child_log_tail(s->child);
}

static void destroy(cnn_end_source *source)
{
    squeue *s = (squeue *)source;
    cnn_child_destroy(&s->child);
    free(s);
}

cnn_status cnn_squeue_create(const char *helper, cnn_end_source **out)
{
    cnn_status st = CNN_OK;
    squeue *s = NULL;
    const char *job = getenv("SLURM_JOB_ID");
    *out = NULL;
    if (!job || !*job)
        return CNN_OK;
    CNN_CHECK((s = calloc(1, sizeof *s)) != NULL, CNN_ENOMEM, "the end of the allocation");
    s->source = (cnn_end_source){ask, listen, destroy};
    s->helper = helper;
    cnn_copy_string(s->job, sizeof s->job, job);
    *out = &s->source;
done:
    return st;
}
