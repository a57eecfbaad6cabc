/* SPDX-License-Identifier: Apache-2.0 */
/** Prints the parts of a results file that the job runner's tests check, one line a run and an
 *  attempt: run RUN STATUS DEVICE TURN POSITION RANK SESSION ATTEMPTS WARMUP SEED START TRAIN
 *  CHECKSUM attempt RUN NUMBER OUTCOME SESSION RANK EXIT LIFE "REASON" "LOG" gpu RUN "DEVICE"
 *  "MODEL" SHARED SM MIN MEMORY MIN TEMPERATURE POWER REASONS FOREIGN (decimal) session NUMBER
 *  RANKS "QUARANTINE" backend NAME tuning PLACE CELL "MODEL" ALGORITHMS Reals are hexadecimal,
 *  so that lines are equal only if bits are. */
#include "hdf5io/reader.h"

#include <stdio.h>

static void print_run(const cnn_results *r, int i)
{
    const cnn_planned *p = &r->planned[i];
    const cnn_measured *m = &r->measured[i];
    printf("run %d %s %d %d %d %d %d %d %d %lld %a %a %s\n", i, cnn_run_status_names[r->status[i]],
           p->planned_device, p->planned_turn, p->position, m->rank, m->session, m->attempts,
           p->warmup, (long long)p->seed, m->start_time, m->train_seconds,
           m->weight_checksum[0] ? m->weight_checksum : "-");
}

static void print_gpu(const cnn_results *r, int i)
{
    const cnn_measured *m = &r->measured[i];
    printf("gpu %d \"%s\" \"%s\" %d %g %g %g %g %g %g %lld %d\n", i, m->device, m->device_model,
           m->shared_device, m->sm_clock_mean, m->sm_clock_min, m->memory_clock_mean,
           m->memory_clock_min, m->gpu_temperature_max, m->gpu_power_mean,
           (long long)m->throttle_reasons, m->foreign_processes);
}

static void print_attempt(const cnn_results *r, int i)
{
    const cnn_attempt *a = &r->attempts[i];
    if (a->attempt_outcome != CNN_OUTCOME_NONE)
        printf("attempt %d %d %s %d %d %d %a \"%s\" \"%s\"\n", i / r->attempts_per_run,
               i % r->attempts_per_run, cnn_outcome_names[a->attempt_outcome], a->attempt_session,
               a->attempt_rank, a->attempt_exit_code, a->attempt_life_seconds, a->attempt_reason,
               a->attempt_log);
}

int main(int argc, char **argv)
{
    cnn_results *results = NULL;
    if (argc != 2 || cnn_results_read(argv[1], &results) != CNN_OK) {
        fprintf(stderr, "print_rows: %s\n",
                argc == 2 ? cnn_error_message() : "usage: print_rows FILE");
        return 1;
    }
    for (int i = 0; i < results->run_count; i++)
        print_run(results, i);
    for (int i = 0; i < results->run_count * results->attempts_per_run; i++)
        print_attempt(results, i);
    for (int i = 0; i < results->run_count; i++)
        print_gpu(results, i);
    for (int s = 0; s < results->session_count; s++)
        printf("session %d %d \"%s\"\n", s, results->sessions[s].ranks,
               results->quarantines[s].devices);
    printf("backend %s\n", results->backend);
    for (int i = 0; i < results->environment_count; i++) {
        char *text = results->environments[i].variables;
        for (char *c = text; *c; c++)
            *c = *c == '\n' ? ' ' : *c;
        if (*text)
            printf("environment %d \"%s\"\n", i, text);
    }
    for (int i = 0; i < results->tuning_count; i++)
        if (results->tunings[i].cell >= 0)
            printf("tuning %d %d \"%s\" %s\ntimings %d %s\n", i, results->tunings[i].cell,
                   results->tunings[i].model, results->tunings[i].algorithms, i,
                   results->tunings[i].timings);
    cnn_results_free(&results);
    return 0;
}
