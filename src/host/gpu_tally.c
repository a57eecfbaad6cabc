/* SPDX-License-Identifier: Apache-2.0 */
#include "host/gpu_tally.h"

#include "host/proc.h"

#include <math.h>

void cnn_running_mean_add(cnn_running_mean *mean, double x)
{
    if (!isnan(x)) {
        mean->sum += x;
        mean->count++;
    }
}

double cnn_running_mean_of(const cnn_running_mean *mean)
{
    return mean->count ? mean->sum / mean->count : NAN;
}

cnn_gpu_tally cnn_gpu_tally_empty(void)
{
    cnn_gpu_tally tally = {.reasons = -1, .foreign = -1, .memory = -1};
    tally.sm_clock_min = tally.memory_clock_min = tally.temperature_max = NAN;
    return tally;
}

/** Processes of others in a sample; -1: unknown. *memory: bytes of the trainer and its descendants; -1:
 *  unknown. */
static int count_foreign(const cnn_gpu_sample *sample, int trainer, int64_t *memory)
{
    int own = 0;
    *memory = -1;
    if (sample->process_count < 0 || trainer <= 0)
        return -1;
    for (int i = 0; i < sample->process_count; i++) {
        if (!cnn_proc_descends("", sample->pids[i], trainer))
            continue;
        own++;
        if (sample->memory[i] >= 0)
            *memory = (*memory < 0 ? 0 : *memory) + sample->memory[i];
    }
    if (own == 0 && !cnn_proc_numbers_are_the_hosts(""))
        return -1;
    return sample->process_count - own;
}

void cnn_gpu_tally_add(cnn_gpu_tally *t, const cnn_gpu_sample *sample, int trainer)
{
    int64_t memory;
    const int foreign = count_foreign(sample, trainer, &memory);
    t->memory = memory > t->memory ? memory : t->memory;
    cnn_running_mean_add(&t->sm_clock, sample->sm_clock);
    cnn_running_mean_add(&t->memory_clock, sample->memory_clock);
    cnn_running_mean_add(&t->power, sample->power);
    /* fmin and fmax pass NaN over */
    t->sm_clock_min = fmin(t->sm_clock_min, sample->sm_clock);
    t->memory_clock_min = fmin(t->memory_clock_min, sample->memory_clock);
    t->temperature_max = fmax(t->temperature_max, sample->temperature);
    if (sample->reasons != -1)
        t->reasons = (t->reasons == -1 ? 0 : t->reasons) | sample->reasons;
    if (foreign > t->foreign)
        t->foreign = foreign;
    t->lost = t->lost || sample->lost;
}

void cnn_gpu_tally_fill(const cnn_gpu_tally *t, cnn_measured *out)
{
    out->sm_clock_mean = cnn_running_mean_of(&t->sm_clock);
    out->sm_clock_min = t->sm_clock_min;
    out->memory_clock_mean = cnn_running_mean_of(&t->memory_clock);
    out->memory_clock_min = t->memory_clock_min;
    out->gpu_temperature_max = t->temperature_max;
    out->gpu_power_mean = cnn_running_mean_of(&t->power);
    out->throttle_reasons = t->reasons;
    out->foreign_processes = t->foreign;
    out->gpu_memory_bytes_max = t->memory;
}
