/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/worker/trainer_command.h"

#include "mpi/worker/locate.h"
#include "mpi/worker/python_environment.h"
#include "mpi/worker/run_place.h"
#include "protocol/spec.h"

#include <stdlib.h>
#include <string.h>

/** The program of our own paths. */
static const char *trainer_of(int backend)
{
    return backend == CNN_BACKEND_CUDNN ? "cnntrain-cudnn" : "cnntrain-onednn";
}

static void free_vector(char **argv)
{
    for (char **a = argv; a && *a; a++)
        free(*a);
    free(argv);
}

/** One of cnnmpi's own trainers. */
static cnn_status own_program(const char *name, const char *argv0, char ***out)
{
    cnn_status st = CNN_OK;
    char **argv = calloc(2, sizeof *argv);
    CNN_CHECK(argv != NULL, CNN_ENOMEM, "a trainer's arguments");
    CNN_TRY(cnn_locate_program(argv0, name, &argv[0]));
    *out = argv;
    argv = NULL;
done:
    free_vector(argv);
    return st;
}

/** The command of a framework, with the files that it names by relative paths found. */
static cnn_status foreign_program(const cnn_framework *f, const char *argv0, char ***out)
{
    cnn_status st = CNN_OK;
    size_t count = 0;
    char **argv = NULL;
    while (f->command[count])
        count++;
    CNN_CHECK((argv = calloc(count + 1, sizeof *argv)) != NULL, CNN_ENOMEM,
              "a trainer's arguments");
    for (size_t i = 0; i < count; i++) {
        CNN_TRY(cnn_locate_word(argv0, f->folder, f->command[i], &argv[i]));
        if (!argv[i])
            argv[i] = cnn_strdup(f->command[i]);
        CNN_CHECK(argv[i] != NULL, CNN_ENOMEM, "a trainer's arguments");
    }
    st = cnn_locate_check_program(argv[0]);
    if (st != CNN_OK) {
        cnn_error_prefix(st, "framework %s", f->name);
        goto done;
    }
    *out = argv;
    argv = NULL;
done:
    free_vector(argv);
    return st;
}

/** A trainer that comes with cnnmpi: its script, and the Python that has its framework. */
static cnn_status shipped_program(const cnn_framework *f, int backend, const char *argv0,
                                  char ***out)
{
    cnn_status st = CNN_OK;
    const bool gpu = backend == CNN_BACKEND_CUDNN;
    char **argv = calloc(3, sizeof *argv);
    CNN_CHECK(argv != NULL, CNN_ENOMEM, "a trainer's arguments");
    CNN_TRY(cnn_environment_python(f, gpu, argv0, &argv[0]));
    CNN_TRY(cnn_locate_script(argv0, f->trainer->script, &argv[1]));
    *out = argv;
    argv = NULL;
done:
    free_vector(argv);
    return st;
}

/** Of any framework. */
static cnn_status find_program(const cnn_framework *f, int backend, const char *argv0, char ***out)
{
    if (f->trainer)
        return shipped_program(f, backend, argv0, out);
    if (f->is_command)
        return foreign_program(f, argv0, out);
    return own_program(f->is_simulated ? "cnntrain-simulate" : trainer_of(backend), argv0, out);
}

cnn_status cnn_trainer_commands_create(const cnn_job *job, const cnn_design *design, int backend,
                                       const char *argv0, cnn_trainer_commands **out)
{
    cnn_status st = CNN_OK;
    cnn_trainer_commands *r = calloc(1, sizeof *r);
    CNN_CHECK(r != NULL, CNN_ENOMEM, "commands");
    r->cell_count = design->cell_count;
    CNN_CHECK((r->argv = calloc((size_t)r->cell_count, sizeof *r->argv)) != NULL, CNN_ENOMEM,
              "commands of %d cells", r->cell_count);
    CNN_TRY(cnn_locate_program(argv0, "cnn-exec", &r->helper));
    for (int c = 0; c < r->cell_count; c++) {
        const cnn_treatment t = cnn_job_treatment(job, design->cells[c].levels);
        CNN_TRY(find_program(t.framework, backend, argv0, &r->argv[c]));
    }
    *out = r;
    r = NULL;
done:
    cnn_trainer_commands_destroy(&r);
    return st;
}

