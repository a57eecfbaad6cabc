/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/resume.h"

#include "base/text.h"
#include "mpi/worker/trainer_command.h"

#include <stdlib.h>
#include <string.h>

cnn_status cnn_resume_devices(const cnn_results *results, int *out)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(results->session_count > 0 && results->sessions[0].ranks > 0, CNN_EDATA,
              "its first session left no number of ranks");
    *out = results->sessions[0].ranks;
done:
    return st;
}

static cnn_status check_factors(const cnn_results *r, const cnn_job *job)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(r->factor_count == job->factor_count && r->contrast == job->contrast, CNN_EUSAGE,
              "it has %d factors and contrast number %d, the job %d and number %d", r->factor_count,
              r->contrast + 1, job->factor_count, job->contrast + 1);
    for (int f = 0; f < job->factor_count; f++) {
        const cnn_results_factor *theirs = &r->factors[f];
        const cnn_factor *ours = &job->factors[f];
        CNN_CHECK(strcmp(theirs->name, ours->name) == 0 && theirs->level_count == ours->level_count,
                  CNN_EUSAGE, "its factor %d is %s with %d levels, the job's %s with %d", f + 1,
                  theirs->name, theirs->level_count, ours->name, ours->level_count);
        for (int l = 0; l < ours->level_count; l++)
            CNN_CHECK(strcmp(theirs->labels[l], ours->labels[l]) == 0, CNN_EUSAGE,
                      "level %d of its factor %s is %s, the job's %s", l + 1, ours->name,
                      theirs->labels[l], ours->labels[l]);
    }
done:
    return st;
}

static cnn_status check_runs(const cnn_results *r, const cnn_design *d)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(r->run_count == d->run_count, CNN_EUSAGE, "it has %d runs, the job %d", r->run_count,
              d->run_count);
    for (int i = 0; i < d->run_count; i++) {
        const cnn_planned *theirs = &r->planned[i];
        const cnn_run *run = &d->runs[i];
        const cnn_block *block = &d->blocks[run->block];
        CNN_CHECK(theirs->seed == (int64_t)block->seed, CNN_EUSAGE,
                  "the seed of its run %d is %lld, the job's %lu: the job's seed or names differ",
                  i, (long long)theirs->seed, (unsigned long)block->seed);
        CNN_CHECK(theirs->cell == run->cell && theirs->block == run->block &&
                      theirs->level == run->level && theirs->position == run->position &&
                      theirs->repeat == block->repeat && theirs->warmup == block->warmup,
                  CNN_EUSAGE, "its run %d is another one than the job's", i);
    }
done:
    return st;
}

/** What is trained in the cell of a run, as text: specification, program, environment. */
static cnn_status describe_training(const cnn_job *job, const cnn_design *d, int run, cnn_text *out)
{
    cnn_status st = CNN_OK;
    const cnn_treatment t = cnn_job_treatment(job, d->cells[d->runs[run].cell].levels);
    CNN_TRY(cnn_trainer_command_spec(job, d, run, NULL, 0, NULL, out));
    if (t.framework->trainer)
        cnn_text_printf(out, " %s", t.framework->trainer->name);
    if (t.framework->is_command)
        for (char **word = t.framework->command; *word; word++)
            cnn_text_printf(out, " %s", *word);
    cnn_job_describe_environment(job, out);
    CNN_TRY(cnn_text_status(out));
done:
    return st;
}

/** CNN_EUSAGE with the first member in which two specifications differ. */
static cnn_status refuse_difference(const char *label, const char *theirs, const char *ours)
{
    cnn_text there = {0}, here = {0};
    cnn_job_first_difference(theirs, ours, &there, &here);
    cnn_error_set(CNN_EUSAGE, "its runs of %s are trained otherwise: %s there, %s here", label,
                  there.s ? there.s : "", here.s ? here.s : "");
    cnn_text_free(&there);
    cnn_text_free(&here);
    return CNN_EUSAGE;
}

static cnn_status check_training(const cnn_job *theirs, const cnn_job *ours, const cnn_design *d)
{
    cnn_status st = CNN_OK;
    cnn_text a = {0}, b = {0};
    bool *seen = calloc((size_t)d->cell_count, sizeof *seen);
    CNN_CHECK(seen != NULL, CNN_ENOMEM, "cells of the design");
    CNN_CHECK(theirs->backend == ours->backend, CNN_EUSAGE, "its backend is %s, the job's %s",
              cnn_backend_names[theirs->backend], cnn_backend_names[ours->backend]);
    for (int run = 0; run < d->run_count; run++) {
        const int cell = d->runs[run].cell;
        if (seen[cell])
            continue;
        seen[cell] = true;
        cnn_text_free(&a);
        cnn_text_free(&b);
        CNN_TRY(describe_training(theirs, d, run, &a));
        CNN_TRY(describe_training(ours, d, run, &b));
        if (strcmp(a.s, b.s) != 0)
            CNN_TRY(refuse_difference(d->cells[cell].label, a.s, b.s));
    }
done:
    free(seen);
    cnn_text_free(&a);
    cnn_text_free(&b);
    return st;
}

