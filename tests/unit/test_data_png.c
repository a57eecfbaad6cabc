/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of PNG files and splits by patient, against tests/golden/png_golden.py, which uses neither
 * libpng nor our code. */
#include "data_fixture.h"

#include "../golden/png_golden.h"
#include "base/checksum.h"
#include "data/png.h"
#include "data/png_tree.h"
#include "data/report.h"
#include "data/split.h"

#include <setjmp.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = sizeof tree_files / sizeof tree_files[0], BYTES = 5 * 4 * 3 };

static void make_folder(const char *root, const char *name)
{
    char *path = cnn_asprintf("%s/%s", root, name);
    assert_true(mkdir(path, 0700) == 0 || access(path, X_OK) == 0);
    free(path);
}

/** Writes root/patient/label/name. */
static void place(const char *root, const char *patient, const char *label, const char *name,
                  const void *bytes, size_t size)
{
    char *folder = cnn_asprintf("%s/%s", patient, label);
    char *path = cnn_asprintf("%s/%s", folder, name);
    make_folder(root, patient);
    make_folder(root, folder);
    write_file(root, path, bytes, size);
    free(path);
    free(folder);
}

/** Last file first, so that the order on disk is not the right one by itself. */
static cnn_source golden_tree(const char *root)
{
    for (int i = FILES - 1; i >= 0; i--)
        place(root, tree_files[i].patient, tree_files[i].label, tree_files[i].name,
              tree_files[i].bytes, tree_files[i].size);
    return (cnn_source){.type = CNN_SOURCE_PNG_TREE,
                        .name = "tree",
                        .path = (char *)root,
                        .test_fraction = tree_fraction,
                        .split = CNN_SPLIT_BY_PATIENT,
                        .skip = CNN_SKIP_ALLOW,
                        .split_seed = TREE_SEED};
}

static void test_tree_agrees_with_the_script(void **state)
{
    cnn_source s = golden_tree(*state);
    cnn_dataset *d = load(&s);
    const unsigned char *pixels[] = {d->train.images, d->test.images};
    const int32_t *labels[] = {d->train.labels, d->test.labels};
    int at[2] = {0, 0};
    assert_int_equal(d->height, 4);
    assert_int_equal(d->width, 5);
    assert_int_equal(d->channels, 3);
    assert_int_equal(d->classes, 2);
    assert_int_equal(d->files, FILES);
    assert_int_equal(d->skipped, TREE_SKIPPED);
    assert_int_equal(d->patients, TREE_PATIENTS);
    assert_int_equal(d->test_patients, TREE_TEST_PATIENTS);
    assert_true(d->checksum == tree_checksum);
    for (int i = 0; i < TREE_COUNT; i++) {
        int part = tree_is_test[i], k = at[part]++;
        assert_memory_equal(pixels[part] + k * BYTES, tree_pixels + i * BYTES, BYTES);
        assert_int_equal(labels[part][k], tree_labels[i]);
    }
    assert_int_equal(d->train.count, at[0]);
    assert_int_equal(d->test.count, at[1]);
    cnn_dataset_destroy(&d);
}

static void test_inspect_counts_what_load_gives(void **state)
{
    cnn_source s = golden_tree(*state);
    cnn_dataset d;
    assert_int_equal(cnn_dataset_inspect(&s, &d), CNN_OK);
    assert_int_equal(d.train.count + d.test.count, TREE_COUNT);
    assert_int_equal(d.skipped, TREE_SKIPPED);
    assert_int_equal(d.test_patients, TREE_TEST_PATIENTS);
    assert_null(d.train.images);
    free(d.found);
}

static void test_split_by_image_is_the_usual_one(void **state)
{
    bool is_test[TREE_COUNT];
    int test;
    cnn_source s = golden_tree(*state);
    s.split = CNN_SPLIT_BY_IMAGE;
    assert_int_equal(
        cnn_split_stratified(TREE_SEED, tree_fraction, TREE_COUNT, tree_labels, 2, is_test, &test),
        CNN_OK);
    cnn_dataset *d = load(&s);
    const unsigned char *pixels = d->test.images;
    assert_int_equal(d->test.count, test);
    assert_int_equal(d->test_patients, 0);
    for (int i = 0; i < TREE_COUNT; i++)
        if (is_test[i]) {
            assert_memory_equal(pixels, tree_pixels + i * BYTES, BYTES);
            pixels += BYTES;
        }
    cnn_dataset_destroy(&d);
}

