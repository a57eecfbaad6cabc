/* SPDX-License-Identifier: Apache-2.0 */
/* Results files that are not what they seem: each must give CNN_EDATA that names the part. */
#include "hdf5io/reader.h"
#include "hdf5io/results_create.h"
#include "hdf5io/tables.h"
#include "results_fixture.h"

#include <hdf5.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { REPEATS = 2 };

static char folder[] = "/tmp/cnn-results-XXXXXX";
static char whole[64], path[64]; /* an undamaged file, and the one to damage */
static int run_count;
static char *bytes; /* of the undamaged file */
static size_t size;

static void write_file(size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    (void)state;
    const cnn_job *job = fixture_job(REPEATS);
    cnn_design *design = fixture_design(job);
    if (!mkdtemp(folder))
        return -1;
    snprintf(whole, sizeof whole, "%s/whole.h5", folder);
    snprintf(path, sizeof path, "%s/damaged.h5", folder);
    assert_int_equal(cnn_results_create(whole, job, design, FIXTURE_PLAN, NULL), CNN_OK);
    assert_int_equal(cnn_read_file(whole, 1 << 30, &bytes, &size), CNN_OK);
    run_count = design->run_count;
    cnn_design_destroy(&design);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(whole);
    unlink(path);
    rmdir(folder);
    free(bytes);
    return 0;
}

static hid_t open_copy(void)
{
    write_file(size);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

/** Reads the damaged file; it must be refused with this in the message. */
static void assert_refused(const char *words)
{
    cnn_results *r = NULL;
    cnn_status st = cnn_results_read(path, &r);
    if (st != CNN_EDATA)
        fail_msg("status %d where '%s' is damaged", (int)st, words);
    assert_null(r);
    if (!strstr(cnn_error_message(), words))
        fail_msg("'%s' lacks '%s'", cnn_error_message(), words);
}

/** Closes the damaged file and reads it. */
static void close_and_refuse(hid_t file, const char *words)
{
    assert_true(H5Fclose(file) >= 0);
    assert_refused(words);
}

static const cnn_table_id read_tables[] = {
    CNN_TABLE_STATUS, CNN_TABLE_PLANNED,  CNN_TABLE_MEASURED,
    CNN_TABLE_EPOCHS, CNN_TABLE_ATTEMPTS, CNN_TABLE_SESSIONS,
    CNN_TABLE_CELLS,  CNN_TABLE_FACTORS,  CNN_TABLE_QUARANTINES,
};
static const char *const read_texts[] = {
    CNN_VAR_JOB_NAME, CNN_VAR_JOB_FILE,    CNN_VAR_OVERRIDES,   CNN_VAR_PLAN,
    CNN_VAR_PROGRAM,  CNN_VAR_FACTOR_NAME, CNN_VAR_LEVEL_LABEL, NULL};

/** Calls f with the name of every variable that the reader needs. */
static void for_each_part(void (*f)(const char *name))
{
    for (size_t t = 0; t < sizeof read_tables / sizeof read_tables[0]; t++)
        for (int c = 0; c < cnn_tables[read_tables[t]].column_count; c++)
            f(cnn_tables[read_tables[t]].columns[c].name);
    for (const char *const *name = read_texts; *name; name++)
        f(*name);
}

static void refuse_without(const char *name)
{
    char words[96];
    hid_t file = open_copy();
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    snprintf(words, sizeof words, "'%s' is missing", name);
    close_and_refuse(file, words);
}

/** Puts another data set in the place of one. */
static void replace(hid_t file, const char *name, hid_t type, int rank, const hsize_t *extents,
                    hid_t plist)
{
    hid_t space = rank ? H5Screate_simple(rank, extents, NULL) : H5Screate(H5S_SCALAR);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static hid_t early(void)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY) >= 0);
    return plist;
}

/** Extents of a data set as it is; returns the rank. */
static int extents_of(hid_t file, const char *name, hsize_t extents[4])
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(set);
    int rank = H5Sget_simple_extent_dims(space, extents, NULL);
    H5Sclose(space);
    H5Dclose(set);
    return rank;
}

/** Another type of the same size, so that nothing else is wrong. */
static hid_t other_type(size_t width)
{
    return width == 1 ? H5T_STD_U8LE : width == 4 ? H5T_IEEE_F32LE : H5T_STD_U64LE;
}

