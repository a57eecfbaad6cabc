/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/placement/devices.h"

#include "base/checksum.h"
#include "base/text.h"
#include "host/cpulist.h"
#include "host/visible.h"
#include "mpi/placement/pairing.h"
#include "mpi/worker/locate.h"
#include "ranks/collectives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char trainer[] = "cnntrain-cudnn";

/** What a rank has; plain data, sent between ranks as bytes. */
typedef struct {
    int gpus;          /* that it was given */
    uint64_t list;     /* checksum of their UUIDs in order: equal lists, equal checksums */
    int program;       /* 1: cnntrain-cudnn is there, or not needed */
    char without[200]; /* why it has no GPU */
} offer;

/** A rank's view while it chooses. */
typedef struct {
    const cnn_job *job;
    const char *argv0;
    const cnn_place *all; /* [size] */
    int size, rank;
    offer *offers; /* [size] */
    cnn_gpu *gpus; /* [CNN_GPUS_MOST] of the host */
    int chosen[CNN_GPUS_MOST];
} view;

/** Whether some framework is one of our own paths. */
static bool has_own_framework(const cnn_job *job)
{
    for (int i = 0; i < job->framework_count; i++)
        if (cnn_framework_is_own(&job->frameworks[i]))
            return true;
    return false;
}

static bool asks_for_tf32(const cnn_job *job)
{
    const cnn_factor *factor = cnn_job_find_factor(job, "precision");
    for (int l = 0; factor && l < factor->level_count; l++)
        if (factor->values[l].precision == CNN_PRECISION_TF32)
            return true;
    return !factor && job->train.precision == CNN_PRECISION_TF32;
}

/* ---- what this rank has -------------------------------------------------------------------- */

static uint64_t list_checksum(const view *v, int count)
{
    uint64_t sum = CNN_CHECKSUM_START;
    for (int i = 0; i < count; i++) {
        const char *uuid = v->gpus[v->chosen[i]].uuid;
        sum = cnn_checksum(sum, uuid, strlen(uuid) + 1);
    }
    return sum;
}

/** Finds the GPUs that the launcher gave this rank. A host without any is no error. */
static cnn_status look_for_gpus(view *v, cnn_nvml **nvml, offer *mine)
{
    cnn_status st = CNN_OK;
    const cnn_visible_variables variables = {getenv("CUDA_VISIBLE_DEVICES"),
                                             getenv("SLURM_STEP_GPUS")};
    int count = 0;
    st = cnn_nvml_open(NULL, nvml);
    if (st != CNN_OK) {
        cnn_copy_string(mine->without, sizeof mine->without, cnn_error_message());
        return st == CNN_EENV ? CNN_OK : st;
    }
    CNN_CHECK((v->gpus = calloc(CNN_GPUS_MOST, sizeof *v->gpus)) != NULL, CNN_ENOMEM,
              "a list of GPUs");
    CNN_TRY(cnn_nvml_list(*nvml, "", v->gpus, &count));
    CNN_TRY(cnn_visible_gpus(v->gpus, count, &variables, v->chosen, &mine->gpus));
    mine->list = list_checksum(v, mine->gpus);
    if (count == 0)
        cnn_copy_string(mine->without, sizeof mine->without, "NVML shows none");
    else if (mine->gpus == 0 && variables.cuda)
        snprintf(mine->without, sizeof mine->without, "CUDA_VISIBLE_DEVICES is '%.40s'",
                 variables.cuda);
    else if (mine->gpus == 0)
        cnn_copy_string(mine->without, sizeof mine->without,
                        "all are in MIG mode without instances");
done:
    return st;
}

static bool has_program(const view *v)
{
    char *path = NULL;
    const bool found =
        !has_own_framework(v->job) || cnn_locate_program(v->argv0, trainer, &path) == CNN_OK;
    free(path);
    return found;
}

/* ---- what all have ------------------------------------------------------------------------- */

