/* SPDX-License-Identifier: Apache-2.0 */
/* NPY files: those of NumPy itself (tests/golden/data_golden.py), and hostile ones. */
#include "data_fixture.h"

#include "../golden/data_golden.h"

#include <setjmp.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WRITE(folder, name, bytes) write_file(folder, name, bytes, sizeof bytes)

/** The data set of two files, whose six images are split in halves. */
static cnn_source written(const char *folder, const unsigned char *images, size_t image_size,
                          const unsigned char *labels, size_t label_size)
{
    write_file(folder, "X.npy", images, image_size);
    write_file(folder, "Y.npy", labels, label_size);
    return npy_source(folder, "X.npy", "Y.npy");
}
#define WRITTEN(images, labels) written(*state, images, sizeof images, labels, sizeof labels)

static void check_good(cnn_source s, int channels, bool is_f32)
{
    cnn_dataset *d = load(&s);
    assert_int_equal(d->height, 3);
    assert_int_equal(d->width, 2);
    assert_int_equal(d->channels, channels);
    assert_int_equal(d->classes, 3);
    assert_int_equal(d->is_f32, is_f32);
    assert_int_equal(d->train.count, 3);
    assert_int_equal(d->test.count, 3);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_load_reads_what_numpy_saves(void **state)
{
    check_good(WRITTEN(npy_images_u1, npy_labels_u1), 2, false);
    check_good(WRITTEN(npy_images_u1, npy_labels_i4), 2, false);
    check_good(WRITTEN(npy_images_u1, npy_labels_i8), 2, false);
    check_good(WRITTEN(npy_images_u1_v2, npy_labels_i8), 2, false);
    check_good(WRITTEN(npy_images_u1_v3, npy_labels_i8), 2, false);
    check_good(WRITTEN(npy_images_u1_flat, npy_labels_i8), 1, false);
    check_good(WRITTEN(npy_images_f4, npy_labels_i8), 2, true);
}

static void test_pixels_labels_and_checksum_are_those_of_numpy(void **state)
{
    cnn_source bytes = WRITTEN(npy_images_u1, npy_labels_i8);
    cnn_dataset *u1 = load(&bytes);
    assert_true(u1->checksum == npy_checksum);
    cnn_source reals = WRITTEN(npy_images_f4, npy_labels_i8);
    cnn_dataset *f4 = load(&reals);
    assert_true(u1->scale == 1.0 / 255);
    assert_true(f4->scale == 1.0);
    const unsigned char *a = u1->train.images;
    const float *b = f4->train.images;
    for (int i = 0; i < 3; i++) {
        /* Image n starts at element 12 n, which the script made 36 n modulo 251. */
        int n = a[i * 12] / 36;
        assert_int_equal(u1->train.labels[i], n % 3);
        for (int k = 0; k < 12; k++) {
            assert_int_equal(a[i * 12 + k], (n * 12 + k) * 3 % 251);
            assert_true(b[i * 12 + k] == (float)a[i * 12 + k] / 255.0f);
        }
    }
    cnn_dataset_destroy(&u1);
    cnn_dataset_destroy(&f4);
    cnn_source_free(&bytes);
    cnn_source_free(&reals);
}

static void check_bad(cnn_source s, const char *part)
{
    cnn_dataset d;
    assert_bad(&s, part);
    assert_int_equal(cnn_dataset_inspect(&s, &d), CNN_EDATA);
    cnn_source_free(&s);
}

static void test_wrong_types_say_how_to_convert(void **state)
{
    check_bad(WRITTEN(npy_images_f4_big, npy_labels_i8), "'>f4', big-endian");
    check_bad(WRITTEN(npy_images_f4_big, npy_labels_i8), "numpy.load(path).astype('<f4'))");
    check_bad(WRITTEN(npy_images_f8, npy_labels_i8), "elements of type '<f8'");
    check_bad(WRITTEN(npy_images_f8, npy_labels_i8), ".astype('<f4')");
    check_bad(WRITTEN(npy_images_fortran, npy_labels_i8), "numpy.ascontiguousarray(");
    check_bad(WRITTEN(npy_images_records, npy_labels_i8), "holds records");
    check_bad(WRITTEN(npy_images_rank5, npy_labels_i8), "more than 4 dimensions");
    check_bad(WRITTEN(npy_labels_u1, npy_labels_i8), "has 1 dimensions; images are");
    check_bad(WRITTEN(npy_images_u1, npy_labels_i8_big), ".astype('<i8')");
    check_bad(WRITTEN(npy_images_u1, npy_labels_i2), "labels may be u1, i4 or i8");
    check_bad(WRITTEN(npy_images_u1, npy_labels_bool), "'|b1'");
    check_bad(WRITTEN(npy_images_u1, npy_labels_column), ".reshape(-1)");
}

static void test_wrong_labels_are_named(void **state)
{
    check_bad(WRITTEN(npy_images_u1, npy_labels_negative), "label 3 (byte 152) is -1");
    check_bad(WRITTEN(npy_images_u1, npy_labels_huge), "label 4 (byte 160) is 1099511627776");
    check_bad(WRITTEN(npy_images_u1, npy_labels_five), "Y.npy' has 5 labels");
    check_bad(WRITTEN(npy_images_u1, npy_labels_none), "Y.npy' is empty");
    check_bad(WRITTEN(npy_images_u1, npy_images_u1), "Y.npy' has 4 dimensions");
}

/** Writes a u1 NPY file of [n,a,b,c] whose bytes count up. */
static void write_u1_npy(const char *folder, const char *name, int n, int a, int b, int c)
{
    enum { HEADER = 128 };
    unsigned char file[HEADER + 4096];
    char text[HEADER];
    const size_t bytes = (size_t)n * (size_t)a * (size_t)b * (size_t)c;
    assert_true(bytes <= 4096);
    memset(file, ' ', HEADER);
    memcpy(file, "\x93NUMPY\x01\x00\x76\x00", 10);
    const int length = snprintf(
        text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }",
        n, a, b, c);
    memcpy(file + 10, text, (size_t)length);
    file[HEADER - 1] = '\n';
    for (size_t i = 0; i < bytes; i++)
        file[HEADER + i] = (unsigned char)(i % 251);
    write_file(folder, name, file, HEADER + bytes);
}

