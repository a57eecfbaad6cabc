/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/prepare.h"

#include "base/printable.h"
#include "base/text.h"
#include "design/networks.h"
#include "hdf5io/reader.h"
#include "hdf5io/results_create.h"
#include "mpi/message.h"
#include "mpi/resume.h"
#include "mpi/tuning.h"
#include "mpi/worker/simulated.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Makes the folders that lead to a file. */
static cnn_status make_folders(const char *path)
{
    cnn_status st = CNN_OK;
    char *folder = cnn_strdup(path);
    CNN_CHECK(folder != NULL, CNN_ENOMEM, "path of the output");
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        CNN_CHECK(mkdir(folder, 0777) == 0 || errno == EEXIST, CNN_EIO,
                  "cannot make the folder '%s' for the output: %s", folder, strerror(errno));
        *slash = '/';
    }
done:
    free(folder);
    return st;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/** Every data set is there and fits its networks; the plan as text. */
static cnn_status check_data(const cnn_job *job, const cnn_design *design, cnn_text *plan)
{
    cnn_status st = CNN_OK;
    cnn_network **networks = NULL;
    cnn_text problem = {0};
    CNN_TRY(cnn_networks_infer(design, job, &networks, NULL, &problem));
    if (problem.len > 0 && problem.s[problem.len - 1] == '\n')
        problem.s[problem.len - 1] = '\0';
    CNN_CHECK(problem.len == 0, CNN_EDATA, "%s", problem.s);
    cnn_design_describe(design, job, (const cnn_network *const *)networks, plan);
    cnn_design_describe_unmeasured(design, job, plan);
    CNN_TRY(cnn_text_status(plan));
done:
    cnn_text_free(&problem);
    cnn_networks_destroy(&networks, design->cell_count);
    return st;
}

