/* SPDX-License-Identifier: Apache-2.0 */
/* Three ranks write one results file; what is read back is what was written. */
#include "hdf5io/reader.h"
#include "hdf5io/results_create.h"
#include "hdf5io/writer.h"
#include "results_fill.h"
#include "results_fixture.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <mpi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { REPEATS = 5 };

static int rank, ranks;
static char folder[] = "/tmp/cnn-results-XXXXXX";
static char path[64];
static cnn_design *design;

static int set_up(void **state)
{
    (void)state;
    if (rank == 0 && !mkdtemp(folder))
        return -1;
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    snprintf(path, sizeof path, "%s/results.h5", folder);
    design = fixture_design(fixture_job(REPEATS));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_design_destroy(&design);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        unlink(path);
        rmdir(folder);
    }
    return 0;
}

static void create(void)
{
    if (rank == 0 &&
        cnn_results_create(path, fixture_job(REPEATS), design, FIXTURE_PLAN, NULL) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    MPI_Barrier(MPI_COMM_WORLD);
}

static void check(cnn_status st)
{
    if (st != CNN_OK)
        fail_msg("rank %d: %s", rank, cnn_error_message());
}

static void write_all(void)
{
    cnn_writer *w = NULL;
    check(cnn_writer_open(path, MPI_COMM_WORLD, &w));
    check(fill_share(w, design, rank, ranks));
    check(cnn_writer_close(&w));
    assert_null(w);
}

static void assert_planned(const cnn_results *r, int run)
{
    const cnn_run *of = &design->runs[run];
    const cnn_block *block = &design->blocks[of->block];
    cnn_planned expected = {.cell = of->cell,
                            .combination = block->combination,
                            .level = of->level,
                            .repeat = block->repeat,
                            .block = of->block,
                            .position = of->position,
                            .warmup = block->warmup,
                            .seed = block->seed,
                            .planned_device = block->device,
                            .planned_turn = block->queue_position};
    if (!same_planned(&r->planned[run], &expected))
        fail_msg("run %d: %s", run, fixture_difference());
}

static void assert_run(const cnn_results *r, int run)
{
    bool written = fixture_status(run) != CNN_RUN_PLANNED;
    cnn_measured m = written ? fixture_measured(run) : cnn_measured_unknown();
    assert_int_equal(r->status[run], fixture_status(run));
    if (!same_measured(&r->measured[run], &m))
        fail_msg("run %d: %s", run, fixture_difference());
    for (int e = 0; e < FIXTURE_EPOCHS; e++) {
        cnn_epoch_row row = written ? fixture_epoch(run, e) : cnn_epoch_row_unknown();
        if (!same_epoch(&r->epochs[run * FIXTURE_EPOCHS + e], &row))
            fail_msg("run %d epoch %d: %s", run, e, fixture_difference());
    }
    for (int a = 0; a < r->attempts_per_run; a++) {
        cnn_attempt row =
            written && a < m.attempts ? fixture_attempt(run, a) : cnn_attempt_unknown();
        if (!same_attempt(&r->attempts[run * r->attempts_per_run + a], &row))
            fail_msg("run %d attempt %d: %s", run, a, fixture_difference());
    }
}

static void assert_experiment(const cnn_results *r)
{
    const cnn_job *job = fixture_job(REPEATS);
    assert_int_equal(r->layout_version, CNN_LAYOUT_VERSION);
    assert_string_equal(r->job_name, job->name);
    assert_string_equal(r->job_text, job->text);
    assert_string_equal(r->overrides, "");
    assert_string_equal(r->plan, FIXTURE_PLAN);
    assert_non_null(strstr(r->created, "cnnmpi "));
    assert_int_equal(r->factor_count, job->factor_count);
    assert_int_equal(r->contrast, job->contrast);
    assert_int_equal(r->level_count, 2);
    assert_int_equal(r->cell_count, design->cell_count);
    assert_int_equal(r->combination_count, design->combination_count);
    for (int f = 0; f < r->factor_count; f++) {
        assert_string_equal(r->factors[f].name, job->factors[f].name);
        assert_int_equal(r->factors[f].level_count, job->factors[f].level_count);
        for (int l = 0; l < r->factors[f].level_count; l++)
            assert_string_equal(r->factors[f].labels[l], job->factors[f].labels[l]);
        for (int c = 0; c < r->cell_count; c++)
            assert_int_equal(r->cell_levels[c * r->factor_count + f], design->cells[c].levels[f]);
    }
    assert_true(r->margin_time == 0.01 && r->margin_error == 0.001 && r->alpha == 0.05);
}

static void assert_sessions(const cnn_results *r)
{
    assert_int_equal(r->session_count, 2);
    assert_true(r->sessions[0].start_time == FIXTURE_SESSION_TIME);
    assert_int_equal(r->sessions[0].ranks, ranks);
    assert_true(r->sessions[1].start_time == FIXTURE_SESSION_TIME + 60.5);
    assert_int_equal(r->sessions[1].ranks, 1);
    assert_string_equal(r->quarantines[0].devices, "");
    assert_string_equal(r->quarantines[1].devices, FIXTURE_QUARANTINE);
}

static void test_write_all_ranks_read_back(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    create();
    write_all();
    check(cnn_results_read(path, &r));
    assert_experiment(r);
    assert_int_equal(r->run_count, design->run_count);
    assert_int_equal(r->epoch_count, FIXTURE_EPOCHS);
    assert_int_equal(r->attempts_per_run, FIXTURE_ATTEMPTS);
    for (int run = 0; run < r->run_count; run++) {
        assert_planned(r, run);
        assert_run(r, run);
    }
    assert_sessions(r);
    cnn_results_free(&r);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void test_write_again_keeps_what_is_there(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    cnn_writer *w = NULL;
    check(cnn_writer_open(path, MPI_COMM_WORLD, &w));
    if (rank == 1)
        check(fill_run(w, 0, fixture_status(0)));
    check(cnn_writer_close(&w));
    check(cnn_results_read(path, &r));
    for (int run = 0; run < r->run_count; run++)
        assert_run(r, run);
    cnn_results_free(&r);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void test_write_read_while_open(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    cnn_writer *w = NULL;
    create();
    check(cnn_writer_open(path, MPI_COMM_WORLD, &w));
    check(fill_run(w, rank, fixture_status(rank)));
    MPI_Barrier(MPI_COMM_WORLD);
    check(cnn_results_read(path, &r));
    for (int run = 0; run < ranks; run++)
        assert_run(r, run);
    cnn_results_free(&r);
    check(cnn_writer_close(&w));
}

static void test_write_rejects_rows_out_of_range(void **state)
{
    (void)state;
    cnn_writer *w = NULL;
    cnn_measured m = cnn_measured_unknown();
    cnn_epoch_row e[FIXTURE_EPOCHS] = {cnn_epoch_row_unknown()};
    cnn_attempt a = cnn_attempt_unknown();
    cnn_analysis wrong = {.cell_count = design->cell_count + 1};
    check(cnn_writer_open(path, MPI_COMM_WORLD, &w));
    assert_int_equal(cnn_store_run(cnn_writer_store(w), design->run_count, CNN_RUN_DONE, &m, e),
                     CNN_EINVAL);
    assert_int_equal(cnn_store_run(cnn_writer_store(w), -1, CNN_RUN_DONE, &m, e), CNN_EINVAL);
    assert_int_equal(cnn_store_run(cnn_writer_store(w), 0, CNN_RUN_STATUS_COUNT, &m, e),
                     CNN_EINVAL);
    assert_int_equal(cnn_store_attempt(cnn_writer_store(w), 0, FIXTURE_ATTEMPTS, &a), CNN_EINVAL);
    assert_int_equal(cnn_writer_session(w, 256, 1.0, 1), CNN_EIO);
    assert_int_equal(cnn_writer_analysis(w, &wrong), CNN_EINVAL);
    check(cnn_writer_close(&w));
}

/** Text that no reader could decode is stored as text that every reader can. */
static void test_write_text_not_utf8_is_cleaned(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    cnn_writer *w = NULL;
    create();
    check(cnn_writer_open(path, MPI_COMM_WORLD, &w));
    if (rank == 0) {
        cnn_attempt row = cnn_attempt_unknown();
        strcpy(row.attempt_log, "bad \xff\xc3 good ü");
        memset(row.attempt_reason, 'r', sizeof row.attempt_reason); /* not ended */
        check(cnn_store_attempt(cnn_writer_store(w), 0, 0, &row));
    }
    check(cnn_writer_close(&w));
    check(cnn_results_read(path, &r));
    assert_string_equal(r->attempts[0].attempt_log, "bad ?? good ü");
    assert_int_equal(strlen(r->attempts[0].attempt_reason),
                     sizeof r->attempts[0].attempt_reason - 1);
    cnn_results_free(&r);
    MPI_Barrier(MPI_COMM_WORLD);
}

/** Every rank gets the same status and a message with this in it. */
static void assert_open_fails(const char *file, cnn_status expected, const char *words)
{
    cnn_writer *w = NULL;
    assert_int_equal(cnn_writer_open(file, MPI_COMM_WORLD, &w), expected);
    assert_null(w);
    if (!strstr(cnn_error_message(), words))
        fail_msg("rank %d: '%s' lacks '%s'", rank, cnn_error_message(), words);
}

static void test_open_one_rank_without_file_fails_everywhere(void **state)
{
    (void)state;
    char missing[96];
    snprintf(missing, sizeof missing, "%s.missing", path);
    assert_open_fails(rank == ranks - 1 ? missing : path, CNN_EDATA, missing);
}

static void test_open_text_file_fails_everywhere(void **state)
{
    (void)state;
    assert_open_fails("CMakeLists.txt", CNN_EDATA, "no HDF5 file");
}

static void test_open_other_version_fails_everywhere(void **state)
{
    (void)state;
    create();
    if (rank == 0) {
        int version = 99;
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        hid_t attribute = H5Aopen(file, "layout_version", H5P_DEFAULT);
        assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &version) >= 0);
        H5Aclose(attribute);
        assert_true(H5Fclose(file) >= 0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    assert_open_fails(path, CNN_EDATA, "layout version 99");
}

static void test_open_missing_part_fails_everywhere(void **state)
{
    (void)state;
    create();
    if (rank == 0) {
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(H5Ldelete(file, "analysis/welch_p", H5P_DEFAULT) >= 0);
        assert_true(H5Fclose(file) >= 0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    assert_open_fails(path, CNN_EDATA, "analysis/welch_p");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_all_ranks_read_back),
        cmocka_unit_test(test_write_again_keeps_what_is_there),
        cmocka_unit_test(test_write_read_while_open),
        cmocka_unit_test(test_write_rejects_rows_out_of_range),
        cmocka_unit_test(test_write_text_not_utf8_is_cleaned),
        cmocka_unit_test(test_open_one_rank_without_file_fails_everywhere),
        cmocka_unit_test(test_open_text_file_fails_everywhere),
        cmocka_unit_test(test_open_other_version_fails_everywhere),
        cmocka_unit_test(test_open_missing_part_fails_everywhere),
    };
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    if (failed) /* the others may wait for a rank that has left its test */
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Finalize();
    return 0;
}