static void test_channels_first_is_not_guessed(void **state)
{
    cnn_source s = WRITTEN(npy_images_u1, npy_labels_i8); /* labels of six images */
    write_u1_npy(*state, "X.npy", 6, 3, 5, 7);
    assert_bad(&s, "looks like channels first: [6,3,5,7] would be images of 3 x 5 pixels with 7 "
                   "channels");
    assert_contains(cnn_error_message(), "transpose(0, 2, 3, 1)");
    assert_contains(cnn_error_message(), "layout: nchw");
    cnn_dataset inspected;
    assert_int_equal(cnn_dataset_inspect(&s, &inspected), CNN_EDATA);

    s.layout = CNN_LAYOUT_NHWC;
    cnn_dataset *d = load(&s);
    assert_true(d->height == 3 && d->width == 5 && d->channels == 7);
    cnn_dataset_destroy(&d);

    s.layout = CNN_LAYOUT_NCHW;
    assert_int_equal(cnn_dataset_inspect(&s, &inspected), CNN_OK);
    assert_true(inspected.height == 5 && inspected.width == 7 && inspected.channels == 3);
    free(inspected.found);
    d = load(&s);
    assert_true(d->height == 5 && d->width == 7 && d->channels == 3);
    const unsigned char *pixels = d->train.images;
    for (int i = 0; i < d->train.count; i++) {
        const unsigned char *image = pixels + i * 105;
        const int first = image[0]; /* of channel 0 of the image, which the file counts up from */
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 7; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(image[(y * 7 + x) * 3 + c],
                                     (first + c * 35 + y * 7 + x) % 251);
    }
    cnn_dataset_destroy(&d);
    s.layout = CNN_LAYOUT_UNSTATED;
    write_u1_npy(*state, "X.npy", 6, 3, 3, 4); /* plausible as it is */
    d = load(&s);
    assert_int_equal(d->channels, 4);
    cnn_dataset_destroy(&d);
    cnn_source_free(&s);
}