static cnn_status allocate(cnn_prepared *p, const cnn_job *job, const cnn_design *design)
{
    cnn_status st = CNN_OK;
    const size_t runs = (size_t)design->run_count;
    free(p->status);
    free(p->attempts);
    free(p->known_durations);
    cnn_consistency_destroy(&p->consistency);
    p->status = calloc(runs, sizeof *p->status);
    p->attempts = calloc(runs, sizeof *p->attempts);
    p->known_durations = calloc((size_t)design->cell_count, sizeof *p->known_durations);
    CNN_CHECK(p->status && p->attempts && p->known_durations, CNN_ENOMEM, "state of %zu runs",
              runs);
    CNN_TRY(cnn_consistency_create(job, design, &p->consistency));
    p->head.run_count = design->run_count;
    p->head.device_count = design->device_count;
done:
    return st;
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

/** Places for algorithms, all free: so many, and one where none are to be frozen, as in the
 *  file. */
static cnn_status allocate_tunings(cnn_prepared *p, int places)
{
    cnn_status st = CNN_OK;
    free(p->tunings);
    p->head.tuning_places = places > 0 ? places : 1;
    p->tunings = calloc((size_t)p->head.tuning_places, sizeof *p->tunings);
    CNN_CHECK(p->tunings != NULL, CNN_ENOMEM, "places for the algorithms of %d cells", places);
    for (int i = 0; i < p->head.tuning_places; i++)
        p->tunings[i].cell = -1;
done:
    return st;
}

static cnn_status start_anew(const cnn_job *job, int ranks, const cnn_devices *devices,
                             cnn_prepared *p)
{
    cnn_status st = CNN_OK;
    cnn_design *design = NULL;
    cnn_text plan = {0};
    CNN_TRY(cnn_design_create(job, ranks, &design));
    CNN_TRY(check_data(job, design, &plan));
    CNN_TRY(allocate(p, job, design));
    CNN_TRY(allocate_tunings(p, CNN_TUNING_MODELS * cnn_tuned_cells(job, design, devices, NULL)));
    p->head.epoch_count = most_epochs(job, design);
    cnn_text_printf(&plan, "\nBackend: %s\n", devices->reason);
    CNN_CHECK((p->plan = cnn_text_take(&plan)) != NULL, CNN_ENOMEM, "text of the plan");
done:
    cnn_text_free(&plan);
    cnn_design_destroy(&design);
    return st;
}

/** Keeps what a finished run's trainer reported. */
static cnn_status take_report(const cnn_results *r, int run, cnn_prepared *p)
{
    cnn_status st = CNN_OK;
    const cnn_measured *m = &r->measured[run];
    cnn_setup_report report = {.parameters = m->parameters,
                               .train_images = m->train_images,
                               .test_images = m->test_images};
    char reason[128];
    cnn_copy_string(report.data_checksum, sizeof report.data_checksum, m->data_checksum);
    CNN_CHECK(cnn_consistency_check(p->consistency, run, &report, reason, sizeof reason), CNN_EDATA,
              "its finished run %d contradicts others: %s", run, reason);
done:
    return st;
}

/** State of the runs as the file has it. */
static cnn_status take_state(const cnn_results *r, const cnn_design *design, cnn_prepared *p)
{
    cnn_status st = CNN_OK;
    p->head.epoch_count = r->epoch_count;
    p->head.session = r->session_count;
    p->head.resumed = p->head.complete = 1;
    for (int run = 0; run < r->run_count; run++) {
        const cnn_measured *m = &r->measured[run];
        const bool good = r->status[run] == CNN_RUN_DONE || r->status[run] == CNN_RUN_DIVERGED;
        double *known = &p->known_durations[design->runs[run].cell];
        p->status[run] = r->status[run];
        for (int a = 0; a < r->attempts_per_run; a++)
            if (r->attempts[run * r->attempts_per_run + a].attempt_outcome > CNN_OUTCOME_NONE)
                p->attempts[run] = a + 1;
        if (good && m->life_seconds > *known)
            *known = m->life_seconds;
        if (good)
            CNN_TRY(take_report(r, run, p));
        if (!good && !r->planned[run].warmup)
            p->head.complete = 0;
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
                             const cnn_place *places, int ranks, cnn_prepared *p)
{
    cnn_status st = CNN_OK;
    p->home = calloc((size_t)design->block_count, sizeof *p->home);
    CNN_CHECK(p->home, CNN_ENOMEM, "state of %d blocks", design->block_count);
    for (int b = 0; b < design->block_count; b++) {
        const cnn_block *block = &design->blocks[b];
        int finished = -1, open = 0;
        p->home[b] = -1;
        for (int l = 0; l < design->level_count; l++) {
            const int run = cnn_block_run(block, l);
            if (r->status[run] == CNN_RUN_DONE || r->status[run] == CNN_RUN_DIVERGED)
                finished = run;
            else
                open++;
        }
        for (int k = 0; k < ranks && finished >= 0 && open > 0 && p->home[b] < 0; k++) {
            const int rank =
                ((block->device > 0 ? block->device : 0) + k) % ranks; /* as planned first */
            if (is_on(r, finished, job, design, &places[rank]))
                p->home[b] = rank;
        }
    }
done:
    return st;
}

/** Takes up the file. *begun: false when nobody has worked on it, so that it is as good as none. */
static cnn_status take_up(const cnn_job *job, const cnn_place *places, int ranks,
                          const cnn_devices *devices, cnn_prepared *p, bool *begun)
{
    cnn_status st = CNN_OK;
    cnn_results *results = NULL;
    cnn_design *design = NULL;
    cnn_text plan = {0};
    int planned;
    *begun = true;
    CNN_TRY(cnn_results_read(job->output, &results));
    if (results->session_count == 0) {
        *begun = false; /* it ended between the making of the file and its first session */
        goto done;
    }
    CNN_TRY(cnn_resume_devices(results, &planned));
    CNN_TRY(cnn_design_create(job, planned, &design));
    CNN_TRY(cnn_resume_check(results, job, design));
    CNN_TRY(allocate(p, job, design));
    CNN_TRY(take_state(results, design, p));
    CNN_TRY(find_homes(results, job, design, places, ranks, p));
    CNN_TRY(allocate_tunings(p, results->tuning_count));
    memcpy(p->tunings, results->tunings, (size_t)results->tuning_count * sizeof *p->tunings);
    if (p->head.complete)
        goto done;
    p->head.resumed = 0; /* it is not, if it is refused */
    CNN_TRY(cnn_resume_check_backend(results, devices));
    p->head.resumed = 1;
    CNN_TRY(check_data(job, design, &plan));
done:
    cnn_text_free(&plan);
    cnn_design_destroy(&design);
    cnn_results_free(&results);
    return st;
}

static cnn_status resume(const cnn_job *job, const cnn_run_options *options,
                         const cnn_place *places, int ranks, const cnn_devices *devices,
                         cnn_prepared *p)
{
    cnn_status st = CNN_OK;
    bool begun = false;
    st = take_up(job, places, ranks, devices, p, &begun);
    if (st == CNN_OK && !begun)
        return start_anew(job, ranks, devices, p);
    if ((st == CNN_EUSAGE || st == CNN_EDATA) && options->force && p->head.resumed == 0) {
        memset(&p->head, 0, sizeof p->head);
        return start_anew(job, ranks, devices, p);
    }
    if (st != CNN_OK && p->head.resumed == 0)
        cnn_error_prefix(st,
                         "cannot resume '%s' (choose another file with --output, or replace it "
                         "with --force instead of --resume)",
                         job->output);
    return st;
}

cnn_status cnn_prepare(const cnn_job *job, const cnn_run_options *options, const cnn_place *places,
                       int ranks, const cnn_devices *devices, cnn_prepared *out)
{
    cnn_status st = CNN_OK;
    *out = (cnn_prepared){0};
    const int levels = job->factors[job->contrast].level_count;
    CNN_CHECK(levels <= CNN_MAX_LEVELS, CNN_EUSAGE,
              "the contrast has %d levels; at most %d can be run back to back", levels,
              CNN_MAX_LEVELS);
    CNN_CHECK(
        options->resume || options->force || !exists(job->output), CNN_EUSAGE,
        "the results file '%s' exists: continue it with --resume, replace it with --force, or "
        "choose another with --output",
        job->output);
    CNN_TRY(make_folders(job->output));
    CNN_TRY(cnn_lock_take(job->output, &out->lock));
    if (options->resume && exists(job->output))
        CNN_TRY(resume(job, options, places, ranks, devices, out));
    else
        CNN_TRY(start_anew(job, ranks, devices, out));
done:
    return st;
}

cnn_status cnn_prepared_make_file(cnn_prepared *p, const cnn_job *job, const cnn_design *design,
                                  const cnn_devices *devices)
{
    cnn_status st = CNN_OK;
    const cnn_platform platform = {.backend = cnn_backend_names[devices->backend],
                                   .tuning_places = p->head.tuning_places};
    if (!p->plan)
        return CNN_OK;
    CNN_TRY(cnn_results_create(cnn_lock_target(p->lock), job, design, p->plan, &platform));
    CNN_TRY(cnn_lock_file(p->lock));
done:
    return st;
}

void cnn_prepared_free(cnn_prepared *p)
{
    cnn_lock_release(&p->lock);
    free(p->status);
    free(p->attempts);
    free(p->known_durations);
    cnn_consistency_destroy(&p->consistency);
    free(p->plan);
    free(p->home);
    free(p->tunings);
    *p = (cnn_prepared){0};
}