static void test_declared_shape_chooses_the_images(void **state)
{
    cnn_source s = golden_tree(*state);
    s.height = 3;
    s.width = 5;
    s.channels = 3;
    cnn_image_shape wanted = {1, 3, 5, 3};
    cnn_png_tree tree;
    assert_int_equal(cnn_png_tree_read(*state, &wanted, true, false, &tree), CNN_OK);
    assert_int_equal(tree.shape.count, 1);
    assert_int_equal(tree.skipped, FILES - 1);
    assert_int_equal(tree.labels[0], 1);
    cnn_png_tree_free(&tree);
    assert_bad(&s, "one class alone (all 1 labels are 1)");
}

static void test_other_files_are_left_alone(void **state)
{
    cnn_source s = golden_tree(*state);
    write_file(*state, "README", "x", 1);
    write_file(*state, "10/notes.png", "x", 1);
    write_file(*state, "10/0/.hidden.png", "x", 1);
    write_file(*state, "10/0/Thumbs.db", "x", 1);
    make_folder(*state, "10/2"); /* no class: it is empty */
    make_folder(*state, "10/0/deeper.d");
    make_folder(*state, "nobody");
    cnn_dataset *d = load(&s);
    assert_true(d->checksum == tree_checksum);
    assert_int_equal(d->classes, 2);
    assert_int_equal(d->patients, TREE_PATIENTS);
    cnn_dataset_destroy(&d);
}

static void test_class_names_are_sorted_across_patients(void **state)
{
    cnn_png_tree tree;
    const cnn_image_shape any = {0};
    place(*state, "p1", "z", "1.png", grey, sizeof grey);
    place(*state, "p2", "B", "1.png", grey, sizeof grey);
    place(*state, "p3", "a", "1.png", grey, sizeof grey);
    place(*state, "p3", "z", "1.png", grey, sizeof grey);
    assert_int_equal(cnn_png_tree_read(*state, &any, true, false, &tree), CNN_OK);
    assert_int_equal(tree.classes, 3);
    assert_string_equal(tree.class_names[0], "B");
    assert_string_equal(tree.class_names[1], "a");
    assert_string_equal(tree.class_names[2], "z");
    assert_memory_equal(tree.labels, ((int32_t[]){2, 0, 1, 2}), 4 * sizeof(int32_t));
    assert_memory_equal(tree.patient, ((int32_t[]){0, 1, 2, 2}), 4 * sizeof(int32_t));
    assert_int_equal(tree.shape.channels, 1);
    for (int i = 0; i < 4; i++)
        assert_memory_equal(tree.pixels + (size_t)i * sizeof grey_pixels, grey_pixels,
                            sizeof grey_pixels);
    cnn_png_tree_free(&tree);
}

static void test_of_two_equally_frequent_sizes_the_smaller_is_kept(void **state)
{
    cnn_png_tree tree;
    const cnn_image_shape any = {0};
    place(*state, "p", "0", "1.png", tree_file_0, sizeof tree_file_0); /* 4 x 5 x 3 */
    place(*state, "p", "0", "2.png", grey, sizeof grey);               /* 3 x 4 x 1 */
    assert_int_equal(cnn_png_tree_read(*state, &any, true, true, &tree), CNN_OK);
    assert_int_equal(tree.shape.height, 3);
    assert_int_equal(tree.skipped, 1);
    cnn_png_tree_free(&tree);
}

static void test_order_does_not_depend_on_the_locale(void **state)
{
    cnn_source s = golden_tree(*state);
    setlocale(LC_ALL, "en_US.UTF-8"); /* where there is one, it sorts b-1 behind b0 */
    cnn_dataset *d = load(&s);
    assert_true(d->checksum == tree_checksum);
    cnn_dataset_destroy(&d);
    setlocale(LC_ALL, "C");
}

static void test_bad_files_are_refused(void **state)
{
    static const struct {
        const unsigned char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
#define BAD(name, message) {refused_##name, sizeof refused_##name, message}
        BAD(cut, "is cut off: it ends at byte"),
        BAD(no_end, "is cut off: it ends at byte"),
        BAD(bad_header, "the checksum of its header is wrong"),
        BAD(bad_sum, "is damaged: libpng says 'IDAT: CRC error'"),
        BAD(bad_note, "is damaged: libpng says 'tEXt: CRC error'"),
        BAD(bad_zip, "is damaged: libpng says"),
        BAD(few_rows, "is damaged: libpng says"),
        BAD(text, "is not a PNG file"),
        BAD(no_size, "is empty: its header says 1 x 4 x 0 x 3"),
        BAD(bomb, "its header promises 1200000000 bytes of pixels, more than a PNG file of"),
        BAD(too_large, "its header states an impossible"),
        BAD(deep, "is a PNG file of RGB with 16 bits a sample;"),
        BAD(alpha, "is a PNG file of RGB and alpha with 8 bits"),
        BAD(palette, "is a PNG file of palette with 8 bits"),
        BAD(interlaced, "with 8 bits a sample, interlaced; 8-bit RGB"),
        {(const unsigned char *)"", 0, "is empty"},
        {refused_text, 20, "is cut off: it ends at byte 20, and 13 bytes of the PNG header"},
    };
    cnn_source s = golden_tree(*state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        place(*state, "9", "0", "9_bad.png", cases[i].bytes, cases[i].size);
        assert_bad(&s, cases[i].message);
        assert_contains(cnn_error_message(), "/9/0/9_bad.png'");
    }
    remove_file(*state, "9/0/9_bad.png");
    make_folder(*state, "9/0/folder.png");
    assert_bad(&s, "is a folder, not a file");
}

