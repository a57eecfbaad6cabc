/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU backend's own kernels of a first convolution with its pool, which read the batch where
 * the data set has it, against the reference. */
#include "gpu/convolution/problem.h"
#include "gpu/device/internal.h"
#include "reference.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int n, h, w, c, filters;
    bool is_u8, relu, ordered;
} case_shape;

/* The study's, one image, odd sizes that windows hang over, as many filters as there may be; a
 * batch as it lies in memory. */
static const case_shape cases[] = {
    {5, 28, 28, 1, 16, true, true, true},  {2, 50, 50, 3, 16, true, true, true},
    {3, 13, 11, 3, 5, true, false, true},  {1, 7, 9, 1, 40, true, true, true},
    {3, 13, 11, 1, 6, false, true, true},  {2, 9, 8, 3, 4, false, false, true},
    {4, 10, 10, 3, 4, false, true, false},
};

enum { BEFORE = 2, AFTER = 1 };

/* A data set's pixels [count, pixels], and the batch's f64 [n, pixels] as they should be seen. */
static cnn_gpu_images make_images(rig *r, const case_shape *c, double *x)
{
    const size_t pixels = (size_t)c->h * (size_t)c->w * (size_t)c->c;
    const int count = c->ordered ? BEFORE + c->n + AFTER : c->n;
    const size_t size = (size_t)count * pixels;
    double *all = rig_random(r, 1, size, 0, 1);
    uint8_t *bytes = (uint8_t *)rig_zeros(r, size);
    int32_t *order = (int32_t *)rig_zeros(r, (size_t)count);
    const int64_t first = BEFORE;
    cnn_gpu_images images = {.is_u8 = c->is_u8, .scale = c->is_u8 ? 1.0f / 255 : 0.5f};
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(all[i] * 256);
    for (int i = 0; i < count; i++)
        order[i] = count - 1 - i;
    for (int i = 0; i < c->n; i++)
        for (size_t k = 0; k < pixels; k++) {
            const size_t from = (size_t)(c->ordered ? order[BEFORE + i] : i) * pixels + k;
            x[(size_t)i * pixels + k] = (c->is_u8 ? bytes[from] : all[from]) * (double)images.scale;
        }
    float *to = c->is_u8 ? rig_garbage(r, size / 4 + 1) : rig_upload(r, all, size);
    if (c->is_u8)
        OK(cnn_ops_upload(r->ops, to, bytes, size));
    images.pixels = to;
    if (c->ordered) {
        int64_t *place = (int64_t *)rig_garbage(r, 2);
        OK(cnn_ops_upload(r->ops, place, &first, sizeof first));
        images.batch = (cnn_gpu_batch){rig_upload_int(r, order, (size_t)count), place};
    }
    return images;
}

/* [O, I, 5, 5] to [O, 5, 5, I]. */
static void pack(const cnn_layer *l, const double *oihw, double *ohwi)
{
    const int k = l->kernel, c = l->in.c;
    for (int o = 0; o < l->out.c; o++)
        for (int i = 0; i < c; i++)
            for (int p = 0; p < k * k; p++)
                ohwi[(o * k * k + p) * c + i] = oihw[(o * c + i) * k * k + p];
}

/* The reference's way through a maximum, as a mask says it: gradients of the pool's input. */
static void unpool(const cnn_layer *pool, int n, const double *dy, const double *y, bool relu,
                   const int32_t *argmax, double *dz)
{
    const size_t size = (size_t)n * (size_t)cnn_shape_size(pool->out);
    double *masked = ref_alloc(size, sizeof *masked);
    for (size_t i = 0; i < size; i++)
        masked[i] = relu && !(y[i] > 0) ? 0 : dy[i];
    ref_pool_backward(pool, n, argmax, masked, dz);
    free(masked);
}

static void check_case(const case_shape *c)
{
    rig r;
    rig_open(&r, c->n, 0);
    snprintf(r.context, sizeof r.context, "%d of %dx%dx%d %s, %d filters", c->n, c->h, c->w, c->c,
             c->is_u8 ? "u8" : "f32", c->filters);
    const cnn_layer l = rig_layer((cnn_layer){.kind = CNN_LAYER_CONV2D,
                                              .filters = c->filters,
                                              .kernel = 5,
                                              .stride = 1,
                                              .same = true},
                                  (cnn_shape){c->h, c->w, c->c});
    const cnn_layer pool = rig_layer(
        (cnn_layer){.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true}, l.out);
    cnn_gpu_windows windows;
    OK(cnn_cuda_windows(&pool, &windows));
    const cnn_conv_problem problem = cnn_conv_problem_of(&l, c->n, CNN_CONV_FORWARD);
    const cnn_gpu_convolution s = problem.shape;
    assert_true(cnn_gpu_first_fits(s, windows));
    const size_t in = cnn_conv_problem_input(&problem), mid = cnn_conv_problem_output(&problem);
    const size_t weights = cnn_conv_problem_weights(&problem), bias = (size_t)l.out.c;
    const size_t out = (size_t)c->n * (size_t)cnn_shape_size(pool.out);
    double *x = rig_zeros(&r, in), *w = rig_random(&r, 2, weights, -1, 1);
    double *b = rig_random(&r, 3, bias, -1, 1), *dy = rig_random(&r, 4, out, -1, 1);
    double *z = rig_zeros(&r, mid), *y = rig_zeros(&r, out), *dz = rig_zeros(&r, mid);
    double *dw = rig_zeros(&r, weights), *db = rig_zeros(&r, bias),
           *packed = rig_zeros(&r, weights);
    int32_t *argmax = (int32_t *)rig_zeros(&r, out);
    const cnn_gpu_images images = make_images(&r, c, x);

    pack(&l, w, packed);
    float *w_dev = rig_upload(&r, packed, weights), *b_dev = rig_upload(&r, b, bias);
    float *dy_dev = rig_upload(&r, dy, out), *y_dev = rig_garbage(&r, out);
    float *dw_dev = rig_garbage(&r, weights), *db_dev = rig_garbage(&r, bias);
    uint8_t *mask = (uint8_t *)rig_garbage(&r, out / 4 + 1);
    const cnn_gpu_sums sums = {(double *)rig_garbage(&r, 2 * cnn_gpu_first_parts(s, windows)),
                               (unsigned *)rig_upload_int(&r, &(int32_t){0}, 1)};
    assert_int_equal(cnn_gpu_first_forward(r.ops->current.stream, s, windows, images, w_dev, b_dev,
                                           c->relu, y_dev, mask),
                     cudaSuccess);
    assert_int_equal(cnn_gpu_first_backward(r.ops->current.stream, s, windows, images, dy_dev, mask,
                                            sums, dw_dev, db_dev),
                     cudaSuccess);

    ref_conv_forward(&l, c->n, x, w, b, z);
    ref_pool_forward(&pool, c->n, z, y, argmax);
    unpool(&pool, c->n, dy, y, c->relu, argmax, dz);
    if (c->relu)
        ref_relu_forward(out, y, y);
    ref_conv_backward_weights(&l, c->n, x, dz, dw, db);
    rig_compare(&r, "y", y, y_dev, out, 2e-6);
    pack(&l, dw, packed);
    rig_compare(&r, "dweights", packed, dw_dev, weights, 5e-6);
    rig_compare(&r, "dbias", db, db_dev, bias, 5e-6);
    rig_close(&r);
}

static void test_first_convolution_agrees_with_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_convolution_agrees_with_reference),
    };
    return cmocka_run_group_tests_name("own first convolution", tests, NULL, NULL);
}