static void refuse_other_type(const char *name)
{
    hsize_t extents[4];
    char words[96];
    hid_t file = open_copy(), plist = early(), set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t type = H5Dget_type(set);
    size_t width = H5Tget_size(type);
    H5Tclose(type);
    H5Dclose(set);
    int rank = extents_of(file, name, extents);
    replace(file, name, other_type(width), rank, extents, plist);
    H5Pclose(plist);
    snprintf(words, sizeof words, "'%s' is of the wrong type", name);
    close_and_refuse(file, words);
}

static void refuse_other_rank(const char *name)
{
    hsize_t extents[4];
    char words[96];
    hid_t file = open_copy(), plist = early(), set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t type = H5Dget_type(set);
    H5Dclose(set);
    int rank = extents_of(file, name, extents);
    extents[rank] = 2;
    replace(file, name, type, rank + 1, extents, plist);
    H5Tclose(type);
    H5Pclose(plist);
    snprintf(words, sizeof words, "'%s' has %d dimensions, not %d", name, rank + 1, rank);
    close_and_refuse(file, words);
}

static void test_read_whole_file_is_as_made(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    cnn_measured unknown = cnn_measured_unknown();
    cnn_attempt nothing = cnn_attempt_unknown();
    assert_int_equal(cnn_results_read(whole, &r), CNN_OK);
    assert_int_equal(r->run_count, run_count);
    assert_int_equal(r->session_count, 0);
    for (int i = 0; i < run_count; i++) {
        assert_int_equal(r->status[i], CNN_RUN_PLANNED);
        assert_true(same_measured(&r->measured[i], &unknown));
        assert_true(same_attempt(&r->attempts[i], &nothing));
    }
    cnn_results_free(&r);
}

static void test_read_missing_part_is_named(void **state)
{
    (void)state;
    for_each_part(refuse_without);
}

static void test_read_part_of_other_type_is_named(void **state)
{
    (void)state;
    for_each_part(refuse_other_type);
}

static void test_read_part_of_other_rank_is_named(void **state)
{
    (void)state;
    for_each_part(refuse_other_rank);
}

static void test_read_extents_that_disagree_are_refused(void **state)
{
    (void)state;
    hsize_t runs[] = {(hsize_t)run_count + 1, 0}, texts[] = {(hsize_t)run_count, 65};
    hid_t plist = early(), file = open_copy();
    replace(file, "train_seconds", H5T_IEEE_F64LE, 1, runs, plist);
    close_and_refuse(file, "train_seconds");
    file = open_copy();
    replace(file, "host", H5T_C_S1, 2, texts, plist);
    close_and_refuse(file, "host");
    file = open_copy();
    replace(file, "status", H5T_STD_I8LE, 1, runs, plist);
    close_and_refuse(file, "along run");
    H5Pclose(plist);
}

/** What claims more than the file holds must not be allocated. */
static void test_read_data_that_is_not_there_is_refused(void **state)
{
    (void)state;
    hsize_t huge[] = {0x7fffffff}, runs[] = {(hsize_t)run_count};
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), file = open_copy();
    replace(file, "status", H5T_STD_I8LE, 1, huge, plist); /* late allocation: never written */
    close_and_refuse(file, "'status' is not stored in full");
    file = open_copy();
    assert_true(H5Pset_chunk(plist, 1, runs) >= 0);
    replace(file, "train_seconds", H5T_IEEE_F64LE, 1, runs, plist);
    close_and_refuse(file, "'train_seconds' is not stored in full");
    H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    file = open_copy();
    assert_true(H5Pset_external(plist, "/etc/hostname", 0, 8 * runs[0]) >= 0);
    replace(file, "train_seconds", H5T_IEEE_F64LE, 1, runs, plist);
    close_and_refuse(file, "'train_seconds' is not stored in this file");
    H5Pclose(plist);
}

