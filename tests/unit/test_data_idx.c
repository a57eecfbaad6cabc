/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files: what is read, and what hostile files do. */
#include "data_fixture.h"

#include "base/checksum.h"

#include <setjmp.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRAIN_IMAGES "train-images-idx3-ubyte"
#define TRAIN_LABELS "train-labels-idx1-ubyte"
#define TEST_IMAGES  "t10k-images-idx3-ubyte"
#define TEST_LABELS  "t10k-labels-idx1-ubyte"

enum { HEADER_IMAGES = 16, HEADER_LABELS = 8 };

static void test_load_reads_both_parts(void **state)
{
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    cnn_dataset *d = load(&s);
    assert_int_equal(d->height, 3);
    assert_int_equal(d->width, 2);
    assert_int_equal(d->channels, 1);
    assert_int_equal(d->classes, 3);
    assert_false(d->is_f32);
    assert_true(d->scale == 1.0 / 255);
    assert_int_equal(d->train.count, 6);
    assert_int_equal(d->test.count, 3);
    const unsigned char *pixels = d->train.images;
    uint64_t sum = CNN_CHECKSUM_START;
    for (int i = 0; i < 36; i++)
        assert_int_equal(pixels[i], (unsigned char)(i * 7));
    assert_int_equal(d->train.labels[2], 2);
    assert_int_equal(d->train.labels[5], 1);
    sum = cnn_checksum(sum, pixels, 36);
    sum = cnn_checksum(sum, (unsigned char[]){0, 1, 2, 0, 1, 1}, 6);
    sum = cnn_checksum(sum, pixels, 18);
    sum = cnn_checksum(sum, (unsigned char[]){0, 1, 2}, 3);
    assert_true(d->checksum == sum);
    assert_string_equal(d->found, *state);
    cnn_dataset_destroy(&d);
    assert_null(d);
    cnn_source_free(&s);
}

static void test_load_takes_zipped_and_plain_alike(void **state)
{
    static const char *const names[] = {TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS};
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    cnn_dataset *plain = load(&s);
    for (int i = 0; i < 4; i++) {
        size_t n;
        unsigned char *bytes = read_back(*state, names[i], &n);
        char *zipped = cnn_asprintf("%s.gz", names[i]);
        write_gz(*state, zipped, bytes, n);
        remove_file(*state, names[i]);
        cnn_dataset *d = load(&s); /* a mixture, until the last one */
        assert_true(d->checksum == plain->checksum);
        cnn_dataset_destroy(&d);
        free(zipped);
        free(bytes);
    }
    cnn_dataset_destroy(&plain);
    cnn_source_free(&s);
}

