/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering batches and shuffling, and the feed over both. */
#include "base/philox.h"
#include "nn/feed.h"
#include "reference.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 23, BATCH = 8, TAIL = 7 };
static const cnn_shape shapes[] = {{28, 28, 1}, {50, 50, 3}, {3, 5, 7}, {1, 1, 1}};

typedef struct {
    uint8_t *u8;
    float *f32;
    int32_t labels[COUNT];
} images;

static images make_images(cnn_shape shape)
{
    size_t size = COUNT * (size_t)cnn_shape_size(shape);
    images m = {.u8 = calloc(size, 1), .f32 = calloc(size, sizeof(float))};
    assert_true(m.u8 && m.f32);
    for (size_t i = 0; i < size; i++) {
        m.u8[i] = (uint8_t)(cnn_random_word(1, CNN_RANDOM_SYNTHETIC, 0, i) & 255);
        m.f32[i] = (float)m.u8[i] / 16 - 8;
    }
    for (int i = 0; i < COUNT; i++)
        m.labels[i] = i * 3 % 10;
    return m;
}

/* One batch of a feed against the images that the order names. */
static void check_batch(rig *r, const cnn_feed *feed, const images *m, const int32_t *order,
                        int64_t b)
{
    size_t pixels = (size_t)cnn_shape_size(feed->shape);
    int n = 0, expected_n = b == COUNT / BATCH ? TAIL : BATCH;
    double *x = rig_zeros(r, BATCH * pixels);
    float *dev_x = rig_garbage(r, BATCH * pixels);
    int32_t *dev_y = rig_upload_int(r, (const int32_t[BATCH]){0}, BATCH), y[BATCH];
    OK(cnn_feed_batch(feed, BATCH, b, dev_x, dev_y, &n));
    assert_int_equal(n, expected_n);
    OK(cnn_ops_sync(r->ops));
    OK(cnn_ops_download(r->ops, y, dev_y, sizeof y));
    for (int i = 0; i < n; i++) {
        int32_t image = order[b * BATCH + i];
        assert_int_equal(y[i], m->labels[image]);
        for (size_t p = 0; p < pixels; p++) {
            size_t from = (size_t)image * pixels + p;
            x[(size_t)i * pixels + p] =
                feed->pixel == CNN_PIXEL_U8 ? m->u8[from] / 255.0 : (double)m->f32[from];
        }
    }
    rig_compare(r, "x", x, dev_x, (size_t)n * pixels, 1.2e-7); /* one rounding or two */
}

static void check_feed(cnn_shape shape, cnn_pixel pixel)
{
    rig r;
    cnn_feed *feed = NULL;
    int32_t order[COUNT];
    images m = make_images(shape);
    rig_open(&r, BATCH, TAIL);
    snprintf(r.context, sizeof r.context, "%dx%dx%d, %s", shape.h, shape.w, shape.c,
             pixel == CNN_PIXEL_U8 ? "u8" : "f32");
    OK(cnn_feed_create(r.ops, shape, COUNT, pixel, pixel == CNN_PIXEL_U8 ? 1 / 255.0 : 1,
                       pixel == CNN_PIXEL_U8 ? (void *)m.u8 : (void *)m.f32, m.labels, &feed));
    assert_int_equal(cnn_feed_batches(feed, BATCH), 3);
    for (int i = 0; i < COUNT; i++)
        order[i] = i;
    for (int64_t b = 0; b < 3; b++)
        check_batch(&r, feed, &m, order, b);
    OK(cnn_feed_shuffle(feed, 42, 7));
    OK(cnn_random_order(42, CNN_RANDOM_SHUFFLE, 7, COUNT, order));
    for (int64_t b = 0; b < 3; b++)
        check_batch(&r, feed, &m, order, b);
    cnn_feed_destroy(&feed);
    assert_null(feed);
    free(m.u8);
    free(m.f32);
    rig_close(&r);
}

static void test_batches_hold_the_images_of_the_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_feed(shapes[i], CNN_PIXEL_U8);
        check_feed(shapes[i], CNN_PIXEL_F32);
    }
}

static void test_batches_beyond_the_end_are_refused(void **state)
{
    (void)state;
    rig r;
    cnn_feed *feed = NULL;
    int n;
    images m = make_images(shapes[3]);
    rig_open(&r, BATCH, TAIL);
    OK(cnn_feed_create(r.ops, shapes[3], COUNT, CNN_PIXEL_F32, 1, m.f32, m.labels, &feed));
    float *x = rig_garbage(&r, BATCH);
    int32_t *y = rig_upload_int(&r, (const int32_t[BATCH]){0}, BATCH);
    assert_int_equal(cnn_feed_batch(feed, BATCH, 3, x, y, &n), CNN_EINVAL);
    assert_int_equal(cnn_feed_batch(feed, BATCH, -1, x, y, &n), CNN_EINVAL);
    cnn_feed_destroy(&feed);
    free(m.u8);
    free(m.f32);
    rig_close(&r);
}

static void test_shuffle_equals_random_order(void **state)
{
    (void)state;
    const int counts[] = {1, 2, 33, 1000, 60000};
    rig r;
    rig_open(&r, 1, 0);
    for (uint32_t i = 0; i < 5; i++) {
        size_t n = (size_t)counts[i];
        int32_t *expected = calloc(2 * n, sizeof *expected), *actual = expected + n;
        assert_non_null(expected);
        int32_t *order = rig_upload_int(&r, expected, n);
        OK(cnn_batch_shuffle(r.ops, 0x100000002u, i, counts[i], order));
        OK(cnn_ops_sync(r.ops));
        OK(cnn_ops_download(r.ops, actual, order, n * sizeof *actual));
        OK(cnn_random_order(0x100000002u, CNN_RANDOM_SHUFFLE, i, counts[i], expected));
        assert_memory_equal(actual, expected, n * sizeof *actual);
        free(expected);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_hold_the_images_of_the_order),
        cmocka_unit_test(test_batches_beyond_the_end_are_refused),
        cmocka_unit_test(test_shuffle_equals_random_order),
    };
    return cmocka_run_group_tests_name("ops: data", tests, NULL, NULL);
}
