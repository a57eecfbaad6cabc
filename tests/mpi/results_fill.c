/* SPDX-License-Identifier: Apache-2.0 */
#include "results_fill.h"

#include "results_fixture.h"

cnn_status fill_run(cnn_writer *writer, int run, cnn_run_status status)
{
    cnn_status st = CNN_OK;
    cnn_measured measured = fixture_measured(run);
    cnn_epoch_row epochs[FIXTURE_EPOCHS];
    for (int e = 0; e < FIXTURE_EPOCHS; e++)
        epochs[e] = fixture_epoch(run, e);
    for (int a = 0; a < measured.attempts; a++) {
        cnn_attempt attempt = fixture_attempt(run, a);
        CNN_TRY(cnn_store_attempt(cnn_writer_store(writer), run, a, &attempt));
    }
    CNN_TRY(cnn_store_run(cnn_writer_store(writer), run, status, &measured, epochs));
done:
    return st;
}

cnn_status fill_share(cnn_writer *writer, const cnn_design *design, int rank, int ranks)
{
    cnn_status st = CNN_OK;
    cnn_analysis *analysis = rank == 0 ? fixture_analysis(design) : NULL;
    for (int run = rank; run < design->run_count; run += ranks)
        if (fixture_status(run) != CNN_RUN_PLANNED)
            CNN_TRY(fill_run(writer, run, fixture_status(run)));
    if (rank == 0) {
        const cnn_quarantine quarantine = {FIXTURE_QUARANTINE};
        CNN_TRY(cnn_writer_session(writer, 0, FIXTURE_SESSION_TIME, ranks));
        CNN_TRY(cnn_writer_session(writer, 1, FIXTURE_SESSION_TIME + 60.5, 1));
        CNN_TRY(cnn_store_quarantine(cnn_writer_store(writer), 1, &quarantine));
        CNN_TRY(cnn_writer_analysis(writer, analysis));
    }
done:
    cnn_analysis_destroy(&analysis);
    return st;
}