static void test_no_pipe_is_waited_for(void **state)
{
    cnn_source s = golden_tree(*state);
    char *path = cnn_asprintf("%s/9/0/9_pipe.png", (char *)*state);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    assert_bad(&s, "is not a regular file");
    alarm(0);
    free(path);
}

static void test_many_skipped_images_are_an_error(void **state)
{
    cnn_source s = golden_tree(*state);
    s.skip = CNN_SKIP_FEW;
    assert_bad(&s, "2 of 16 images are not 4 x 5 x 3 and would be left out (14 are 4 x 5 x 3, ");
    assert_contains(cnn_error_message(), "skip: allow");
    cnn_dataset d;
    assert_int_equal(cnn_dataset_inspect(&s, &d), CNN_EDATA);
    for (int i = 0; i < 24; i++) { /* 2 of 40 are 5 % */
        char *name = cnn_asprintf("more_%d.png", i);
        place(*state, "more", "0", name, tree_file_0, sizeof tree_file_0);
        free(name);
    }
    cnn_dataset *full = load(&s);
    assert_int_equal(full->files, 40);
    assert_int_equal(full->skipped, 2);
    cnn_dataset_destroy(&full);
}

static void test_capital_endings_are_read_and_others_counted(void **state)
{
    cnn_source s = golden_tree(*state);
    cnn_dataset *before = load(&s);
    place(*state, "9", "0", "9_a.PNG", tree_file_0, sizeof tree_file_0);
    place(*state, "9", "0", "9_b.jpg", tree_file_0, sizeof tree_file_0);
    place(*state, "9", "0", "9_c.npz", tree_file_0, sizeof tree_file_0);
    cnn_dataset *after = load(&s);
    assert_int_equal(after->files, before->files + 1);
    assert_int_equal(after->other_files, before->other_files + 2);
    cnn_dataset_destroy(&before);
    cnn_dataset_destroy(&after);
}

