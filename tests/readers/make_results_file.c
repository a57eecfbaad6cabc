/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a results file with known contents for the readers in this folder: make_results_file FILE
 */
#include "hdf5io/results_create.h"
#include "results_fill.h"
#include "results_fixture.h"

#include <stdio.h>

enum { REPEATS = 3 };

static cnn_status make(const char *path)
{
    cnn_status st = CNN_OK;
    cnn_writer *writer = NULL;
    const cnn_job *job = fixture_job(REPEATS);
    cnn_design *design = NULL;
    CNN_TRY(cnn_design_create(job, 2, &design));
    const cnn_platform platform = {.backend = "cudnn", .tuning_places = 3};
    const cnn_tuning tuning = {.model = "NVIDIA größer",
                               .algorithms = "conv 1: 6",
                               .timings = "conv 1 5 20.1 6 10.2 7 -",
                               .cell = 2};
    const cnn_stored_environment environment = {"OMP_PLACES=cores\nMALLOC_ARENA_MAX=größer\n"};
    CNN_TRY(cnn_results_create(path, job, design, FIXTURE_PLAN, &platform));
    CNN_TRY(cnn_writer_open(path, MPI_COMM_WORLD, &writer));
    CNN_TRY(fill_share(writer, design, 0, 1));
    CNN_TRY(cnn_writer_tuning(writer, 1, &tuning));
    CNN_TRY(cnn_writer_environment(writer, 2, &environment));
    CNN_TRY(cnn_writer_close(&writer));
done:
    cnn_design_destroy(&design);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_results_file FILE\n");
        return 2;
    }
    MPI_Init(&argc, &argv);
    cnn_status st = make(argv[1]);
    if (st != CNN_OK)
        fprintf(stderr, "%s\n", cnn_error_message());
    MPI_Finalize();
    return st != CNN_OK;
}
