/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of datasets:, where they are sought, the synthetic set, and the report on them. */
#include "data_fixture.h"

#include "data/report.h"

#include <setjmp.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Reads an entry; returns how many errors it has, their text in cnn_error_message. */
static int read_entry(const char *text, cnn_source *out)
{
    cnn_yaml *y;
    assert_int_equal(cnn_yaml_parse("job.yaml", text, &y), CNN_OK);
    cnn_source_read(y, cnn_yaml_root(y), "mine", out);
    int errors = cnn_yaml_errors(y);
    assert_int_equal(cnn_yaml_finish(y), errors ? CNN_EUSAGE : CNN_OK);
    cnn_yaml_close(&y);
    return errors;
}

static void test_read_fills_defaults(void **state)
{
    cnn_source s;
    (void)state;
    assert_int_equal(read_entry("{type: idx, path: some/where}", &s), 0);
    assert_string_equal(s.name, "mine");
    assert_int_equal(s.type, CNN_SOURCE_IDX);
    assert_string_equal(s.path, "some/where");
    assert_int_equal(s.limit, 0);
    assert_true(s.scale == 0);
    cnn_source_free(&s);
    assert_int_equal(read_entry("{type: synthetic, classes: 3, limit: all}", &s), 0);
    assert_int_equal(s.type, CNN_SOURCE_SYNTHETIC);
    assert_int_equal(s.height, 28);
    assert_int_equal(s.width, 28);
    assert_int_equal(s.channels, 1);
    assert_int_equal(s.classes, 3);
    assert_int_equal(s.count, 1000);
    assert_int_equal(s.limit, 0);
    assert_true(s.test_fraction == 0.2);
    cnn_source_free(&s);
}

static void test_read_reports_what_is_wrong(void **state)
{
    static const struct {
        const char *entry, *message;
    } cases[] = {
        {"{type: idx}", "data set 'mine' of type idx needs 'path'"},
        {"{type: npy, images: X.npy}", "data set 'mine' of type npy needs 'labels'"},
        {"{type: npy, images: X, labels: Y, path: Z}",
         "'path' is not a key of data set 'mine', whose type is npy"},
        {"{type: idx, path: p, test_fraction: 0.3}", "'test_fraction' is not a key of"},
        {"{type: synthetic, scale: 255}", "'scale' is not a key of"},
        {"{type: npy, images: X, labels: Y, scale: 0}", "must be above 0"},
        {"{type: npy, images: X, labels: Y, test_fraction: 0}", "above 0 and below 1"},
        {"{type: npy, images: X, labels: Y, test_fraction: 1}", "above 0 and below 1"},
        {"{type: png, path: p}", "png_tree"},
        {"{type: png_tree}", "data set 'mine' of type png_tree needs 'path'"},
        {"{type: idx, path: p, split: patient}", "'split' is not a key of"},
        {"{type: npy, images: X, labels: Y, shape: [1, 1, 1]}", "'shape' is not a key of"},
        {"{type: png_tree, path: p, height: 50}", "'height' is not a key of"},
        {"{type: png_tree, path: p, split: patients}", "did you mean 'patient'?"},
        {"{type: png_tree, path: p, shape: 50}", "shape must be a list of height, width"},
        {"{type: png_tree, path: p, shape: [50, 50]}", "shape must be a list of height, width"},
        {"{type: png_tree, path: p, shape: [50, x, 3]}", "width"},
        {"{type: png_tree, path: p, shape: [50, 50, 2]}", "must be 3, or 1 for grey images"},
        {"{path: p}", "type"},
        {"{type: idx, path: p, limmit: 3}", "limit"},
        {"{type: idx, path: p, limit: -3}", "limit"},
        {"[1, 2]", "mine"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_source s;
        assert_int_equal(read_entry(cases[i].entry, &s), 1);
        assert_contains(cnn_error_message(), cases[i].message);
        assert_contains(cnn_error_message(), "job.yaml:1:");
        cnn_source_free(&s);
    }
}

static void test_read_reports_all_errors_at_once(void **state)
{
    cnn_source s;
    (void)state;
    assert_int_equal(read_entry("{type: npy, images: X, scale: 0, test_fraction: 2, path: Z}", &s),
                     4);
    assert_contains(cnn_error_message(), "needs 'labels'");
    assert_contains(cnn_error_message(), "'scale' must be above 0");
    assert_contains(cnn_error_message(), "test_fraction");
    assert_contains(cnn_error_message(), "'path' is not a key of");
    cnn_source_free(&s);
}

static void check_same(const cnn_source *a, const cnn_source *b)
{
    assert_int_equal(a->type, b->type);
    assert_true(a->scale == b->scale);
    assert_true(a->test_fraction == b->test_fraction);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->test_limit, b->test_limit);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->channels, b->channels);
    assert_int_equal(a->classes, b->classes);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->split_seed, b->split_seed);
    assert_int_equal(a->split, b->split);
}