/** What may differ between levels is declared before the first run, and stays. */
static cnn_status check_compare(const cnn_job *theirs, const cnn_job *ours)
{
    cnn_status st = CNN_OK;
    cnn_text there = {0}, here = {0};
    cnn_job_describe_allowed(theirs->compare.allow, &there);
    cnn_job_describe_allowed(ours->compare.allow, &here);
    CNN_TRY(cnn_text_status(&there));
    CNN_TRY(cnn_text_status(&here));
    CNN_CHECK(memcmp(theirs->compare.allow, ours->compare.allow, sizeof ours->compare.allow) == 0,
              CNN_EUSAGE,
              "it was begun with compare: {allow: [%s]}, the job has compare: {allow: [%s]}: what "
              "levels may differ in is declared before the first run",
              there.s ? there.s : "", here.s ? here.s : "");
done:
    cnn_text_free(&there);
    cnn_text_free(&here);
    return st;
}

/** Metrics change what is stored of each run, and their kind what a run must report. */
static cnn_status check_metrics(const cnn_job *theirs, const cnn_job *ours)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(theirs->kind == ours->kind, CNN_EUSAGE, "its kind is %s, the job's %s",
              cnn_job_kind_names[theirs->kind], cnn_job_kind_names[ours->kind]);
    CNN_CHECK(theirs->metric_count == ours->metric_count, CNN_EUSAGE,
              "it has %d metrics, the job %d", theirs->metric_count, ours->metric_count);
    for (int i = 0; i < ours->metric_count; i++)
        CNN_CHECK(strcmp(theirs->metrics[i].name, ours->metrics[i].name) == 0 &&
                      theirs->metrics[i].compare == ours->metrics[i].compare,
                  CNN_EUSAGE, "its metric %d, %s, is another one than the job's, %s", i + 1,
                  theirs->metrics[i].name, ours->metrics[i].name);
done:
    return st;
}

static void describe_looks(const cnn_job *job, cnn_text *out)
{
    for (int i = 0; i < job->analysis.look_count; i++)
        cnn_text_printf(out, "%s%g", i ? ", " : "", job->analysis.looks[i]);
}

/** Looks are declared before the first run: chosen later they would not control anything. */
static cnn_status check_looks(const cnn_job *theirs, const cnn_job *ours)
{
    cnn_status st = CNN_OK;
    cnn_text there = {0}, here = {0};
    describe_looks(theirs, &there);
    describe_looks(ours, &here);
    CNN_TRY(cnn_text_status(&there));
    CNN_TRY(cnn_text_status(&here));
    CNN_CHECK(strcmp(there.s, here.s) == 0, CNN_EUSAGE,
              "it was begun with analysis: {looks: [%s]}, the job has analysis: {looks: [%s]}: "
              "looks are declared before the first run",
              there.s, here.s);
done:
    cnn_text_free(&there);
    cnn_text_free(&here);
    return st;
}

/** That their job has the factors that the file has: its cells' levels are then good for it. */
static cnn_status check_own_job(const cnn_job *theirs, const cnn_job *ours)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(theirs->factor_count == ours->factor_count, CNN_EDATA,
              "its job text does not fit its columns");
    for (int f = 0; f < ours->factor_count; f++)
        CNN_CHECK(theirs->factors[f].level_count == ours->factors[f].level_count &&
                      theirs->factors[f].kind == ours->factors[f].kind,
                  CNN_EDATA, "its job text does not fit its columns");
done:
    return st;
}

cnn_status cnn_resume_check(const cnn_results *results, const cnn_job *job,
                            const cnn_design *design)
{
    cnn_status st = CNN_OK;
    cnn_job *theirs = NULL;
    CNN_TRY(check_factors(results, job));
    CNN_TRY(check_runs(results, design));
    /* read as if it stood where the new one does */
    CNN_TRY(cnn_job_parse_stored(job->path, results->job_text, results->overrides, &theirs));
    CNN_TRY(check_own_job(theirs, job));
    CNN_TRY(check_training(theirs, job, design));
    CNN_TRY(check_compare(theirs, job));
    CNN_TRY(check_metrics(theirs, job));
    CNN_TRY(check_looks(theirs, job));
done:
    cnn_job_destroy(&theirs);
    return st;
}

cnn_status cnn_resume_check_backend(const cnn_results *results, const cnn_devices *devices)
{
    cnn_status st = CNN_OK;
    const char *ours = cnn_backend_names[devices->backend];
    CNN_CHECK(strcmp(results->backend, ours) == 0, CNN_EUSAGE,
              "its runs were done with backend %s, and here it would be %s", results->backend,
              devices->reason);
done:
    return st;
}