/** The first rank that has (or lacks) a GPU or the program; -1: none. */
static int first_with_gpu(const view *v, bool wanted)
{
    for (int r = 0; r < v->size; r++)
        if ((v->offers[r].gpus > 0) == wanted)
            return r;
    return -1;
}

static int first_with_program(const view *v, bool wanted)
{
    for (int r = 0; r < v->size; r++)
        if ((v->offers[r].program == 1) == wanted)
            return r;
    return -1;
}

static cnn_status insist_on_gpus(const view *v, cnn_devices *out)
{
    cnn_status st = CNN_OK;
    const int bare = first_with_gpu(v, false), lacking = first_with_program(v, false);
    CNN_CHECK(bare < 0, CNN_EENV,
              "backend cudnn needs a GPU for every rank, and rank %d on %s has "
              "none: %s",
              bare, v->all[bare].host, v->offers[bare].without);
    CNN_CHECK(lacking < 0, CNN_EENV,
              "backend cudnn needs the program %s, which rank %d on %s does not find beside "
              "cnnmpi, in libexec/cnnmpi or in CNNMPI_TRAINERS: build it where CUDA and cuDNN are "
              "(docs/gpu.md)",
              trainer, lacking, v->all[lacking].host);
    out->backend = CNN_BACKEND_CUDNN;
    snprintf(out->reason, sizeof out->reason, "cudnn");
done:
    return st;
}

static cnn_status refuse_mixture(const view *v, const char *what, int with, int without,
                                 const char *why)
{
    return cnn_error_set(CNN_EENV,
                         "backend auto: rank %d on %s has %s, and rank %d on %s has not%s%s. Runs "
                         "on GPUs and on CPUs are not mixed: start ranks only where both are, or "
                         "choose backend: onednn or cudnn",
                         with, v->all[with].host, what, without, v->all[without].host,
                         *why ? ": " : "", why);
}

static cnn_status settle_automatically(const view *v, cnn_devices *out)
{
    cnn_status st = CNN_OK;
    const int bare = first_with_gpu(v, false), equipped = first_with_gpu(v, true);
    const int lacking = first_with_program(v, false), having = first_with_program(v, true);
    out->backend = CNN_BACKEND_ONEDNN;
    if (equipped < 0) {
        snprintf(out->reason, sizeof out->reason, "onednn (auto: no GPU: %s)",
                 v->offers[0].without);
    } else if (bare >= 0) {
        st = refuse_mixture(v, "a GPU", equipped, bare, v->offers[bare].without);
    } else if (having < 0) {
        snprintf(out->reason, sizeof out->reason,
                 "onednn (auto: there are GPUs, but the program %s is not there)", trainer);
    } else if (lacking >= 0) {
        st = refuse_mixture(v, trainer, having, lacking, "");
    } else {
        out->backend = CNN_BACKEND_CUDNN;
        snprintf(out->reason, sizeof out->reason, "cudnn (auto: every rank has a GPU)");
    }
    return st;
}

static cnn_status settle(const view *v, cnn_devices *out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(v->job->backend == CNN_BACKEND_CUDNN ? insist_on_gpus(v, out)
                                                 : settle_automatically(v, out));
    CNN_CHECK(out->backend == CNN_BACKEND_CUDNN || !has_own_framework(v->job) ||
                  !asks_for_tf32(v->job),
              CNN_EUSAGE, "precision tf32 needs a GPU, but the backend is %s", out->reason);
done:
    return st;
}

/* ---- which one is this rank's -------------------------------------------------------------- */

/** Whether two lists of CPUs have one in common. */
static bool overlap(const char *a, const char *b)
{
    cpu_set_t p, q, both;
    if (!cnn_cpulist_parse(a, &p) || !cnn_cpulist_parse(b, &q))
        return false;
    CPU_AND(&both, &p, &q);
    return CPU_COUNT(&both) > 0;
}