static void test_json_reads_back(void **state)
{
    static const char *const entries[] = {
        "{type: idx, path: \"a \\\"b\\\"\", limit: 7, scale: 250.5, split_seed: 2147483647}",
        "{type: npy, images: x.npy, labels: y.npy, test_fraction: 0.1, test_limit: 3}",
        "{type: synthetic, height: 5, width: 6, channels: 3, classes: 4, count: 99}",
        "{type: png_tree, path: tree, test_fraction: 0.3, split: patient, scale: 200}",
        "{type: png_tree, path: tree, shape: [50, 40, 3]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        cnn_source s, back;
        cnn_text json = {0};
        assert_int_equal(read_entry(entries[i], &s), 0);
        cnn_source_write_json(&s, &json);
        assert_null(strchr(json.s, '\n'));
        assert_int_equal(read_entry(json.s, &back), 0);
        check_same(&s, &back);
        if (s.path)
            assert_string_equal(s.path, back.path);
        if (s.images)
            assert_string_equal(s.images, back.images);
        cnn_source_free(&s);
        cnn_source_free(&back);
        cnn_text_free(&json);
    }
}

static void test_json_has_absolute_paths_of_what_is_found(void **state)
{
    cnn_text json = {0};
    char *real = realpath(*state, NULL);
    char *expected = cnn_asprintf("\"path\":\"%s/sub\"", real);
    char *sub = cnn_asprintf("%s/sub", (char *)*state);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_small_idx(sub);
    cnn_source s = {.type = CNN_SOURCE_IDX, .name = "x", .path = "./sub/", .folder = *state};
    cnn_source_write_json(&s, &json);
    assert_contains(json.s, expected);
    cnn_text_free(&json);
    free(sub);
    free(expected);
    free(real);
}

static void test_copy_owns_its_strings(void **state)
{
    cnn_source s, copy;
    (void)state;
    assert_int_equal(read_entry("{type: idx, path: p, limit: 9}", &s), 0);
    assert_int_equal(cnn_source_copy(&s, &copy), CNN_OK);
    assert_ptr_not_equal(s.name, copy.name);
    assert_ptr_not_equal(s.path, copy.path);
    cnn_source_free(&s);
    assert_string_equal(copy.name, "mine");
    assert_string_equal(copy.path, "p");
    assert_int_equal(copy.limit, 9);
    assert_null(copy.images);
    cnn_source_free(&copy);
    assert_null(copy.name);
}