static void test_read_links_out_of_the_file_are_refused(void **state)
{
    (void)state;
    hid_t file = open_copy();
    assert_true(H5Ldelete(file, "train_seconds", H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_external(whole, "train_seconds", file, "train_seconds", H5P_DEFAULT,
                                   H5P_DEFAULT) >= 0);
    close_and_refuse(file, "'train_seconds' is a link");
    file = open_copy();
    assert_true(H5Ldelete(file, "analysis", H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_soft("/", file, "analysis", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    close_and_refuse(file, "'analysis' is a link");
    file = open_copy();
    assert_true(H5Ldelete(file, "status", H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_hard(file, "/analysis", file, "status", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    close_and_refuse(file, "'status' cannot be opened as a data set");
}

static void poke(hid_t file, const char *name, hsize_t place, int value)
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(set);
    hid_t one = H5Screate(H5S_SCALAR);
    hsize_t at[2] = {place, 0};
    assert_true(H5Sselect_elements(space, H5S_SELECT_SET, 1, at) >= 0);
    assert_true(H5Dwrite(set, H5T_NATIVE_INT, one, space, H5P_DEFAULT, &value) >= 0);
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(set);
}

static void test_read_values_that_refer_to_nothing_are_refused(void **state)
{
    static const struct {
        const char *name;
        int value;
    } wrong[] = {
        {"status", 4},
        {"status", -1},
        {"cell", 8},
        {"cell", -1},
        {"combination", 4},
        {"level", 2},
        {"repeat", -2},
        {"repeat", 2147483647},
        {"block", -1},
        {"position", 2},
        {"warmup", 2},
        {"epochs_done", 4},
        {"attempts", FIXTURE_ATTEMPTS + 1},
        {"session", 256},
        {"cell_levels", 2},
        {"cell_levels", -1},
        {"attempt_outcome", 9},
        {"attempt_session", 256},
        {"factor_level_count", 0},
        {"factor_level_count", 1000},
        {"session_ranks", -2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        hid_t file = open_copy();
        poke(file, wrong[i].name, 0, wrong[i].value);
        if (strcmp(wrong[i].name, "session_ranks") == 0) { /* counts once the session has begun */
            poke(file, "session_start_time", 0, 1);
        }
        close_and_refuse(file, wrong[i].name);
    }
}

static void test_read_attributes_that_are_wrong_are_refused(void **state)
{
    static const char *const names[] = {"layout_version", "contrast", "margin_time", "margin_error",
                                        "alpha",          "primary",  "looks",       NULL};
    (void)state;
    for (const char *const *name = names; *name; name++) {
        hid_t file = open_copy();
        assert_true(H5Adelete(file, *name) >= 0);
        close_and_refuse(file, *name);
        file = open_copy();
        assert_true(H5Adelete(file, *name) >= 0);
        hid_t space = H5Screate(H5S_SCALAR);
        hid_t attribute = H5Acreate2(file, *name, H5T_STD_I16LE, space, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(attribute >= 0);
        H5Aclose(attribute);
        H5Sclose(space);
        close_and_refuse(file, *name);
    }
}

static void test_read_text_without_end_is_ended(void **state)
{
    (void)state;
    char full[64 * 64];
    cnn_results *r = NULL;
    hid_t file = open_copy(), set = H5Dopen2(file, "host", H5P_DEFAULT);
    assert_true((size_t)run_count * 64 <= sizeof full);
    memset(full, 'h', sizeof full);
    assert_true(H5Dwrite(set, H5T_C_S1, H5S_ALL, H5S_ALL, H5P_DEFAULT, full) >= 0);
    H5Dclose(set);
    H5Fclose(file);
    assert_int_equal(cnn_results_read(path, &r), CNN_OK);
    assert_int_equal(strlen(r->measured[0].host), 63);
    cnn_results_free(&r);
}

static void test_read_truncated_file_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        write_file(size * i / 20);
        assert_refused(path);
    }
    write_file(size - 1);
    assert_refused(path);
}

static void test_read_what_is_no_file_is_refused(void **state)
{
    (void)state;
    cnn_results *r = NULL;
    assert_int_equal(cnn_results_read("CMakeLists.txt", &r), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "no HDF5 file"));
    assert_int_equal(cnn_results_read(folder, &r), CNN_EDATA);
    assert_int_equal(cnn_results_read("/nonexistent/file.h5", &r), CNN_EDATA);
    assert_non_null(strstr(cnn_error_message(), "No such file"));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused("not a regular file");
    unlink(path);
}

static void test_read_other_hdf5_file_is_refused(void **state)
{
    (void)state;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    close_and_refuse(file, "no results file of cnnmpi");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_whole_file_is_as_made),
        cmocka_unit_test(test_read_missing_part_is_named),
        cmocka_unit_test(test_read_part_of_other_type_is_named),
        cmocka_unit_test(test_read_part_of_other_rank_is_named),
        cmocka_unit_test(test_read_extents_that_disagree_are_refused),
        cmocka_unit_test(test_read_data_that_is_not_there_is_refused),
        cmocka_unit_test(test_read_links_out_of_the_file_are_refused),
        cmocka_unit_test(test_read_values_that_refer_to_nothing_are_refused),
        cmocka_unit_test(test_read_attributes_that_are_wrong_are_refused),
        cmocka_unit_test(test_read_text_without_end_is_ended),
        cmocka_unit_test(test_read_truncated_file_is_refused),
        cmocka_unit_test(test_read_what_is_no_file_is_refused),
        cmocka_unit_test(test_read_other_hdf5_file_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