static void test_folders_of_a_split_are_no_patients(void **state)
{
    static const char *const pairs[][2] = {{"train", "test"}, {"Train", "val"}, {"valid", "test"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *root = cnn_asprintf("%s/%zu", (char *)*state, i);
        make_folder(*state, root + strlen(*state) + 1);
        for (int k = 0; k < 2; k++)
            for (int c = 0; c < 2; c++)
                place(root, pairs[i][k], c ? "1" : "0", "a.png", grey, sizeof grey);
        cnn_source s = {.type = CNN_SOURCE_PNG_TREE, .name = "x", .path = root};
        s.test_fraction = 0.5;
        assert_bad(&s, "which would be taken for patients");
        assert_contains(cnn_error_message(), "all/CLASS/NAME.png");
        free(root);
    }
    /* one of them alone is the remedy */
    place(*state, "train", "0", "a.png", grey, sizeof grey);
    place(*state, "train", "0", "b.png", grey, sizeof grey);
    place(*state, "train", "1", "a.png", grey, sizeof grey);
    place(*state, "train", "1", "b.png", grey, sizeof grey);
    cnn_source s = {.type = CNN_SOURCE_PNG_TREE, .name = "x", .path = *state};
    s.test_fraction = 0.5;
    cnn_dataset *d = load(&s);
    assert_int_equal(d->files, 4);
    cnn_dataset_destroy(&d);
}

static void test_one_class_is_named(void **state)
{
    cnn_source s = {.type = CNN_SOURCE_PNG_TREE, .name = "x", .path = *state, .test_fraction = 0.5};
    place(*state, "p", "0", "a.png", grey, sizeof grey);
    place(*state, "q", "0", "b.png", grey, sizeof grey);
    assert_bad(&s, "one class alone (all 2 labels are 0)");
    assert_contains(cnn_error_message(), "class folders of one name");
}

static void test_image_in_another_class_is_refused(void **state)
{
    cnn_source s = golden_tree(*state);
    place(*state, "9", "1", "9_idx5_x7_y7_class0.png", tree_file_0, sizeof tree_file_0);
    assert_bad(&s, "is of class 0 by its name, but lies in the folder of class 1");
}

static void test_tree_without_images_is_refused(void **state)
{
    cnn_source s = {.type = CNN_SOURCE_PNG_TREE, .name = "x", .path = *state, .test_fraction = 0.5};
    assert_bad(&s, "holds no PNG image at PATIENT/CLASS/NAME.png below it");
    write_file(*state, "a.png", grey, sizeof grey);
    assert_bad(&s, "holds no PNG image");
    place(*state, "p", "0", "1.jpg", grey, sizeof grey);
    assert_bad(&s, "only files of other kinds");
    place(*state, "p", "0", "1.png", grey, sizeof grey);
    s.height = s.width = s.channels = 3;
    assert_bad(&s, "none of 1 images is 3 x 3 x 3, as `shape` says");
    s.path = "/nowhere";
    assert_bad(&s, "data set 'x': the folder '/nowhere' is missing");
}

/** A header that promises 1.2 GB, and an image that is decoded beside it. */
static bool refuses_bomb(const void *root)
{
    const cnn_image_shape any = {0};
    cnn_png_tree tree;
    return cnn_png_tree_read(root, &any, true, false, &tree) == CNN_EDATA;
}

static void test_memory_is_bounded_by_the_files(void **state)
{
    place(*state, "p", "0", "1.png", grey, sizeof grey);
    place(*state, "p", "0", "2.png", refused_bomb, sizeof refused_bomb);
    assert_frugal(refuses_bomb, *state, 8 << 20);
}

static void test_group_splits_agree_with_the_script(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof group_cases / sizeof group_cases[0]; c++) {
        int n = 0, test, test_groups, expected = 0, at = 0;
        for (int g = 0; g < group_cases[c].groups; g++)
            n += group_cases[c].sizes[g];
        int32_t *group = malloc((size_t)n * sizeof *group);
        bool *is_test = malloc((size_t)n * sizeof *is_test);
        for (int g = 0; g < group_cases[c].groups; g++) /* one after the other */
            for (int k = 0; k < group_cases[c].sizes[g]; k++)
                group[at++] = g;
        assert_int_equal(cnn_split_grouped(TREE_SEED, group_cases[c].fraction, n, group,
                                           group_cases[c].groups, is_test, &test, &test_groups),
                         CNN_OK);
        assert_int_equal(test_groups, group_cases[c].test_groups);
        for (int i = 0; i < n; i++) {
            bool listed = false;
            for (int k = 0; k < group_cases[c].test_groups; k++)
                listed = listed || group_cases[c].test[k] == group[i];
            assert_int_equal(is_test[i], listed);
            expected += listed;
        }
        assert_int_equal(test, expected);
        free(is_test);
        free(group);
    }
}

static void test_one_patient_cannot_be_divided(void **state)
{
    cnn_source s = golden_tree(*state);
    bool is_test[3];
    int test, groups;
    assert_int_equal(cnn_split_grouped(1, 0.5, 3, (int32_t[]){0, 0, 0}, 1, is_test, &test, &groups),
                     CNN_EDATA);
    assert_contains(cnn_error_message(), "all images are of one patient");
    s.test_fraction = 0.001;
    assert_bad(&s, "leaves none for testing");
}

static void test_another_seed_chooses_other_patients(void **state)
{
    enum { PATIENTS = 60 };
    int32_t group[2 * PATIENTS];
    bool first[2 * PATIENTS], second[2 * PATIENTS];
    int test, groups, differ = 0;
    (void)state;
    for (int i = 0; i < 2 * PATIENTS; i++)
        group[i] = i / 2;
    assert_int_equal(
        cnn_split_grouped(1, 0.5, 2 * PATIENTS, group, PATIENTS, first, &test, &groups), CNN_OK);
    assert_int_equal(test, PATIENTS);
    assert_int_equal(
        cnn_split_grouped(2, 0.5, 2 * PATIENTS, group, PATIENTS, second, &test, &groups), CNN_OK);
    for (int i = 0; i < 2 * PATIENTS; i += 2)
        differ += first[i] != second[i];
    assert_in_range(differ, 15, 45); /* 30 are expected */
}

