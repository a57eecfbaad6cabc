/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/file_state.h"

#include "base/printable.h"
#include "base/text.h"
#include "mpi/message.h"
#include "mpi/worker/simulated.h"

#include <stdlib.h>
#include <string.h>

static cnn_status allocate(const cnn_job *job, const cnn_design *design, cnn_file_state *s)
{
    cnn_status st = CNN_OK;
    const size_t runs = (size_t)design->run_count;
    *s = (cnn_file_state){0};
    s->status = calloc(runs, sizeof *s->status);
    s->attempts = calloc(runs, sizeof *s->attempts);
    s->known_durations = calloc((size_t)design->cell_count, sizeof *s->known_durations);
    CNN_CHECK(s->status && s->attempts && s->known_durations, CNN_ENOMEM, "state of %zu runs",
              runs);
    CNN_TRY(cnn_consistency_create(job, design, &s->consistency));
done:
    return st;
}

void cnn_file_state_free(cnn_file_state *s)
{
    free(s->status);
    free(s->attempts);
    free(s->known_durations);
    cnn_consistency_destroy(&s->consistency);
    free(s->home);
    *s = (cnn_file_state){0};
}

static int most_epochs(const cnn_job *job, const cnn_design *design)
{
    int most = 0;
    for (int c = 0; c < design->cell_count; c++) {
        const int epochs = cnn_job_treatment(job, design->cells[c].levels).train.epochs;
        most = epochs > most ? epochs : most;
    }
    return most;
}

cnn_status cnn_file_state_begin(const cnn_job *job, const cnn_design *design, cnn_file_state *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(allocate(job, design, out));
    out->epoch_count = most_epochs(job, design);
done:
    return st;
}

/** Keeps what a finished run's trainer reported. */
static cnn_status take_report(const cnn_results *r, int run, cnn_file_state *s)
{
    cnn_status st = CNN_OK;
    const cnn_measured *m = &r->measured[run];
    cnn_setup_report report = {.parameters = m->parameters,
                               .train_images = m->train_images,
                               .test_images = m->test_images};
    char reason[128];
    cnn_copy_string(report.data_checksum, sizeof report.data_checksum, m->data_checksum);
    CNN_CHECK(cnn_consistency_check(s->consistency, run, &report, reason, sizeof reason), CNN_EDATA,
              "its finished run %d contradicts others: %s", run, reason);
done:
    return st;
}

/** State of the runs. */
static cnn_status take_runs(const cnn_results *r, const cnn_design *design, cnn_file_state *s)
{
    cnn_status st = CNN_OK;
    s->epoch_count = r->epoch_count;
    s->session = r->session_count;
    s->complete = true;
    for (int run = 0; run < r->run_count; run++) {
        const cnn_measured *m = &r->measured[run];
        const bool finished = cnn_run_status_is_finished(r->status[run]);
        double *known = &s->known_durations[design->runs[run].cell];
        s->status[run] = r->status[run];
        for (int a = 0; a < r->attempts_per_run; a++)
            if (r->attempts[run * r->attempts_per_run + a].attempt_outcome > CNN_OUTCOME_NONE)
                s->attempts[run] = a + 1;
        if (finished && m->life_seconds > *known)
            *known = m->life_seconds;
        if (finished)
            CNN_TRY(take_report(r, run, s));
        if (!finished && !r->planned[run].warmup)
            s->complete = false;
    }
    CNN_CHECK(r->epoch_count > 0 && r->attempts_per_run > 0, CNN_EDATA,
              "it has no place for epochs or attempts");
done:
    return st;
}

static bool is_on(const cnn_results *r, int run, const cnn_job *job, const cnn_design *design,
                  const cnn_place *place)
{
    const cnn_treatment t = cnn_job_treatment(job, design->cells[design->runs[run].cell].levels);
    const cnn_place counted = cnn_simulated_place(t.framework, place);
    char device[sizeof counted.device];
    cnn_copy_printable(device, sizeof device, counted.device, false);
    return strcmp(device, r->measured[run].device) == 0;
}

/** Finds the rank whose device has begun each block that is half done: the block continues
 *  there, so that it is not split without need. */
static cnn_status find_homes(const cnn_results *r, const cnn_job *job, const cnn_design *design,
                             const cnn_place *places, int ranks, cnn_file_state *s)
{
    cnn_status st = CNN_OK;
    s->home = calloc((size_t)design->block_count, sizeof *s->home);
    CNN_CHECK(s->home, CNN_ENOMEM, "state of %d blocks", design->block_count);
    for (int b = 0; b < design->block_count; b++) {
        const cnn_block *block = &design->blocks[b];
        int finished = -1, open = 0;
        s->home[b] = -1;
        for (int l = 0; l < design->level_count; l++) {
            const int run = cnn_block_run(block, l);
            if (cnn_run_status_is_finished(r->status[run]))
                finished = run;
            else
                open++;
        }
        for (int k = 0; k < ranks && finished >= 0 && open > 0 && s->home[b] < 0; k++) {
            const int rank =
                ((block->device > 0 ? block->device : 0) + k) % ranks; /* as planned first */
            if (is_on(r, finished, job, design, &places[rank]))
                s->home[b] = rank;
        }
    }
done:
    return st;
}

cnn_status cnn_file_state_read(const cnn_results *results, const cnn_job *job,
                               const cnn_design *design, const cnn_place *places, int ranks,
                               cnn_file_state *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(allocate(job, design, out));
    CNN_TRY(take_runs(results, design, out));
    CNN_TRY(find_homes(results, job, design, places, ranks, out));
done:
    return st;
}