static void test_archives_of_arrays_are_named(void **state)
{
    cnn_source s = WRITTEN(npy_images_u1, npy_labels_i8);
    write_file(*state, "X.npy", "PK\x03\x04 and so on", 14);
    assert_bad(&s, "is an archive of arrays (NPZ)");
    cnn_source_free(&s);
}

static void test_f4_must_lie_in_0_to_1(void **state)
{
    static const struct {
        float value;
        const char *message;
    } cases[] = {
        {NAN, "element 2 is nan, not a finite number"},
        {INFINITY, "element 2 is inf, not a finite number"},
        {-0.25f, "element 2 is -0.25; pixels must not be negative"},
        {1.5f, "set `scale: 255`"},
    };
    cnn_source s = WRITTEN(npy_images_f4_255, npy_labels_i8);
    assert_bad(&s, "set `scale: 255`");
    s.scale = 255;
    cnn_dataset *d = load(&s);
    assert_true(d->scale == 1.0 / 255);
    cnn_dataset_destroy(&d);
    s.scale = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[sizeof npy_images_f4];
        memcpy(bytes, npy_images_f4, sizeof bytes);
        memcpy(bytes + 128 + 8, &cases[i].value, 4);
        WRITE(*state, "X.npy", bytes);
        assert_bad(&s, cases[i].message);
    }
    WRITE(*state, "X.npy", npy_images_u1);
    s.scale = 100; /* bytes likewise: 255 / 100 is not in 0..1 */
    assert_bad(&s, "scale, which is 100");
    cnn_source_free(&s);
}

static void test_every_prefix_is_refused(void **state)
{
    cnn_source s = WRITTEN(npy_images_u1, npy_labels_i8);
    for (size_t n = 0; n < sizeof npy_images_u1; n++) {
        write_file(*state, "X.npy", npy_images_u1, n);
        assert_bad(&s, "X.npy'");
    }
    for (size_t n = 0; n < sizeof npy_images_u1_v2; n++) {
        write_file(*state, "X.npy", npy_images_u1_v2, n);
        assert_bad(&s, "X.npy'");
    }
    WRITE(*state, "X.npy", npy_images_u1);
    for (size_t n = 0; n < sizeof npy_labels_i8; n++) {
        write_file(*state, "Y.npy", npy_labels_i8, n);
        assert_bad(&s, "Y.npy'");
    }
    cnn_source_free(&s);
}

static void test_trailing_bytes_are_refused(void **state)
{
    unsigned char bytes[sizeof npy_images_u1 + 1] = {0};
    memcpy(bytes, npy_images_u1, sizeof npy_images_u1);
    check_bad(WRITTEN(bytes, npy_labels_i8), "X.npy' is too long by 1 bytes");
}

/** Random changes of header bytes: refused, or without effect on what is read. */
static void test_changed_headers_never_change_the_data(void **state)
{
    enum { HEADER = 128, ROUNDS = 4000 };
    unsigned char bytes[sizeof npy_images_u1];
    cnn_source s = WRITTEN(npy_images_u1, npy_labels_i8);
    cnn_dataset *d = NULL;
    uint32_t x = 12345;
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(bytes, npy_images_u1, sizeof bytes);
        for (int k = 0; k <= round % 3; k++) {
            x = x * 1664525 + 1013904223;
            bytes[(x >> 8) % HEADER] = (unsigned char)(x >> 24);
        }
        WRITE(*state, "X.npy", bytes);
        cnn_status st = cnn_dataset_load(&s, &d);
        assert_true(st == CNN_EDATA || (st == CNN_OK && d->checksum == npy_checksum));
        refused += st == CNN_EDATA;
        cnn_dataset_destroy(&d);
    }
    assert_true(refused > ROUNDS * 9 / 10);
    cnn_source_free(&s);
}

/** Writes a version 1 file with this dictionary and n bytes of zeros. */
static void write_npy(const char *folder, const char *dictionary, size_t n)
{
    unsigned char file[512] = "\x93NUMPY\x01\x00";
    size_t length = strlen(dictionary);
    file[8] = (unsigned char)length;
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, dictionary, length);
    write_file(folder, "X.npy", file, 10 + length + n);
}