/** Makes folder/name with a small data set in it. */
static char *place(const char *folder, const char *name)
{
    char *path = cnn_asprintf("%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
    char *inner = cnn_asprintf("%s/set", path);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_small_idx(inner);
    free(inner);
    return path;
}

static void check_found(const cnn_source *s, const char *folder)
{
    char *found = NULL, *expected = cnn_asprintf("%s/set", folder);
    assert_int_equal(cnn_source_find(s, s->path, &found), CNN_OK);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
}

static void test_find_tries_the_places_in_order(void **state)
{
    char *job = place(*state, "job"), *first = place(*state, "first");
    char *second = place(*state, "second");
    char *list = cnn_asprintf(":%s/nothing::%s:%s", (char *)*state, first, second);
    cnn_source s = {.type = CNN_SOURCE_IDX, .name = "x", .path = "set", .folder = job};
    assert_int_equal(setenv("CNNMPI_DATA", list, 1), 0);
    check_found(&s, job);
    s.folder = *state; /* has no set/ */
    check_found(&s, first);
    setenv("CNNMPI_DATA", second, 1);
    check_found(&s, second);
    unsetenv("CNNMPI_DATA");
    assert_bad(&s, "data set 'x': the folder 'set' is missing; sought:");
    assert_contains(cnn_error_message(), "\n  ./data/set (not there)\n  /usr/share/datasets/set (");
    s.path = second; /* absolute, but the set is one folder below */
    assert_bad(&s, "(a folder without any of the four files)");
    free(job);
    free(first);
    free(second);
    free(list);
}

static void test_find_passes_over_a_folder_without_the_files(void **state)
{
    char *data = place(*state, "data"), *empty = cnn_asprintf("%s/set", (char *)*state);
    assert_int_equal(mkdir(empty, 0700), 0);
    cnn_source s = {.type = CNN_SOURCE_IDX, .name = "x", .path = "set", .folder = *state};
    setenv("CNNMPI_DATA", data, 1);
    check_found(&s, data);
    unsetenv("CNNMPI_DATA");
    free(empty);
    free(data);
}

static void test_missing_npy_file_is_named(void **state)
{
    cnn_source s = npy_source(*state, "X.npy", "Y.npy");
    assert_bad(&s, "the file '");
    assert_contains(cnn_error_message(), "X.npy (not there)");
    cnn_source_free(&s);
}

static void test_wellknown_sets_and_their_advice(void **state)
{
    static const struct {
        const char *name, *advice;
    } known[] = {
        {"mnist", "6bbc9ace898e44ae57da46a324031adb"},
        {"fashion_mnist", "apt-get install dataset-fashion-mnist"},
        {"idc", "X.npy"},
    };
    cnn_source s;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cnn_source_wellknown(known[i].name, &s), CNN_OK);
        assert_string_equal(s.name, known[i].name);
        assert_true(s.test_fraction == 0.2);
        assert_contains(cnn_dataset_advice(&s), known[i].advice);
        cnn_source_free(&s);
    }
    assert_int_equal(cnn_source_wellknown("cifar", &s), CNN_EUSAGE);
    s = (cnn_source){.type = CNN_SOURCE_IDX, .name = "mine", .path = "my-mnist"};
    assert_string_equal(cnn_dataset_advice(&s), "");
    s.path = "other/fashion-mnist/";
    assert_contains(cnn_dataset_advice(&s), "dataset-fashion-mnist");
    s = (cnn_source){.type = CNN_SOURCE_IDX, .name = "mnist", .path = "/nowhere/mnist"};
    assert_bad(&s, "How to get it: MNIST");
}

static cnn_source synthetic(void)
{
    cnn_source s = {.type = CNN_SOURCE_SYNTHETIC, .name = "made", .test_fraction = 0.25};
    s.height = 9;
    s.width = 7;
    s.channels = 3;
    s.classes = 4;
    s.count = 400;
    s.split_seed = 11;
    return s;
}

static void test_synthetic_set_depends_on_its_seed_only(void **state)
{
    cnn_source s = synthetic();
    (void)state;
    cnn_dataset *a = load(&s), *b = load(&s);
    assert_int_equal(a->train.count, 300);
    assert_int_equal(a->test.count, 100);
    assert_int_equal(a->classes, 4);
    assert_int_equal(a->channels, 3);
    assert_memory_equal(a->train.images, b->train.images, 300 * 9 * 7 * 3);
    assert_true(a->checksum == b->checksum);
    cnn_dataset_destroy(&b);
    s.split_seed = 12;
    b = load(&s);
    assert_true(a->checksum != b->checksum);
    cnn_dataset_destroy(&b);
    cnn_dataset_destroy(&a);
}

