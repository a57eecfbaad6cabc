/* SPDX-License-Identifier: Apache-2.0 */
/* The split into training and test images and the limits, against tests/golden/data_golden.py. */
#include "data_fixture.h"

#include "../golden/data_golden.h"
#include "data/split.h"

#include <setjmp.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = sizeof split_train / 4 + sizeof split_test / 4, CLASSES = 5 };

static cnn_source golden_source(const char *folder)
{
    write_file(folder, "X.npy", split_images, sizeof split_images);
    write_file(folder, "Y.npy", split_labels, sizeof split_labels);
    cnn_source s = npy_source(folder, "X.npy", "Y.npy");
    s.test_fraction = split_fraction;
    s.split_seed = SPLIT_SEED;
    return s;
}

/** Each image's only pixel is its number in the file. */
static void check_numbers(const cnn_images *part, const int32_t *numbers, size_t size)
{
    const unsigned char *pixels = part->images;
    assert_int_equal(part->count, size / sizeof *numbers);
    for (int i = 0; i < part->count; i++) {
        int n = numbers[i];
        assert_int_equal(pixels[i], n);
        assert_int_equal(part->labels[i], (n * n + n / 7) % 11 % 5);
    }
}

static void test_split_agrees_with_the_script(void **state)
{
    int sizes[CLASSES] = {0};
    cnn_source s = golden_source(*state);
    cnn_dataset *d = load(&s);
    check_numbers(&d->train, split_train, sizeof split_train);
    check_numbers(&d->test, split_test, sizeof split_test);
    for (int i = 0; i < d->test.count; i++)
        sizes[d->test.labels[i]]++;
    for (int c = 0; c < CLASSES; c++)
        assert_int_equal(sizes[c], split_quota[c]);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_limits_agree_with_the_script(void **state)
{
    cnn_source s = golden_source(*state);
    cnn_dataset *whole = load(&s);
    s.limit = SPLIT_LIMIT;
    s.test_limit = SPLIT_TEST_LIMIT;
    cnn_dataset *d = load(&s);
    check_numbers(&d->train, split_train_limited, sizeof split_train_limited);
    check_numbers(&d->test, split_test_limited, sizeof split_test_limited);
    assert_true(d->checksum == whole->checksum);
    assert_int_equal(d->classes, whole->classes);
    cnn_dataset_destroy(&d);
    cnn_dataset_destroy(&whole);
    cnn_source_free(&s);
}

static void test_smaller_limit_is_a_prefix(void **state)
{
    cnn_source s = golden_source(*state);
    s.limit = 5;
    cnn_dataset *d = load(&s);
    check_numbers(&d->train, split_train_limited, 5 * sizeof(int32_t));
    check_numbers(&d->test, split_test, sizeof split_test);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_limit_of_all_images_shuffles_all(void **state)
{
    bool seen[COUNT] = {false};
    cnn_source s = golden_source(*state);
    s.limit = (int)(sizeof split_train / sizeof *split_train);
    cnn_dataset *d = load(&s);
    const unsigned char *pixels = d->train.images;
    assert_int_equal(d->train.count, s.limit);
    for (int i = 0; i < d->train.count; i++) {
        assert_false(seen[pixels[i]]);
        seen[pixels[i]] = true;
    }
    for (int i = 0; i < s.limit; i++)
        assert_true(seen[split_train[i]]);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_too_large_limit_names_both_numbers(void **state)
{
    cnn_source s = golden_source(*state);
    s.limit = 143;
    assert_bad(&s, "data set 'small': limit is 143, but there are 142 training images");
    s.limit = 0;
    s.test_limit = 62;
    assert_bad(&s, "test_limit is 62, but there are 61 test images");
    s.test_limit = -1;
    assert_bad(&s, "test_limit is -1");
    cnn_source_free(&s);
}

static void test_inspect_counts_what_load_gives(void **state)
{
    cnn_dataset d;
    cnn_source s = golden_source(*state);
    s.limit = SPLIT_LIMIT;
    assert_int_equal(cnn_dataset_inspect(&s, &d), CNN_OK);
    assert_int_equal(d.train.count, SPLIT_LIMIT);
    assert_int_equal(d.test.count, sizeof split_test / sizeof *split_test);
    assert_int_equal(d.classes, CLASSES);
    assert_null(d.test.images);
    free(d.found);
    cnn_source_free(&s);
}

static void test_another_seed_splits_otherwise(void **state)
{
    bool first[COUNT], second[COUNT];
    int32_t labels[COUNT];
    int n, differ = 0, common = 0;
    (void)state;
    for (int i = 0; i < COUNT; i++)
        labels[i] = i % CLASSES;
    assert_int_equal(cnn_split_stratified(1, 0.5, COUNT, labels, CLASSES, first, &n), CNN_OK);
    assert_int_equal(n, 102); /* 101.5, halves up */
    assert_int_equal(cnn_split_stratified(2, 0.5, COUNT, labels, CLASSES, second, &n), CNN_OK);
    for (int i = 0; i < COUNT; i++) {
        differ += first[i] != second[i];
        common += first[i] && second[i];
    }
    /* Independent halves differ in about 101 places and share about 51. */
    assert_in_range(differ, 70, 133);
    assert_in_range(common, 34, 67);
    assert_int_equal(cnn_split_stratified(1, 0.5, COUNT, labels, CLASSES, second, &n), CNN_OK);
    assert_memory_equal(first, second, sizeof first);
}

static void test_largest_remainders_get_the_rest(void **state)
{
    /* 10 images, classes of 5, 3, 2: T = 3, shares 1.5, 0.9, 0.6: quotas 1, 1, 1. With T = 5,
     * shares 2.5, 1.5, 1.0: the tie between classes 0 and 1 goes to class 0. */
    static const int32_t labels[] = {0, 1, 2, 0, 1, 2, 0, 1, 0, 0};
    static const int quotas[2][3] = {{1, 1, 1}, {3, 1, 1}};
    (void)state;
    for (int k = 0; k < 2; k++) {
        bool is_test[10];
        int sizes[3] = {0}, n;
        assert_int_equal(cnn_split_stratified(7, k ? 0.5 : 0.3, 10, labels, 3, is_test, &n),
                         CNN_OK);
        assert_int_equal(n, k ? 5 : 3);
        for (int i = 0; i < 10; i++)
            sizes[labels[i]] += is_test[i];
        assert_memory_equal(sizes, quotas[k], sizeof sizes);
    }
}

static void test_split_that_empties_a_part_is_refused(void **state)
{
    cnn_source s = golden_source(*state);
    s.test_fraction = 0.001;
    assert_bad(&s, "data set 'small': test_fraction 0.001 of 203 images leaves none for testing");
    s.test_fraction = 0.999;
    assert_bad(&s, "leaves none for training");
    s.test_fraction = 1;
    assert_bad(&s, "must be above 0 and below 1");
    s.test_fraction = 0;
    assert_bad(&s, "must be above 0 and below 1");
    cnn_source_free(&s);
}

static void test_real_idc_is_split_by_class(void **state)
{
    (void)state;
#ifdef CNN_SHARED_DATA
    int sizes[2] = {0};
    cnn_dataset *d, *again;
    cnn_source s = npy_source(CNN_SHARED_DATA, "idc/X.npy", "idc/Y.npy");
    s.test_fraction = 0.2;
    s.split_seed = SPLIT_SEED;
    d = load(&s);
    for (int i = 0; i < d->test.count; i++)
        sizes[d->test.labels[i]]++;
    assert_int_equal(d->train.count, 4438);
    /* 1109 * 2854 / 5547 = 570.59 and 1109 * 2693 / 5547 = 538.41 */
    assert_int_equal(sizes[0], 571);
    assert_int_equal(sizes[1], 538);
    s.split_seed++;
    again = load(&s);
    assert_true(d->checksum == again->checksum);
    assert_memory_not_equal(d->test.images, again->test.images, 50 * 50 * 3);
    cnn_dataset_destroy(&again);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
#else
    print_message("skipped: configured without CNN_SHARED_DATA\n");
    skip();
#endif
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_remove)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_split_agrees_with_the_script),
        IN_FOLDER(test_limits_agree_with_the_script),
        IN_FOLDER(test_smaller_limit_is_a_prefix),
        IN_FOLDER(test_limit_of_all_images_shuffles_all),
        IN_FOLDER(test_too_large_limit_names_both_numbers),
        IN_FOLDER(test_inspect_counts_what_load_gives),
        cmocka_unit_test(test_another_seed_splits_otherwise),
        cmocka_unit_test(test_largest_remainders_get_the_rest),
        IN_FOLDER(test_split_that_empties_a_part_is_refused),
        cmocka_unit_test(test_real_idc_is_split_by_class),
    };
    return cmocka_run_group_tests_name("data_split", tests, NULL, NULL);
}
