/* SPDX-License-Identifier: Apache-2.0 */
#include "job_results.h"

#include "base/text.h"
#include "design/design.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *copy(const char *s)
{
    char *c = cnn_strdup(s);
    assert_non_null(c);
    return c;
}

static void take_factors(cnn_results *r, const cnn_job *job)
{
    r->factor_count = job->factor_count;
    r->contrast = job->contrast;
    r->factors = calloc((size_t)job->factor_count, sizeof *r->factors);
    assert_non_null(r->factors);
    for (int f = 0; f < job->factor_count; f++) {
        const cnn_factor *from = &job->factors[f];
        r->factors[f] = (cnn_results_factor){copy(from->name), from->level_count,
                                             calloc((size_t)from->level_count, sizeof(char *)),
                                             (int)from->kind};
        assert_non_null(r->factors[f].labels);
        for (int l = 0; l < from->level_count; l++)
            r->factors[f].labels[l] = copy(from->labels[l]);
    }
}

/** Times depend on seed and level; one device's are longer. */
static void finish_run(cnn_results *r, const cnn_design *d, int run, double start)
{
    const cnn_block *block = &d->blocks[d->runs[run].block];
    cnn_measured *m = &r->measured[run];
    r->planned[run] = (cnn_planned){.cell = d->runs[run].cell,
                                    .combination = block->combination,
                                    .level = d->runs[run].level,
                                    .repeat = block->repeat,
                                    .block = d->runs[run].block,
                                    .warmup = block->warmup,
                                    .seed = block->seed};
    r->status[run] = CNN_RUN_DONE;
    *m = cnn_measured_unknown();
    cnn_copy_string(m->host, sizeof m->host, "node1");
    snprintf(m->device, sizeof m->device, "gpu%d", block->device);
    m->session = 0;
    m->epochs_done = 2;
    m->start_time = start + 10.0 * run;
    m->train_seconds = 20 + block->device + (block->seed % 101) / 1000.0 +
                       d->runs[run].level * (1 + run % 3) / 50.0;
    m->test_error = 0.1 + (block->seed % 7) / 1000.0;
}

cnn_results *job_results(const char *text, double start)
{
    cnn_job *job = NULL;
    cnn_design *d = NULL;
    if (cnn_job_parse("job.yaml", text, NULL, &job) != CNN_OK ||
        cnn_design_create(job, JOB_RESULTS_DEVICES, &d) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    cnn_results *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->job_name = copy(job->name);
    r->job_text = copy(text);
    r->overrides = copy("");
    r->plan = copy("plan");
    r->created = copy("cnnmpi 0.1.0");
    r->backend = copy("onednn");
    take_factors(r, job);
    r->cell_count = d->cell_count;
    r->combination_count = d->combination_count;
    r->level_count = d->level_count;
    r->margin_time = job->analysis.margin_time;
    r->margin_error = job->analysis.margin_error;
    r->alpha = job->analysis.alpha;
    cnn_copy_string(r->primary, sizeof r->primary, cnn_job_measure_names[job->analysis.primary]);
    r->look_count = job->analysis.look_count;
    memcpy(r->looks, job->analysis.looks, sizeof r->looks);
    r->run_count = d->run_count;
    r->epoch_count = job->train.epochs;
    r->attempts_per_run = 1;
    r->session_count = 1;
    const size_t runs = (size_t)d->run_count, factors = (size_t)r->factor_count;
    r->cell_levels = calloc((size_t)d->cell_count * factors, sizeof *r->cell_levels);
    r->status = calloc(runs, sizeof *r->status);
    r->planned = calloc(runs, sizeof *r->planned);
    r->measured = calloc(runs, sizeof *r->measured);
    r->epochs = calloc(runs * (size_t)r->epoch_count, sizeof *r->epochs);
    r->attempts = calloc(runs, sizeof *r->attempts);
    r->sessions = calloc(1, sizeof *r->sessions);
    assert_true(r->cell_levels && r->status && r->planned && r->measured && r->epochs &&
                r->attempts && r->sessions);
    for (int c = 0; c < d->cell_count; c++)
        memcpy(&r->cell_levels[c * r->factor_count], d->cells[c].levels, factors * sizeof(int));
    for (int i = 0; i < d->run_count; i++) {
        finish_run(r, d, i, start);
        r->attempts[i] = cnn_attempt_unknown();
        for (int e = 0; e < r->epoch_count; e++)
            r->epochs[i * r->epoch_count + e] = cnn_epoch_row_unknown();
    }
    r->sessions[0] = (cnn_session){start - 1, JOB_RESULTS_DEVICES};
    cnn_design_destroy(&d);
    cnn_job_destroy(&job);
    return r;
}
