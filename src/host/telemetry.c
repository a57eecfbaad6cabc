/* SPDX-License-Identifier: Apache-2.0 */
#include "host/telemetry.h"

#include "base/clock.h"
#include "base/printable.h"
#include "host/cpulist.h"
#include "host/gpu_tally.h"
#include "host/proc.h"

#include <math.h>
#include <stdlib.h>

struct cnn_telemetry {
    cpu_set_t cpus;
    double last_sample; /* monotonic seconds */
    int samples;
    double steal, throttled; /* at the beginning; seconds */
    cnn_running_mean load, frequency;
    const cnn_nvml *gpu; /* NULL: none */
    cnn_gpu_tally tally;
    int trainer; /* its process number; 0: unknown */
    int64_t
        memory; /* resident, of the trainer with its descendants: the largest sample; -1: none */
    bool had_descendants;
};

static const double interval = 0.1; /* seconds */
enum { SAMPLES_A_FREQUENCY = 10 };  /* asking a core for its clock disturbs it: once a second */
enum { SAMPLES_A_TREE = 5 };        /* and so does a walk through /proc: twice a second */

cnn_status cnn_telemetry_create(const char *cpus, const cnn_nvml *gpu, cnn_telemetry **out)
{
    cnn_status st = CNN_OK;
    cnn_telemetry *t = calloc(1, sizeof *t);
    CNN_CHECK(t != NULL, CNN_ENOMEM, "telemetry");
    t->gpu = gpu;
    if (cpus) {
        CNN_TRY(cnn_telemetry_cores(t, cpus));
    } else {
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
            CPU_SET(cpu, &t->cpus); /* CPUs that do not exist report no clock */
    }
    *out = t;
    t = NULL;
done:
    free(t);
    return st;
}

cnn_status cnn_telemetry_cores(cnn_telemetry *t, const char *cpus)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(cnn_cpulist_parse(cpus, &t->cpus), CNN_EINVAL, "not a list of CPUs: '%s'", cpus);
done:
    return st;
}

void cnn_telemetry_destroy(cnn_telemetry **telemetry)
{
    free(*telemetry);
    *telemetry = NULL;
}

static void look_at_memory(cnn_telemetry *t)
{
    int processes;
    const int64_t bytes = cnn_proc_tree_resident("", t->trainer, &processes);
    t->memory = bytes > t->memory ? bytes : t->memory;
    t->had_descendants |= processes > 1;
}

static void take_sample(cnn_telemetry *t)
{
    cnn_running_mean_add(&t->load, cnn_proc_load(""));
    if (t->trainer > 0 && t->samples % SAMPLES_A_TREE == 0)
        look_at_memory(t);
    if (t->samples++ % SAMPLES_A_FREQUENCY == 0)
        cnn_running_mean_add(&t->frequency, cnn_proc_frequency("", &t->cpus));
    if (t->gpu) {
        cnn_gpu_sample sample;
        cnn_nvml_sample(t->gpu, &sample);
        cnn_gpu_tally_add(&t->tally, &sample, t->trainer);
    }
}

void cnn_telemetry_begin(cnn_telemetry *t)
{
    t->samples = 0;
    t->load = t->frequency = (cnn_running_mean){0, 0};
    t->tally = cnn_gpu_tally_empty();
    t->trainer = 0;
    t->memory = -1;
    t->had_descendants = false;
    t->steal = cnn_proc_steal_seconds("");
    t->throttled = cnn_proc_throttled_seconds("");
    t->last_sample = cnn_clock_monotonic();
}

void cnn_telemetry_trainer(cnn_telemetry *t, int pid)
{
    t->trainer = pid;
}

void cnn_telemetry_sample(cnn_telemetry *t)
{
    const double now = cnn_clock_monotonic();
    if (now - t->last_sample < interval)
        return;
    t->last_sample = now;
    take_sample(t);
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static void fill_usage(const struct rusage *usage, cnn_measured *out)
{
    out->context_switches_voluntary = usage->ru_nvcsw;
    out->context_switches_involuntary = usage->ru_nivcsw;
    out->page_faults_minor = usage->ru_minflt;
    out->page_faults_major = usage->ru_majflt;
    out->cpu_user_seconds = seconds_of(usage->ru_utime);
    out->cpu_system_seconds = seconds_of(usage->ru_stime);
    out->resident_bytes_max = 1024 * (int64_t)usage->ru_maxrss; /* Linux gives kilobytes */
}

/** The kernel knows the peak of the trainer itself; what its descendants had at the same time is
 *  sampled. */
static void fill_memory(const cnn_telemetry *t, cnn_measured *out)
{
    const int64_t own = out->resident_bytes_max;
    out->memory_bytes_max = t->memory > own ? t->memory : own;
    if (out->memory_bytes_max >= 0)
        out->memory_source = t->had_descendants ? CNN_MEMORY_SAMPLED : CNN_MEMORY_KERNEL;
}

void cnn_telemetry_end(cnn_telemetry *t, const struct rusage *usage, cnn_measured *out)
{
    if (t->samples == 0)
        take_sample(t); /* a run shorter than the interval */
    out->load_mean = cnn_running_mean_of(&t->load);
    out->cpu_frequency_mean = cnn_running_mean_of(&t->frequency);
    out->steal_seconds = cnn_proc_steal_seconds("") - t->steal;
    out->throttled_seconds = cnn_proc_throttled_seconds("") - t->throttled;
    cnn_gpu_tally_fill(&t->tally, out);
    if (t->gpu)
        cnn_copy_printable(out->driver, sizeof out->driver, cnn_nvml_driver(t->gpu), false);
    if (usage)
        fill_usage(usage, out);
    fill_memory(t, out);
}

const char *cnn_telemetry_trouble(const cnn_telemetry *t)
{
    return t->tally.lost ? "the GPU is lost: it has fallen off the bus (NVML)" : NULL;
}