/** The ranks of this one's host that were given the same GPUs: group [size]. *me: which is it. */
static int find_group(const view *v, int *group, int *me)
{
    int count = 0;
    for (int r = 0; r < v->size; r++) {
        if (strcmp(v->all[r].host, v->all[v->rank].host) != 0 ||
            v->offers[r].list != v->offers[v->rank].list)
            continue;
        if (r == v->rank)
            *me = count;
        group[count++] = r;
    }
    return count;
}

/** This rank's GPU among those that its group was given; all of the group come to the same
 *  pairs. */
static cnn_status choose(const view *v, const cnn_gpu **out)
{
    cnn_status st = CNN_OK;
    const int gpus = v->offers[v->rank].gpus;
    int me = 0, *group = calloc((size_t)v->size, sizeof *group), *gpu = NULL;
    const int count = group ? find_group(v, group, &me) : 0;
    bool *near = calloc((size_t)count * (size_t)gpus + 1, sizeof *near);
    gpu = calloc((size_t)count + 1, sizeof *gpu);
    CNN_CHECK(group && near && gpu, CNN_ENOMEM, "pairs of %d ranks and GPUs", v->size);
    for (int i = 0; i < count; i++)
        for (int g = 0; g < gpus; g++)
            near[i * gpus + g] =
                overlap(v->all[group[i]].launcher_cpus, v->gpus[v->chosen[g]].cpus);
    CNN_TRY(cnn_pair_gpus(count, gpus, near, gpu));
    *out = &v->gpus[v->chosen[gpu[me]]];
done:
    free(group);
    free(near);
    free(gpu);
    return st;
}

static cnn_status take_gpu(const view *v, cnn_nvml *nvml, cnn_place *mine)
{
    cnn_status st = CNN_OK;
    const cnn_gpu *gpu = NULL;
    CNN_TRY(choose(v, &gpu));
    CNN_TRY(cnn_nvml_watch(nvml, gpu->uuid));
    mine->on_gpu = 1;
    mine->gpu_node = gpu->numa_node;
    cnn_copy_string(mine->device, sizeof mine->device, gpu->uuid);
    cnn_copy_string(mine->device_model, sizeof mine->device_model, gpu->name);
    cnn_copy_string(mine->gpu_pci, sizeof mine->gpu_pci, gpu->pci);
    cnn_copy_string(mine->gpu_cpus, sizeof mine->gpu_cpus, gpu->cpus);
done:
    return st;
}

cnn_status cnn_devices_find(MPI_Comm comm, const cnn_job *job, const char *argv0,
                            const cnn_place *all, cnn_place *mine, cnn_devices *out)
{
    cnn_status st = CNN_OK;
    offer own = {0};
    view v = {.job = job, .argv0 = argv0, .all = all, .rank = mine->rank};
    *out = (cnn_devices){.backend = CNN_BACKEND_ONEDNN, .reason = "onednn"};
    if (job->backend == CNN_BACKEND_ONEDNN || cnn_job_is_simulated(job))
        return CNN_OK;
    CNN_MPI(MPI_Comm_size(comm, &v.size));
    st = look_for_gpus(&v, &out->nvml, &own);
    own.program = has_program(&v);
    if (st == CNN_OK && !(v.offers = calloc((size_t)v.size, sizeof *v.offers)))
        st = cnn_error_set(CNN_ENOMEM, "GPUs of %d ranks", v.size);
    CNN_TRY(cnn_collective_agree(comm, st));
    CNN_TRY(cnn_collective_gather(comm, &own, sizeof own, v.offers));
    st = settle(&v, out); /* alike on all ranks */
    if (st == CNN_OK && out->backend == CNN_BACKEND_CUDNN)
        st = take_gpu(&v, out->nvml, mine);
    CNN_TRY(cnn_collective_agree(comm, st));
done:
    if (st != CNN_OK || out->backend != CNN_BACKEND_CUDNN)
        cnn_devices_close(out);
    free(v.offers);
    free(v.gpus);
    return st;
}

void cnn_devices_close(cnn_devices *devices)
{
    cnn_nvml_close(&devices->nvml);
}