void cnn_trainer_commands_destroy(cnn_trainer_commands **commands)
{
    cnn_trainer_commands *r = *commands;
    if (!r)
        return;
    for (int c = 0; r->argv && c < r->cell_count; c++)
        free_vector(r->argv[c]);
    free(r->argv);
    free(r->helper);
    free(r);
    *commands = NULL;
}

/** The simulation part of a specification; borrows. place: the stated one. */
static cnn_simulation simulation_of(const cnn_job *job, const cnn_design *design, int run,
                                    cnn_place *place, int attempt)
{
    const cnn_run *r = &design->runs[run];
    const cnn_block *block = &design->blocks[r->block];
    return (cnn_simulation){
        .truth = cnn_job_treatment(job, design->cells[r->cell].levels).framework->truth,
        .job_seed = job->seed,
        .cell = design->cells[r->cell].label,
        .node = place->host,
        .device = place->device,
        .block = r->block,
        .order = block->queue_position * design->level_count + r->position,
        .attempt = attempt};
}

/** tune: ask for algorithms; algorithms: frozen ones, or NULL. */
static cnn_status write_spec(const cnn_job *job, const cnn_design *design, int run,
                             const cnn_place *place, int attempt, bool tune, const char *algorithms,
                             cnn_text *out)
{
    cnn_status st = CNN_OK;
    const cnn_run *r = &design->runs[run];
    const cnn_treatment t = cnn_job_treatment(job, design->cells[r->cell].levels);
    const cnn_place nowhere = {.host = "any", .device = "any", .cores = 1};
    cnn_place stated = cnn_run_place(&t, place ? place : &nowhere);
    cnn_text factors = {0};
    cnn_simulation simulation = simulation_of(job, design, run, &stated, attempt);
    cnn_spec *spec = calloc(1, sizeof *spec); /* only borrows: never freed with cnn_spec_free */
    CNN_CHECK(spec != NULL, CNN_ENOMEM, "specification of run %d", run);
    spec->run = run;
    spec->framework = t.framework->name;
    spec->path = t.framework->path;
    spec->seed = design->blocks[r->block].seed;
    spec->threads = stated.cores;
    spec->network = *t.architecture;
    spec->source = *t.source;
    spec->train = t.train;
    spec->mode = (char *)t.mode;
    spec->backend = (char *)t.framework->backend;
    spec->simulate = t.framework->is_simulated ? &simulation : NULL;
    cnn_job_describe_settings(&t, &factors);
    CNN_TRY(cnn_text_status(&factors));
    spec->factors = factors.s;
    spec->tune = tune;
    spec->algorithms = (char *)algorithms;
    cnn_spec_write(spec, out);
    CNN_TRY(cnn_text_status(out));
done:
    free(spec);
    cnn_text_free(&factors);
    return st;
}

cnn_status cnn_trainer_command_spec(const cnn_job *job, const cnn_design *design, int run,
                                    const cnn_place *place, int attempt, const char *algorithms,
                                    cnn_text *out)
{
    return write_spec(job, design, run, place, attempt, false, algorithms, out);
}

cnn_status cnn_trainer_command_tuning_spec(const cnn_job *job, const cnn_design *design, int cell,
                                           const cnn_place *place, cnn_text *out)
{
    for (int run = 0; run < design->run_count; run++)
        if (design->runs[run].cell == cell)
            return write_spec(job, design, run, place, 0, true, NULL, out);
    return cnn_error_set(CNN_EINVAL, "cell %d has no run", cell);
}
