/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include "audit/audit.h"
#include "audit/summary.h"
#include "cli/job_together.h"
#include "cli/terminal.h"
#include "document/render.h"
#include "mpi/placement/devices.h"
#include "mpi/placement/placement.h"
#include "ranks/collectives.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

/** Without a job file the ranks are placed as for a job that names nothing special. */
static cnn_status read_job(const cnn_command_line *line, int rank, cnn_job **job)
{
    static const char plain[] =
        "name: doctor\n"
        "factors: {framework: [native, layered], architecture: [arch1], dataset: [blobs]}\n"
        "schedule: {sharing: allow}\n"
        "datasets:\n"
        "  blobs: {type: synthetic, count: 64, height: 28, width: 28, channels: 1, classes: 2}\n";
    return line->file ? cnn_read_job_together(line, rank, job)
                      : cnn_job_parse("doctor", plain, line->overrides, job);
}

/** How many cores each of --ranks would have. */
static void describe_ranks(const cnn_command_line *line, const cnn_place *place, cnn_document *out)
{
    const int each = place->cores / line->ranks;
    if (line->ranks == 1)
        return;
    if (each == 0)
        cnn_document_paragraph(out, "%d ranks do not fit: this host gives %d cores.", line->ranks,
                               place->cores);
    else
        cnn_document_paragraph(out, "%d ranks: %d of %d cores each, %d left for everything else%s.",
                               line->ranks, each, place->cores, place->cores - each * line->ranks,
                               each * line->ranks == place->cores
                                   ? "; the launcher, the system and cnnmpi's own ranks then "
                                     "interrupt the runs"
                                   : "");
}

static cnn_status print(const cnn_command_line *line, const cnn_place *places,
                        const cnn_audit *audits, int count, int *exit_status)
{
    cnn_status st = CNN_OK;
    cnn_document document = {0};
    cnn_text text = {0};
    int hosts = 0;
    for (int i = 0; i < count; i++)
        hosts += places[i].local_rank == 0;
    cnn_document_paragraph(&document, "%d host%s, %d rank%s; the first runs on %s.", hosts,
                           hosts == 1 ? "" : "s", count, count == 1 ? "" : "s", places[0].device);
    if (count == 1)
        describe_ranks(line, &places[0], &document);
    const int disturbed = cnn_audit_describe(audits, count, &document);
    *exit_status = disturbed ? CNN_EXIT_SOME_FAILED : EXIT_SUCCESS;
    CNN_TRY(cnn_document_status(&document));
    cnn_render_text(&document, NULL, cnn_render_terminal_width(), &text);
    CNN_TRY(cnn_print_text(&text));
done:
    cnn_text_free(&text);
    cnn_document_free(&document);
    return st;
}

/** Every rank looks at its place; rank 0 prints. */
static cnn_status examine(const cnn_command_line *line, const char *argv0, int rank,
                          int *exit_status)
{
    cnn_status st = CNN_OK;
    int count = 0;
    cnn_job *job = NULL;
    cnn_place *places = NULL;
    cnn_devices devices = {0};
    cnn_audit *audits = NULL, mine = {0};
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    CNN_TRY(read_job(line, rank, &job));
    CNN_TRY(cnn_placement_find(MPI_COMM_WORLD, job, argv0, &devices, &places));
    const cnn_place *place = &places[rank];
    cnn_audit_look(&(cnn_audit_place){.root = "",
                                      .cpus = place->cpus,
                                      .answers_host = place->local_rank == 0,
                                      .nvml = devices.nvml},
                   &mine);
    cnn_copy_string(mine.host, sizeof mine.host, place->host);
    cnn_copy_string(mine.device, sizeof mine.device, place->device);
    audits = calloc((size_t)count, sizeof *audits);
    CNN_TRY(cnn_collective_agree(
        MPI_COMM_WORLD, audits ? CNN_OK : cnn_error_set(CNN_ENOMEM, "audits of %d ranks", count)));
    CNN_TRY(cnn_collective_gather(MPI_COMM_WORLD, &mine, sizeof mine, audits));
    if (rank == 0)
        st = print(line, places, audits, count, exit_status);
    CNN_TRY(cnn_collective_agree(MPI_COMM_WORLD, st));
done:
    cnn_devices_close(&devices);
    free(audits);
    free(places);
    cnn_job_destroy(&job);
    return st;
}

int cnn_command_doctor(int argc, char **argv, const cnn_command_line *line)
{
    int rank = 0, exit_status = EXIT_SUCCESS;
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
        fprintf(stderr, "cnnmpi: error: MPI_Init failed\n");
        return CNN_EXIT_ENVIRONMENT;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const cnn_status st = examine(line, argv[0], rank, &exit_status);
    if (st != CNN_OK) {
        exit_status = cnn_exit_status(st);
        if (rank == 0 || st == CNN_EMPI)
            cnn_print_error();
    }
    fflush(stdout);
    if (st == CNN_EMPI)
        MPI_Abort(MPI_COMM_WORLD, exit_status);
    MPI_Finalize();
    return exit_status;
}