static void test_synthetic_set_can_be_learned(void **state)
{
    enum { PIXELS = 9 * 7 * 3, CLASSES = 4 };
    double mean[CLASSES][PIXELS] = {{0}};
    int wrong = 0;
    cnn_source s = synthetic();
    (void)state;
    cnn_dataset *d = load(&s);
    const unsigned char *x = d->train.images;
    for (int i = 0; i < d->train.count; i++)
        for (int p = 0; p < PIXELS; p++)
            mean[d->train.labels[i]][p] += x[i * PIXELS + p] / 75.0;
    x = d->test.images;
    for (int i = 0; i < d->test.count; i++) {
        int nearest = 0;
        double least = 1e300;
        for (int c = 0; c < CLASSES; c++) {
            double sum = 0;
            for (int p = 0; p < PIXELS; p++)
                sum += (x[i * PIXELS + p] - mean[c][p]) * (x[i * PIXELS + p] - mean[c][p]);
            if (sum < least) {
                least = sum;
                nearest = c;
            }
        }
        wrong += nearest != d->test.labels[i];
    }
    assert_int_equal(wrong, 0);
    cnn_dataset_destroy(&d);
}

static void test_impossible_synthetic_sizes_are_refused(void **state)
{
    cnn_source s = synthetic();
    (void)state;
    s.classes = 401;
    assert_bad(&s, "401 classes are not possible with 400 images");
    s = synthetic();
    s.width = 0;
    assert_bad(&s, "sizes must be positive");
    s = synthetic();
    s.width = s.height = s.channels = 1 << 20;
    assert_bad(&s, "states an impossible size");
}

static void test_report_tells_found_and_missing(void **state)
{
    cnn_text out = {0};
    int missing = -1;
    write_small_idx(*state);
    cnn_source s[3] = {synthetic(),
                       idx_source(*state),
                       {.type = CNN_SOURCE_NPY, .name = "idc", .images = "/nowhere/X.npy"}};
    assert_int_equal(cnn_data_report(s, 3, &out, &missing), CNN_OK);
    assert_int_equal(missing, 1);
    assert_contains(out.s, "made: 9 x 7 x 3, 4 classes, bytes\n  found     made up (synthetic)\n"
                           "  training  300 images (75 of each class)\n"
                           "  test      100 images (25 of each class)\n  checksum  ");
    assert_contains(out.s, "training  6 images (class 0: 2, 1: 3, 2: 1)\n");
    assert_contains(out.s, "idc: cannot be used\n  data set 'idc': the file '/nowhere/X.npy'");
    assert_contains(out.s, "\n  How to get it: the breast histology set");
    assert_null(strstr(strstr(out.s, "How to get it") + 1, "How to get it"));
    cnn_text_free(&out);
    cnn_source_free(&s[1]);
}

static void test_report_adds_advice_to_broken_files(void **state)
{
    cnn_text out = {0};
    int missing = -1;
    write_small_idx(*state);
    write_file(*state, "t10k-images-idx3-ubyte", "", 0);
    cnn_source s = idx_source(*state);
    free(s.name);
    s.name = strdup("mnist");
    assert_int_equal(cnn_data_report(&s, 1, &out, &missing), CNN_OK);
    assert_int_equal(missing, 1);
    assert_contains(out.s, "t10k-images-idx3-ubyte' is empty\n  How to get it: MNIST");
    cnn_text_free(&out);
    cnn_source_free(&s);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_remove)
    unsetenv("CNNMPI_DATA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_fills_defaults),
        cmocka_unit_test(test_read_reports_what_is_wrong),
        cmocka_unit_test(test_read_reports_all_errors_at_once),
        cmocka_unit_test(test_json_reads_back),
        IN_FOLDER(test_json_has_absolute_paths_of_what_is_found),
        cmocka_unit_test(test_copy_owns_its_strings),
        IN_FOLDER(test_find_tries_the_places_in_order),
        IN_FOLDER(test_find_passes_over_a_folder_without_the_files),
        IN_FOLDER(test_missing_npy_file_is_named),
        cmocka_unit_test(test_wellknown_sets_and_their_advice),
        cmocka_unit_test(test_synthetic_set_depends_on_its_seed_only),
        cmocka_unit_test(test_synthetic_set_can_be_learned),
        cmocka_unit_test(test_impossible_synthetic_sizes_are_refused),
        IN_FOLDER(test_report_tells_found_and_missing),
        IN_FOLDER(test_report_adds_advice_to_broken_files),
    };
    return cmocka_run_group_tests_name("data_source", tests, NULL, NULL);
}
