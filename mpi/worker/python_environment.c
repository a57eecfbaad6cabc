/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/python_environment.h"

#include "mpi/worker/locate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Appends the folder of all environments. */
static void append_root(cnn_text *out)
{
    const char *given = getenv("CNNMPI_ENVIRONMENTS"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (given && *given)
        cnn_text_append(out, given);
    else if (cache && *cache)
        cnn_text_printf(out, "%s/cnnmpi/environments", cache);
    else
        cnn_text_printf(out, "%s/.cache/cnnmpi/environments", home ? home : "");
}

/** Appends the path of the environment's Python. It exists once the environment is complete: before,
 *  `setup` keeps it under another name. */
static void append_python(const char *name, bool gpu, cnn_text *out)
{
    append_root(out);
    cnn_text_printf(out, "/%s%s/bin/python3", name, gpu ? "-cuda" : "");
}

static const char *name_of(const cnn_framework *f)
{
    return cnn_shipped_trainer_environment(f->trainer, f->backend);
}

/** Appends the command that makes an environment. */
static void append_command(const char *name, bool gpu, const char *argv0, cnn_text *out)
{
    char *setup = NULL;
    (void)cnn_locate_script(argv0, "setup", &setup); /* without it, the name alone must do */
    cnn_text_printf(out, "%s %s%s", setup ? setup : "trainers/setup", gpu ? "--cuda " : "", name);
    free(setup);
}

cnn_status cnn_environment_python(const cnn_framework *framework, bool gpu, const char *argv0,
                                  char **out)
{
    cnn_status st = CNN_OK;
    cnn_text path = {0}, command = {0};
    append_python(name_of(framework), gpu, &path);
    append_command(name_of(framework), gpu, argv0, &command);
    CNN_TRY(cnn_text_status(&path));
    CNN_TRY(cnn_text_status(&command));
    CNN_CHECK(access(path.s, X_OK) == 0, CNN_EENV,
              "framework %s: %s is missing; to make this environment: %s", framework->name, path.s,
              command.s);
    *out = cnn_text_take(&path);
done:
    cnn_text_free(&path);
    cnn_text_free(&command);
    return st;
}

/** Whether an earlier level of the job needs the same environment. */
static bool is_repeated(const cnn_job *job, int framework)
{
    for (int i = 0; i < framework; i++)
        if (job->frameworks[i].trainer &&
            strcmp(name_of(&job->frameworks[i]), name_of(&job->frameworks[framework])) == 0)
            return true;
    return false;
}

cnn_status cnn_environment_describe_missing(const cnn_job *job, const char *argv0, cnn_text *out)
{
    const bool gpu = job->backend == CNN_BACKEND_CUDNN;
    for (int i = 0; i < job->framework_count; i++) {
        const cnn_framework *f = &job->frameworks[i];
        cnn_text path = {0};
        if (!f->trainer || is_repeated(job, i))
            continue;
        append_python(name_of(f), gpu, &path);
        if (path.s && access(path.s, X_OK) != 0) {
            cnn_text_printf(out, "\nThe environment %s is missing; to make it: ", name_of(f));
            append_command(name_of(f), gpu, argv0, out);
            cnn_text_append(out, "\n");
        }
        out->failed |= path.failed;
        cnn_text_free(&path);
    }
    return cnn_text_status(out);
}
