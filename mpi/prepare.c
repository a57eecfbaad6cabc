/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/prepare.h"

#include "base/text.h"
#include "design/networks.h"
#include "hdf5io/reader.h"
#include "hdf5io/results_create.h"
#include "hdf5io/target.h"
#include "mpi/exit_file.h"
#include "mpi/message.h"
#include "mpi/resume.h"
#include "mpi/tuning.h"
#include "mpi/worker/run_place.h"

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

static void fill_head(cnn_prepared *p, const cnn_design *design)
{
    p->head.run_count = design->run_count;
    p->head.device_count = design->device_count;
    p->head.epoch_count = p->state.epoch_count;
    p->head.session = p->state.session;
    p->head.complete = p->state.complete;
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

/** Places for environments, all free. */
static cnn_status allocate_environments(cnn_prepared *p)
{
    cnn_status st = CNN_OK;
    free(p->environments);
    p->environments = calloc(CNN_ENVIRONMENT_PLACES, sizeof *p->environments);
    CNN_CHECK(p->environments != NULL, CNN_ENOMEM, "places for environments");
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
    cnn_file_state_free(&p->state);
    CNN_TRY(cnn_file_state_begin(job, design, &p->state));
    fill_head(p, design);
    CNN_TRY(allocate_tunings(p, CNN_TUNING_MODELS * cnn_tuned_cells(job, design, devices, NULL)));
    CNN_TRY(allocate_environments(p));
    cnn_text_printf(&plan, "\nBackend: %s\n", devices->reason);
    CNN_CHECK((p->plan = cnn_text_take(&plan)) != NULL, CNN_ENOMEM, "text of the plan");
done:
    cnn_text_free(&plan);
    cnn_design_destroy(&design);
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
    CNN_TRY(cnn_file_state_read(results, job, design, places, ranks, &p->state));
    fill_head(p, design);
    p->head.resumed = 1;
    CNN_TRY(allocate_tunings(p, results->tuning_count));
    memcpy(p->tunings, results->tunings, (size_t)results->tuning_count * sizeof *p->tunings);
    CNN_TRY(allocate_environments(p));
    for (int i = 0; i < results->environment_count && i < CNN_ENVIRONMENT_PLACES; i++)
        p->environments[i] = results->environments[i];
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
    char *target = NULL;
    *out = (cnn_prepared){0};
    const int levels = job->factors[job->contrast].level_count;
    CNN_CHECK(levels <= CNN_MAX_LEVELS, CNN_EUSAGE,
              "the contrast has %d levels; at most %d can be run back to back", levels,
              CNN_MAX_LEVELS);
    CNN_TRY(cnn_run_place_check(job, places, ranks));
    if (exists(job->output)) /* what --force cannot replace is refused at once */
        CNN_TRY(cnn_target_resolve(job->output, &target));
    CNN_CHECK(
        options->resume || options->force || !exists(job->output), CNN_EUSAGE,
        "the results file '%s' exists: continue it with --resume, replace it with --force, or "
        "choose another with --output",
        job->output);
    CNN_TRY(make_folders(job->output));
    CNN_TRY(cnn_lock_take(job->output, &out->lock));
    cnn_exit_file_remove(job->output);
    if (options->resume && exists(job->output))
        CNN_TRY(resume(job, options, places, ranks, devices, out));
    else
        CNN_TRY(start_anew(job, ranks, devices, out));
done:
    free(target);
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
    cnn_file_state_free(&p->state);
    free(p->plan);
    free(p->tunings);
    free(p->environments);
    *p = (cnn_prepared){0};
}