static void test_load_reads_four_dimensions(void **state)
{
    unsigned char file[256], pixels[72];
    for (int i = 0; i < 72; i++)
        pixels[i] = (unsigned char)i;
    write_small_idx(*state);
    size_t n = make_idx(file, 4, (uint32_t[]){6, 2, 2, 3}, pixels, 72);
    write_file(*state, TRAIN_IMAGES, file, n);
    cnn_source s = idx_source(*state);
    assert_bad(&s, "training images are 2 x 2 x 3, but test images 3 x 2 x 1");
    n = make_idx(file, 4, (uint32_t[]){3, 2, 2, 3}, pixels, 36);
    write_file(*state, TEST_IMAGES, file, n);
    cnn_dataset *d = load(&s);
    assert_int_equal(d->height, 2);
    assert_int_equal(d->width, 2);
    assert_int_equal(d->channels, 3);
    assert_memory_equal(d->train.images, pixels, 72);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_classes_count_labels_of_the_test_part(void **state)
{
    unsigned char file[64];
    write_small_idx(*state);
    size_t n = make_idx(file, 1, (uint32_t[]){3}, "\x00\x06\x01", 3);
    write_file(*state, TEST_LABELS, file, n);
    cnn_source s = idx_source(*state);
    cnn_dataset *d = load(&s);
    assert_int_equal(d->classes, 7);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_inspect_reads_headers_and_labels_only(void **state)
{
    size_t n;
    cnn_dataset d;
    write_small_idx(*state);
    unsigned char *bytes = read_back(*state, TRAIN_IMAGES, &n);
    write_gz(*state, TRAIN_IMAGES ".gz", bytes, n);
    remove_file(*state, TRAIN_IMAGES);
    cnn_source s = idx_source(*state);
    s.limit = 4;
    assert_int_equal(cnn_dataset_inspect(&s, &d), CNN_OK);
    assert_int_equal(d.height, 3);
    assert_int_equal(d.classes, 3);
    assert_int_equal(d.train.count, 4);
    assert_int_equal(d.test.count, 3);
    assert_null(d.train.images);
    assert_null(d.train.labels);
    assert_true(d.checksum == 0);
    assert_string_equal(d.found, *state);
    free(d.found);
    free(bytes);
    cnn_source_free(&s);
}

/** Every prefix of every file, plain and zipped, must be refused and its file named. */
static void check_prefixes(const char *folder, const char *name, bool zipped)
{
    size_t n;
    unsigned char *bytes = read_back(folder, name, &n);
    char *used = cnn_asprintf("%s%s", name, zipped ? ".gz" : "");
    if (zipped) {
        write_gz(folder, used, bytes, n);
        remove_file(folder, name);
        free(bytes);
        bytes = read_back(folder, used, &n);
    }
    cnn_source s = idx_source(folder);
    for (size_t length = 0; length < n; length++) {
        write_file(folder, used, bytes, length);
        assert_bad(&s, used);
    }
    write_file(folder, used, bytes, n);
    cnn_dataset *d = load(&s);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
    free(used);
    free(bytes);
}

static void test_every_prefix_is_refused(void **state)
{
    write_small_idx(*state);
    check_prefixes(*state, TRAIN_IMAGES, false);
    check_prefixes(*state, TEST_LABELS, false);
    check_prefixes(*state, TEST_IMAGES, true);
    check_prefixes(*state, TRAIN_LABELS, true);
}

static void test_every_changed_header_byte_is_refused(void **state)
{
    static const struct {
        const char *name;
        size_t header;
    } files[] = {{TRAIN_IMAGES, HEADER_IMAGES}, {TRAIN_LABELS, HEADER_LABELS}};
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    for (int f = 0; f < 2; f++) {
        size_t n;
        unsigned char *bytes = read_back(*state, files[f].name, &n);
        for (size_t i = 0; i < files[f].header; i++)
            for (int flip = 1; flip < 256; flip += 2 - (flip < 16)) {
                bytes[i] ^= (unsigned char)flip;
                write_file(*state, files[f].name, bytes, n);
                assert_bad(&s, files[f].name);
                bytes[i] ^= (unsigned char)flip;
            }
        write_file(*state, files[f].name, bytes, n);
        free(bytes);
    }
    cnn_source_free(&s);
}

static void test_changed_zipped_bytes_never_change_the_data(void **state)
{
    size_t n;
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    cnn_dataset *good = load(&s), *d = NULL;
    unsigned char *bytes = read_back(*state, TRAIN_IMAGES, &n);
    write_gz(*state, TRAIN_IMAGES ".gz", bytes, n);
    remove_file(*state, TRAIN_IMAGES);
    free(bytes);
    bytes = read_back(*state, TRAIN_IMAGES ".gz", &n);
    int refused = 0;
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            write_file(*state, TRAIN_IMAGES ".gz", bytes, n);
            cnn_status st = cnn_dataset_load(&s, &d);
            assert_true(st == CNN_EDATA || (st == CNN_OK && d->checksum == good->checksum));
            refused += st == CNN_EDATA;
            cnn_dataset_destroy(&d);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    /* Only time, flags' text bit and system of gzip's header, under 10 bytes, may change freely. */
    assert_true(refused >= (int)(n - 10) * 8);
    write_file(*state, TRAIN_IMAGES ".gz", bytes, n);
    bytes[n - 8] ^= 1; /* the checksum */
    write_file(*state, TRAIN_IMAGES ".gz", bytes, n);
    assert_bad(&s, "is corrupt: gzip says 'incorrect data check' at byte");
    cnn_dataset_destroy(&good);
    cnn_source_free(&s);
    free(bytes);
}

static bool is_refused(const void *source)
{
    cnn_dataset *d = NULL;
    return cnn_dataset_load(source, &d) == CNN_EDATA;
}

static void test_header_of_2_to_31_images_takes_no_memory(void **state)
{
    unsigned char file[64];
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    size_t n = make_idx(file, 3, (uint32_t[]){0x7fffffff, 28, 28}, "", 0);
    write_file(*state, TRAIN_IMAGES, file, n);
    assert_bad(&s, "the header promises 1683627179248 bytes of images from byte 16 on, the file "
                   "holds 0");
    assert_frugal(is_refused, &s, 4 << 20);
    remove_file(*state, TRAIN_IMAGES);
    write_gz(*state, TRAIN_IMAGES ".gz", file, n);
    assert_bad(&s, "more than a gzip file of");
    assert_frugal(is_refused, &s, 4 << 20);
    n = make_idx(file, 3, (uint32_t[]){0xffffffff, 1, 1}, "", 0);
    write_gz(*state, TRAIN_IMAGES ".gz", file, n);
    assert_bad(&s, "its header states an impossible number of images (4294967295 x 1 x 1)");
    n = make_idx(file, 3, (uint32_t[]){1, 0xffffffff, 0xffffffff}, "", 0);
    write_gz(*state, TRAIN_IMAGES ".gz", file, n);
    assert_bad(&s, "its header states an impossible size");
    n = make_idx(file, 4, (uint32_t[]){1, 0x80000000, 0x80000000, 4}, "", 0);
    write_gz(*state, TRAIN_IMAGES ".gz", file, n);
    assert_bad(&s, "its header states an impossible size");
    cnn_source_free(&s);
}

static void test_zipped_promise_grows_memory_with_the_data_only(void **state)
{
    enum { NOISE = 200000 };
    unsigned char *file = malloc(NOISE + 64), *noise = malloc(NOISE);
    assert_true(file && noise);
    uint32_t x = 1;
    for (int i = 0; i < NOISE; i++)
        noise[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
    write_small_idx(*state);
    remove_file(*state, TRAIN_IMAGES);
    cnn_source s = idx_source(*state);
    /* 150 MB are possible in a gzip file of 200 kB, but it holds 0.2 MB. */
    size_t n = make_idx(file, 3, (uint32_t[]){150, 1000, 1000}, noise, NOISE);
    write_gz(*state, TRAIN_IMAGES ".gz", file, n);
    assert_bad(&s, "is cut off: it ends at byte 200016, and");
    assert_frugal(is_refused, &s, 8 << 20);
    cnn_source_free(&s);
    free(noise);
    free(file);
}

static void test_trailing_bytes_are_refused(void **state)
{
    size_t n;
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    unsigned char *bytes = read_back(*state, TRAIN_IMAGES, &n);
    bytes = realloc(bytes, n + 100);
    memset(bytes + n, 0, 100);
    write_file(*state, TRAIN_IMAGES, bytes, n + 1);
    assert_bad(&s, "is too long by 1 bytes: by its header it should end at byte 52");
    remove_file(*state, TRAIN_IMAGES);
    write_gz(*state, TRAIN_IMAGES ".gz", bytes, n + 1);
    assert_bad(&s, "is too long: by its header it should end at byte 52");
    write_gz(*state, TRAIN_IMAGES ".gz", bytes, n);
    free(bytes);
    bytes = read_back(*state, TRAIN_IMAGES ".gz", &n);
    bytes = realloc(bytes, 2 * n);
    memset(bytes + n, 'x', n);
    write_file(*state, TRAIN_IMAGES ".gz", bytes, n + 3);
    assert_bad(&s, "has 3 bytes after the end of its gzip stream");
    memcpy(bytes + n, bytes, n); /* a second member is more data */
    write_file(*state, TRAIN_IMAGES ".gz", bytes, 2 * n);
    assert_bad(&s, "is too long");
    free(bytes);
    cnn_source_free(&s);
}

static void test_file_of_several_gzip_members_is_read(void **state)
{
    size_t n, first, second;
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    cnn_dataset *whole = load(&s);
    unsigned char *bytes = read_back(*state, TRAIN_IMAGES, &n), both[512];
    remove_file(*state, TRAIN_IMAGES);
    write_gz(*state, "first", bytes, 21);
    write_gz(*state, "second", bytes + 21, n - 21);
    unsigned char *a = read_back(*state, "first", &first);
    unsigned char *b = read_back(*state, "second", &second);
    memcpy(both, a, first);
    memcpy(both + first, b, second);
    write_file(*state, TRAIN_IMAGES ".gz", both, first + second);
    cnn_dataset *d = load(&s);
    assert_true(d->checksum == whole->checksum);
    cnn_dataset_destroy(&d);
    cnn_dataset_destroy(&whole);
    cnn_source_free(&s);
    free(a);
    free(b);
    free(bytes);
}

static void test_mismatched_files_are_refused(void **state)
{
    unsigned char file[256] = {0};
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    size_t n = make_idx(file, 1, (uint32_t[]){5}, "\0\1\2\0\1", 5);
    write_file(*state, TRAIN_LABELS, file, n);
    assert_bad(&s, TRAIN_IMAGES "' has 6 images, but '");
    assert_bad(&s, TRAIN_LABELS "' has 5 labels");
    write_file(*state, TRAIN_IMAGES, file, n);
    assert_bad(&s, "has 1 dimensions (byte 3), but a file of images has 3 or 4");
    write_small_idx(*state);
    n = make_idx(file, 3, (uint32_t[]){1, 1, 1}, "", 1);
    write_file(*state, TEST_LABELS, file, n);
    assert_bad(&s, "has 3 dimensions (byte 3), but a file of labels has 1");
    write_small_idx(*state);
    write_file(*state, TRAIN_IMAGES, "\x93NUMPY and so on", 16);
    assert_bad(&s, "is no IDX file: it starts with 93 4e, not with 00 00");
    write_file(*state, TRAIN_IMAGES, "\0\0\x0d\3", 4);
    assert_bad(&s, "holds elements of IDX type 0d (byte 2)");
    cnn_source_free(&s);
}

static void test_empty_data_is_refused(void **state)
{
    unsigned char file[64];
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    size_t n = make_idx(file, 3, (uint32_t[]){0, 28, 28}, "", 0);
    write_file(*state, TRAIN_IMAGES, file, n);
    assert_bad(&s, TRAIN_IMAGES "' is empty: its header says 0 x 28 x 28");
    n = make_idx(file, 3, (uint32_t[]){6, 28, 0}, "", 0);
    write_file(*state, TRAIN_IMAGES, file, n);
    assert_bad(&s, TRAIN_IMAGES "' is empty: its header says 6 x 28 x 0");
    write_small_idx(*state);
    n = make_idx(file, 1, (uint32_t[]){0}, "", 0);
    write_file(*state, TEST_LABELS, file, n);
    assert_bad(&s, "is empty: its header says 0 labels");
    n = make_idx(file, 1, (uint32_t[]){3}, "\0\0", 3);
    write_file(*state, TEST_LABELS, file, n);
    n = make_idx(file, 1, (uint32_t[]){6}, "\0\0\0\0\0", 6);
    write_file(*state, TRAIN_LABELS, file, n);
    assert_bad(&s, "one class alone (all 9 labels are 0)");
    cnn_source_free(&s);
}

static void test_what_is_no_file_is_refused(void **state)
{
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    remove_file(*state, TEST_LABELS);
    assert_bad(&s, "holds neither " TEST_LABELS " nor " TEST_LABELS ".gz");
    char *path = cnn_asprintf("%s/" TEST_LABELS, (char *)*state);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_bad(&s, "holds neither " TEST_LABELS);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_bad(&s, "is not a regular file"); /* and does not wait for a writer */
    free(path);
    cnn_source_free(&s);
}

/** Moves the four small files to other names and loads them. */
static void assert_found_as(const char *folder, const char *const *names)
{
    static const char *const own[] = {TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS};
    write_small_idx(folder);
    cnn_source s = idx_source(folder);
    cnn_dataset *before = load(&s);
    for (int i = 0; i < 4; i++) {
        size_t n;
        unsigned char *bytes = read_back(folder, own[i], &n);
        remove_file(folder, own[i]);
        write_file(folder, names[i], bytes, n);
        free(bytes);
    }
    cnn_dataset *after = load(&s);
    assert_true(before->checksum == after->checksum);
    cnn_dataset_destroy(&before);
    cnn_dataset_destroy(&after);
    for (int i = 0; i < 4; i++)
        remove_file(folder, names[i]);
    cnn_source_free(&s);
}

static void test_other_common_names_are_found(void **state)
{
    assert_found_as(*state, (const char *[]){"train-images.idx3-ubyte", "train-labels.idx1-ubyte",
                                             "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"});
    assert_found_as(*state, (const char *[]){"emnist-letters-train-images-idx3-ubyte",
                                             "emnist-letters-train-labels-idx1-ubyte",
                                             "emnist-letters-test-images-idx3-ubyte",
                                             "emnist-letters-test-labels-idx1-ubyte"});
    for (int i = 0; i < 4; i++) { /* as Kaggle packs them: a folder each */
        static const char *const own[] = {TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS};
        char *path = cnn_asprintf("%s/%s", (char *)*state, own[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        free(path);
    }
    static const char *const one_each[] = {
        TRAIN_IMAGES "/" TRAIN_IMAGES, TRAIN_LABELS "/" TRAIN_LABELS, TEST_IMAGES "/" TEST_IMAGES,
        TEST_LABELS "/" TEST_LABELS};
    size_t n;
    char *inner = cnn_asprintf("%s/inner", (char *)*state);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_small_idx(inner);
    cnn_source s = idx_source(inner), outer = idx_source(*state);
    cnn_dataset *before = load(&s);
    static const char *const own[] = {TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS};
    for (int i = 0; i < 4; i++) {
        unsigned char *bytes = read_back(inner, own[i], &n);
        write_file(*state, one_each[i], bytes, n);
        free(bytes);
    }
    cnn_dataset *after = load(&outer);
    assert_true(before->checksum == after->checksum);
    cnn_dataset_destroy(&before);
    cnn_dataset_destroy(&after);
    cnn_source_free(&s);
    cnn_source_free(&outer);
    free(inner);
}

static void test_two_data_sets_in_a_folder_are_told_apart(void **state)
{
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    size_t n;
    unsigned char *bytes = read_back(*state, TRAIN_IMAGES, &n);
    remove_file(*state, TRAIN_IMAGES);
    write_file(*state, "emnist-mnist-train-images-idx3-ubyte", bytes, n);
    write_gz(*state, "emnist-mnist-train-images-idx3-ubyte.gz", bytes,
             n); /* its twin is no other */
    cnn_dataset *d = load(&s);
    cnn_dataset_destroy(&d);
    write_file(*state, "emnist-letters-train-images-idx3-ubyte", bytes, n);
    assert_bad(&s, "put each data set into a folder of its own");
    free(bytes);
    cnn_source_free(&s);
}

static void test_what_downloads_leave_is_named(void **state)
{
    static const char page[] = "<!doctype HTML><html><body>sign in</body></html>";
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n";
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    write_file(*state, TRAIN_IMAGES, page, sizeof page - 1);
    assert_bad(&s, "is a page of HTML");
    write_file(*state, TRAIN_IMAGES, pointer, sizeof pointer - 1);
    assert_bad(&s, "is a pointer of Git LFS");
    cnn_source_free(&s);
}

static void test_every_class_but_one_missing_is_refused(void **state)
{
    unsigned char file[128];
    write_small_idx(*state);
    cnn_source s = idx_source(*state);
    size_t n = make_idx(file, 1, (uint32_t[]){3}, "\2\2\2", 3);
    write_file(*state, TEST_LABELS, file, n);
    n = make_idx(file, 1, (uint32_t[]){6}, "\2\2\2\2\2\2", 6);
    write_file(*state, TRAIN_LABELS, file, n);
    assert_bad(&s, "one class alone (all 9 labels are 2)");
    cnn_source_free(&s);
}

/** Loads a real set of 60,000 and 10,000 images and checks the sizes of its classes. */
static void check_real(const char *folder, const int *train, const int *test)
{
    int sizes[2][10] = {{0}};
    cnn_source s = idx_source(folder);
    cnn_dataset *d = load(&s);
    assert_int_equal(d->height, 28);
    assert_int_equal(d->width, 28);
    assert_int_equal(d->channels, 1);
    assert_int_equal(d->classes, 10);
    assert_int_equal(d->train.count, 60000);
    assert_int_equal(d->test.count, 10000);
    for (int i = 0; i < 60000; i++)
        sizes[0][d->train.labels[i]]++;
    for (int i = 0; i < 10000; i++)
        sizes[1][d->test.labels[i]]++;
    assert_memory_equal(sizes[0], train, sizeof sizes[0]);
    assert_memory_equal(sizes[1], test, sizeof sizes[1]);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_real_fashion_mnist(void **state)
{
    static const char folder[] = "/usr/share/datasets/fashion-mnist";
    static const int train[] = {6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000};
    static const int test[] = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000};
    (void)state;
    if (access(folder, F_OK) != 0) {
        print_message("skipped: Debian's dataset-fashion-mnist is not installed\n");
        skip();
    }
    check_real(folder, train, test);
}

static void test_real_mnist(void **state)
{
    (void)state;
#ifdef CNN_SHARED_DATA
    /* zcat FILE | tail -c +9 | od -An -v -tu1 -w1 | sort -n | uniq -c */
    static const int train[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    static const int test[] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    check_real(CNN_SHARED_DATA "/mnist", train, test);
#else
    print_message("skipped: configured without CNN_SHARED_DATA\n");
    skip();
#endif
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_folder, fixture_remove)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_load_reads_both_parts),
        IN_FOLDER(test_load_takes_zipped_and_plain_alike),
        IN_FOLDER(test_load_reads_four_dimensions),
        IN_FOLDER(test_classes_count_labels_of_the_test_part),
        IN_FOLDER(test_inspect_reads_headers_and_labels_only),
        IN_FOLDER(test_every_prefix_is_refused),
        IN_FOLDER(test_every_changed_header_byte_is_refused),
        IN_FOLDER(test_changed_zipped_bytes_never_change_the_data),
        IN_FOLDER(test_header_of_2_to_31_images_takes_no_memory),
        IN_FOLDER(test_zipped_promise_grows_memory_with_the_data_only),
        IN_FOLDER(test_trailing_bytes_are_refused),
        IN_FOLDER(test_file_of_several_gzip_members_is_read),
        IN_FOLDER(test_mismatched_files_are_refused),
        IN_FOLDER(test_empty_data_is_refused),
        IN_FOLDER(test_what_is_no_file_is_refused),
        IN_FOLDER(test_other_common_names_are_found),
        IN_FOLDER(test_two_data_sets_in_a_folder_are_told_apart),
        IN_FOLDER(test_what_downloads_leave_is_named),
        IN_FOLDER(test_every_class_but_one_missing_is_refused),
        cmocka_unit_test(test_real_fashion_mnist),
        cmocka_unit_test(test_real_mnist),
    };
    return cmocka_run_group_tests_name("data_idx", tests, NULL, NULL);
}