static void test_malformed_dictionaries_are_refused(void **state)
{
    static const struct {
        const char *dictionary, *message;
    } cases[] = {
        {"", "at byte 10: expected '{'"},
        {"{}", "expected 'descr', 'fortran_order' and 'shape' before this"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 3, 2)", "expected ',' or '}'"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 3, 2", "expected ',' or ')'"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-6, 3, 2)}", "expected a size"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': 6}", "the shape in parentheses"},
        {"{'descr': '|u1', 'fortran_order': 0, 'shape': (6, 3, 2)}", "True or False"},
        {"{'descr': '|u1 and much more than that', 'fortran_order': False}", "a short quoted"},
        {"{'descr': u1}", "expected a quoted string"},
        {"{'descr': '|u1', 'shape': (6, 3, 2)}", "and 'shape' before this"},
        {"{'color': 'red'}", "expected 'descr', 'fortran_order' or 'shape' before this"},
        {"{'descr': '', 'fortran_order': False, 'shape': (6, 3, 2)}", "elements of type ''"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 3, 2)} x", "but white space"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "has 0 dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3, 2)}", "is empty"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (36893488147419103232, 1, 1)}",
         "a size below 2^64"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2)}",
         "its header states an impossible size"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 65536, 32767)}",
         "cut off or its header is wrong"},
    };
    cnn_source s = WRITTEN(npy_images_u1, npy_labels_i8);
    write_npy(*state, "{\"shape\":(6,3,2),\"fortran_order\":False,\"descr\":\"<u1\"}", 36);
    cnn_dataset *d = load(&s); /* other writers' style */
    cnn_dataset_destroy(&d);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_npy(*state, cases[i].dictionary, 0);
        assert_bad(&s, cases[i].message);
    }
    write_file(*state, "X.npy", "\x93NUMPY\x04\x00", 8);
    assert_bad(&s, "has NPY version 4.0 (byte 6)");
    write_file(*state, "X.npy", "\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12);
    assert_bad(&s, "an NPY header of 2147483647 bytes");
    cnn_source_free(&s);
}

static bool is_refused(const void *source)
{
    cnn_dataset *d = NULL;
    return cnn_dataset_load(source, &d) == CNN_EDATA;
}

static void test_huge_shapes_take_no_memory(void **state)
{
    cnn_source s = WRITTEN(npy_images_u1, npy_labels_i8);
    write_npy(*state, "{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 50, 50, 3)}",
              0);
    assert_frugal(is_refused, &s, 4 << 20);
    cnn_source_free(&s);
}

static void test_real_idc(void **state)
{
    (void)state;
#ifdef CNN_SHARED_DATA
    int sizes[2] = {0};
    cnn_source s = npy_source(CNN_SHARED_DATA, "idc/X.npy", "idc/Y.npy");
    s.test_fraction = 0.2;
    cnn_dataset *d = load(&s);
    assert_int_equal(d->height, 50);
    assert_int_equal(d->width, 50);
    assert_int_equal(d->channels, 3);
    assert_int_equal(d->classes, 2);
    assert_int_equal(d->train.count, 4438);
    assert_int_equal(d->test.count, 1109);
    for (int i = 0; i < d->train.count; i++)
        sizes[d->train.labels[i]]++;
    for (int i = 0; i < d->test.count; i++)
        sizes[d->test.labels[i]]++;
    assert_int_equal(sizes[0], 2854);
    assert_int_equal(sizes[1], 2693);
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
        IN_FOLDER(test_load_reads_what_numpy_saves),
        IN_FOLDER(test_pixels_labels_and_checksum_are_those_of_numpy),
        IN_FOLDER(test_wrong_types_say_how_to_convert),
        IN_FOLDER(test_wrong_labels_are_named),
        IN_FOLDER(test_channels_first_is_not_guessed),
        IN_FOLDER(test_archives_of_arrays_are_named),
        IN_FOLDER(test_f4_must_lie_in_0_to_1),
        IN_FOLDER(test_every_prefix_is_refused),
        IN_FOLDER(test_trailing_bytes_are_refused),
        IN_FOLDER(test_changed_headers_never_change_the_data),
        IN_FOLDER(test_malformed_dictionaries_are_refused),
        IN_FOLDER(test_huge_shapes_take_no_memory),
        cmocka_unit_test(test_real_idc),
    };
    return cmocka_run_group_tests_name("data_npy", tests, NULL, NULL);
}