static void test_report_tells_what_was_skipped(void **state)
{
    cnn_source s = golden_tree(*state);
    cnn_text out = {0};
    int missing;
    assert_int_equal(cnn_data_report(&s, 1, &out, &missing), CNN_OK);
    assert_int_equal(missing, 0);
    assert_contains(out.s, "tree: 4 x 5 x 3, 2 classes, bytes\n");
    assert_contains(out.s, "  files     16 images of 5 patients; 2 skipped: not 4 x 5 x 3\n"
                           "  split     by patient: 4 for training, 1 for testing\n");
    cnn_text_free(&out);
}

static void test_real_patches_agree_with_the_script(void **state)
{
    (void)state;
#ifdef CNN_SHARED_DATA
    char *root = cnn_asprintf("%s/idc_png/IDC_regular_ps50_idx5", CNN_SHARED_DATA);
    if (access(root, X_OK) == 0) {
        cnn_png_tree tree;
        const cnn_image_shape any = {0};
        cnn_source s = {.type = CNN_SOURCE_PNG_TREE, .name = "idc", .path = root};
        s.test_fraction = 0.2;
        s.split = CNN_SPLIT_BY_PATIENT;
        s.split_seed = TREE_SEED;
        cnn_dataset *d = load(&s);
        int ones = 0, test_ones = 0, test, groups;
        for (int i = 0; i < d->train.count; i++)
            ones += d->train.labels[i];
        for (int i = 0; i < d->test.count; i++)
            test_ones += d->test.labels[i];
        assert_int_equal(d->height, 50);
        assert_int_equal(d->width, 50);
        assert_int_equal(d->channels, 3);
        assert_int_equal(d->files, REAL_FILES);
        assert_int_equal(d->skipped, REAL_SKIPPED);
        assert_int_equal(d->train.count + d->test.count, REAL_FILES - REAL_SKIPPED);
        assert_int_equal(d->patients, REAL_PATIENTS);
        assert_int_equal(d->test_patients, REAL_TEST_PATIENTS);
        assert_int_equal(d->test.count, REAL_TEST);
        assert_int_equal(ones, REAL_ONES);
        assert_int_equal(test_ones, REAL_TEST_ONES);
        assert_true(d->checksum == real_checksum);
        assert_int_equal(cnn_png_tree_read(root, &any, true, true, &tree), CNN_OK);
        bool *is_test = calloc((size_t)tree.shape.count, sizeof *is_test);
        assert_int_equal(cnn_split_grouped(TREE_SEED, 0.2, tree.shape.count, tree.patient,
                                           tree.patients, is_test, &test, &groups),
                         CNN_OK);
        uint64_t sum = CNN_CHECKSUM_START;
        for (int i = 0; i < tree.shape.count; i++) {
            int32_t flag = is_test[i];
            sum = cnn_checksum(sum, &flag, sizeof flag);
        }
        assert_true(sum == real_is_test);
        free(is_test);
        cnn_png_tree_free(&tree);
        cnn_dataset_destroy(&d);
        free(root);
        return;
    }
    free(root);
#endif
    print_message("skipped: the patches are not there\n");
    skip();
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_remove)
    unsetenv("CNNMPI_DATA");
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_tree_agrees_with_the_script),
        IN_FOLDER(test_inspect_counts_what_load_gives),
        IN_FOLDER(test_split_by_image_is_the_usual_one),
        IN_FOLDER(test_declared_shape_chooses_the_images),
        IN_FOLDER(test_other_files_are_left_alone),
        IN_FOLDER(test_class_names_are_sorted_across_patients),
        IN_FOLDER(test_of_two_equally_frequent_sizes_the_smaller_is_kept),
        IN_FOLDER(test_order_does_not_depend_on_the_locale),
        IN_FOLDER(test_bad_files_are_refused),
        IN_FOLDER(test_no_pipe_is_waited_for),
        IN_FOLDER(test_many_skipped_images_are_an_error),
        IN_FOLDER(test_capital_endings_are_read_and_others_counted),
        IN_FOLDER(test_folders_of_a_split_are_no_patients),
        IN_FOLDER(test_one_class_is_named),
        IN_FOLDER(test_image_in_another_class_is_refused),
        IN_FOLDER(test_tree_without_images_is_refused),
        IN_FOLDER(test_memory_is_bounded_by_the_files),
        cmocka_unit_test(test_group_splits_agree_with_the_script),
        IN_FOLDER(test_one_patient_cannot_be_divided),
        cmocka_unit_test(test_another_seed_chooses_other_patients),
        IN_FOLDER(test_report_tells_what_was_skipped),
        cmocka_unit_test(test_real_patches_agree_with_the_script),
    };
    return cmocka_run_group_tests_name("data_png", tests, NULL, NULL);
}
