/* SPDX-License-Identifier: Apache-2.0 */
/** Writes the results file of a job of simulated frameworks without running it: for trials of the
 *  report on files of any size.
 *
 *      simulate_file JOB DEVICES FILE [--confounded] [--half] [--set KEY=VALUE ...]
 *
 *  --half: the second half of the runs is still to be done. */
#include "hdf5io/results_create.h"
#include "hdf5io/writer.h"
#include "study.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cnn_status write_rows(const cnn_results *r, int runs, cnn_writer *writer)
{
    cnn_status st = CNN_OK;
    for (int run = 0; run < runs; run++) {
        const cnn_attempt *attempts = &r->attempts[run * r->attempts_per_run];
        for (int a = 0; a < r->attempts_per_run; a++)
            if (attempts[a].attempt_outcome != CNN_OUTCOME_NONE)
                CNN_TRY(cnn_store_attempt(cnn_writer_store(writer), run, a, &attempts[a]));
        CNN_TRY(cnn_store_run(cnn_writer_store(writer), run, (cnn_run_status)r->status[run],
                              &r->measured[run], &r->epochs[run * r->epoch_count]));
    }
    CNN_TRY(cnn_writer_session(writer, 0, r->sessions[0].start_time, r->sessions[0].ranks));
done:
    return st;
}

static cnn_status write_file(const cnn_job *job, int devices, cnn_study_order order, bool half,
                             const char *path)
{
    cnn_status st = CNN_OK;
    cnn_design *design = NULL;
    cnn_results *results = NULL;
    cnn_writer *writer = NULL;
    CNN_TRY(cnn_design_create(job, devices, &design));
    CNN_TRY(cnn_study_run(job, design, order, &results));
    CNN_TRY(cnn_results_create(path, job, design, "", NULL));
    CNN_TRY(cnn_writer_open(path, MPI_COMM_SELF, &writer));
    CNN_TRY(write_rows(results, half ? results->run_count / 2 : results->run_count, writer));
done:
    if (writer) {
        const cnn_status closed = cnn_writer_close(&writer);
        st = st == CNN_OK ? closed : st;
    }
    cnn_results_free(&results);
    cnn_design_destroy(&design);
    return st;
}

int main(int argc, char **argv)
{
    cnn_status st = CNN_OK;
    cnn_job *job = NULL;
    const char **sets = calloc((size_t)argc, sizeof *sets);
    cnn_study_order order = CNN_STUDY_BLOCKS;
    int set_count = 0;
    int64_t devices = 0;
    MPI_Init(&argc, &argv);
    bool half = false;
    bool good = argc >= 4 && cnn_parse_int(argv[2], &devices) && devices > 0 && devices < 1 << 20;
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--confounded") == 0)
            order = CNN_STUDY_CELL_AFTER_CELL;
        else if (strcmp(argv[i], "--half") == 0)
            half = true;
        else if (strcmp(argv[i], "--set") == 0 && i + 1 < argc)
            sets[set_count++] = argv[++i];
        else
            good = false;
    }
    CNN_CHECK(
        good && sets, CNN_EUSAGE,
        "usage: simulate_file JOB DEVICES FILE [--confounded] [--half] [--set KEY=VALUE ...]");
    CNN_TRY(cnn_job_read(argv[1], sets, &job));
    CNN_TRY(write_file(job, (int)devices, order, half, argv[3]));
done:
    if (st != CNN_OK)
        fprintf(stderr, "%s\n", cnn_error_message());
    cnn_job_destroy(&job);
    free(sets);
    MPI_Finalize();
    return st == CNN_OK ? 0 : 1;
}
