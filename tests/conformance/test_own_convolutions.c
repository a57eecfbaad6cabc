/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU backend's own convolution kernels against the reference, whatever tuning would choose. */
#include "gpu/convolution/own.h"
#include "gpu/device/internal.h"
#include "reference.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int n, h, w, c, filters, kernel, stride;
    bool same;
} case_shape;

/* Few channels and many, odd sizes, a stride, windows that leave rows over; strips and tiles that
 * fit, and that hang over rows, filters, channels and the batch; images of fewer rows than a
 * window. For Winograd, images smaller than a tile, and tiles that fill no whole number of parts.
 */
static const case_shape cases[] = {
    {3, 28, 28, 1, 16, 5, 1, true}, {2, 13, 11, 3, 40, 5, 1, true},  {1, 5, 4, 1, 200, 5, 1, true},
    {2, 9, 8, 3, 4, 5, 1, false},   {2, 12, 12, 4, 6, 3, 2, true},   {2, 7, 9, 2, 3, 4, 1, true},
    {1, 6, 5, 5, 7, 1, 1, true},    {2, 9, 18, 12, 64, 5, 1, true},  {1, 7, 25, 16, 32, 5, 1, true},
    {2, 8, 14, 20, 32, 5, 1, true}, {1, 14, 14, 12, 16, 5, 1, true}, {5, 1, 14, 12, 52, 5, 1, true},
    {3, 5, 8, 20, 20, 5, 1, true},  {2, 11, 7, 4, 12, 5, 1, true},   {1, 2, 50, 8, 60, 5, 1, true},
    {1, 9, 14, 16, 40, 5, 1, true}, {3, 4, 11, 24, 17, 5, 1, true},  {2, 3, 2, 33, 16, 5, 1, true},
    {29, 9, 9, 16, 16, 5, 1, true},
};

/* Of them, those that speak for kernels of many channels where there is no time for all. */
enum { MANY_CHANNELS = 7, MANY_CHANNELS_END = 10 };

static cnn_layer layer_of(const case_shape *c)
{
    const cnn_layer layer = {.kind = CNN_LAYER_CONV2D,
                             .filters = c->filters,
                             .kernel = c->kernel,
                             .stride = c->stride,
                             .same = c->same};
    return rig_layer(layer, (cnn_shape){c->h, c->w, c->c});
}

/* A pool of 2x2, 'same', behind the layer: its windows hang over odd images. */
static cnn_conv_problem with_pool(const cnn_layer *l, int n, bool relu)
{
    const cnn_gpu_windows pool = {.h = l->out.h,
                                  .w = l->out.w,
                                  .c = l->out.c,
                                  .out_h = (l->out.h + 1) / 2,
                                  .out_w = (l->out.w + 1) / 2,
                                  .kernel = 2,
                                  .stride = 2};
    return cnn_conv_problem_with_pool(l, n, pool, relu);
}

/* [O, I, H, W] to [O, H, W, I] in double. */
static void pack(const cnn_layer *l, const double *oihw, double *ohwi)
{
    const int k = l->kernel, c = l->in.c;
    for (int o = 0; o < l->out.c; o++)
        for (int i = 0; i < c; i++)
            for (int p = 0; p < k * k; p++)
                ohwi[(o * k * k + p) * c + i] = oihw[(o * c + i) * k * k + p];
}

typedef struct {
    const cnn_own_convolution *own;
    rig *r;
} runner;

/* Runs it if the kernel fits; else false. */
static bool run(runner k, const cnn_conv_problem *p, cnn_conv_operands o)
{
    if (!k.own->fits(p))
        return false;
    const size_t bytes = cnn_own_convolution_workspace(k.own, p);
    void *workspace = bytes ? rig_garbage(k.r, (bytes + sizeof(float) - 1) / sizeof(float)) : NULL;
    if (k.own->run(k.r->ops, p, o, workspace) != CNN_OK)
        fail_msg("%s: %s", k.r->context, cnn_error_message());
    return true;
}

static bool is_winograd(const cnn_own_convolution *own)
{
    return strcmp(own->name, "winograd") == 0;
}

/* What rounding may do to sums of so many terms, relative to the largest. Winograd's transforms
 * magnify it (docs/gpu.md). */
static double tolerance(const cnn_own_convolution *own, int terms)
{
    return is_winograd(own) ? 3e-5 : fmax(1e-6, 0x1p-24 * sqrt((double)terms));
}

static void check_case(const case_shape *c, const cnn_own_convolution *own)
{
    rig r;
    rig_open(&r, c->n, 0);
    const runner k = {own, &r};
    snprintf(r.context, sizeof r.context, "%s: %d of %dx%dx%d, %d filters %dx%d/%d", own->name,
             c->n, c->h, c->w, c->c, c->filters, c->kernel, c->kernel, c->stride);
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem forward = cnn_conv_problem_of(&l, c->n, CNN_CONV_FORWARD_BIAS_RELU);
    const size_t in = cnn_conv_problem_input(&forward), out = cnn_conv_problem_output(&forward);
    const size_t size = cnn_conv_problem_weights(&forward), bias = (size_t)l.out.c;
    double *x = rig_random(&r, 1, in, -1, 1), *w = rig_random(&r, 2, size, -1, 1);
    double *b = rig_random(&r, 3, bias, -1, 1), *dy = rig_random(&r, 4, out, -1, 1);
    double *y = rig_zeros(&r, out), *dx = rig_zeros(&r, in), *dw = rig_zeros(&r, size);
    double *db = rig_zeros(&r, bias), *packed = rig_zeros(&r, size);
    float *xd = rig_upload(&r, x, in), *dyd = rig_upload(&r, dy, out);
    float *bd = rig_upload(&r, b, bias), *result = rig_garbage(&r, out > in ? out : in);

    pack(&l, w, packed);
    float *wd = rig_upload(&r, packed, size);
    ref_conv_forward(&l, c->n, x, w, b, y);
    ref_relu_forward(out, y, y);
    if (run(k, &forward,
            (cnn_conv_operands){.first = xd, .second = wd, .result = result, .bias = bd}))
        rig_compare(&r, "max(y + bias, 0)", y, result, out, tolerance(own, 25 * c->c));

    const cnn_conv_problem plain = cnn_conv_problem_of(&l, c->n, CNN_CONV_FORWARD);
    ref_conv_forward(&l, c->n, x, w, db, y); /* zeros */
    if (run(k, &plain,
            (cnn_conv_operands){.first = xd, .second = wd, .result = result, .bias = bd}))
        rig_compare(&r, "y without its bias", y, result, out, 2 * tolerance(own, 25 * c->c));

    const cnn_conv_problem data = cnn_conv_problem_of(&l, c->n, CNN_CONV_BACKWARD_DATA);
    ref_conv_backward_data(&l, c->n, dy, w, dx);
    if (run(k, &data, (cnn_conv_operands){.first = dyd, .second = wd, .result = result}))
        rig_compare(&r, "dx", dx, result, in, 2 * tolerance(own, 25 * c->filters));

    const cnn_conv_problem weights = cnn_conv_problem_of(&l, c->n, CNN_CONV_BACKWARD_WEIGHTS);
    float *dwd = rig_garbage(&r, size);
    ref_conv_backward_weights(&l, c->n, x, dy, dw, db);
    pack(&l, dw, packed);
    if (run(k, &weights, (cnn_conv_operands){.first = xd, .second = dyd, .result = dwd}))
        rig_compare(&r, "dweights", packed, dwd, size, 2 * tolerance(own, 0));
    rig_close(&r);
}

static void test_own_convolutions_agree_with_reference(void **state)
{
    (void)state;
    for (int k = 0; cnn_own_convolutions[k]; k++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            check_case(&cases[i], cnn_own_convolutions[k]);
}

static void test_direct_kernels_fit_everything(void **state)
{
    (void)state;
    assert_string_equal(cnn_own_convolutions[0]->name, "direct");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int d = 0; d <= CNN_CONV_FORWARD_BIAS_RELU; d++) {
            const cnn_layer l = layer_of(&cases[i]);
            const cnn_conv_problem p = cnn_conv_problem_of(&l, 1, (cnn_conv_direction)d);
            assert_true(cnn_own_convolutions[0]->fits(&p));
        }
}

/* The two gradients of a first layer over few channels, with and without the ReLU behind it. */
static void check_few(const case_shape *c, bool relu)
{
    rig r;
    rig_open(&r, c->n, 0);
    snprintf(r.context, sizeof r.context, "few: %d of %dx%dx%d, %d filters%s", c->n, c->h, c->w,
             c->c, c->filters, relu ? ", relu" : "");
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem p = cnn_conv_problem_of(&l, c->n, CNN_CONV_BACKWARD_WEIGHTS);
    const size_t in = cnn_conv_problem_input(&p), out = cnn_conv_problem_output(&p);
    const size_t size = cnn_conv_problem_weights(&p), bias = (size_t)l.out.c;
    assert_true(cnn_gpu_few_channels_fits(p.shape));
    double *x = rig_random(&r, 1, in, -1, 1), *dy = rig_random(&r, 2, out, -1, 1);
    double *y = rig_random(&r, 3, out, -1, 1), *dw = rig_zeros(&r, size), *db = rig_zeros(&r, bias);
    double *packed = rig_zeros(&r, size);
    float *xd = rig_upload(&r, x, in), *dyd = rig_upload(&r, dy, out), *yd = rig_upload(&r, y, out);
    float *dwd = rig_garbage(&r, size), *dbd = rig_garbage(&r, bias);
    double *parts = (double *)rig_garbage(&r, 2 * cnn_gpu_few_channels_parts(p.shape));
    assert_int_equal(cnn_gpu_few_channels_backward(r.ops->current.stream, p.shape, xd, dyd,
                                                   relu ? yd : NULL, parts, dwd, dbd),
                     cudaSuccess);
    for (size_t i = 0; relu && i < out; i++)
        dy[i] = y[i] > 0 ? dy[i] : 0;
    ref_conv_backward_weights(&l, c->n, x, dy, dw, db);
    pack(&l, dw, packed);
    rig_compare(&r, "dweights", packed, dwd, size, 2e-6);
    rig_compare(&r, "dbias", db, dbd, bias, 2e-6);
    rig_close(&r);
}

static void test_few_channels_agree_with_reference(void **state)
{
    (void)state;
    const case_shape shapes[] = {
        {3, 28, 28, 1, 16, 5, 1, true}, {2, 13, 11, 3, 40, 5, 1, true},
        {1, 5, 4, 1, 200, 5, 1, true},  {33, 6, 5, 1, 128, 5, 1, true},
        {2, 9, 50, 3, 128, 5, 1, true}, {1, 1, 1, 3, 1, 5, 1, true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_case(&shapes[i], cnn_own_convolution_named("few", 3));
        check_few(&shapes[i], false);
        check_few(&shapes[i], true);
    }
}

/* Every kernel is tried above, or with a pool below. */
static void test_cases_fit_every_kernel(void **state)
{
    (void)state;
    for (int k = 0; cnn_own_convolutions[k]; k++) {
        int count = 0;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            for (int d = 0; d < CNN_CONV_DIRECTIONS; d++) {
                const cnn_layer l = layer_of(&cases[i]);
                const cnn_conv_problem p =
                    d == CNN_CONV_FORWARD_POOL
                        ? with_pool(&l, cases[i].n, true)
                        : cnn_conv_problem_of(&l, cases[i].n, (cnn_conv_direction)d);
                count += cnn_own_convolutions[k]->fits(&p);
            }
        if (count == 0)
            fail_msg("%s fits no case", cnn_own_convolutions[k]->name);
    }
}

/* Fails unless values are NaN where they are to be, and nowhere else; but Winograd's are so in
 * whole tiles. */
static void same_nans(runner k, const double *expected, const float *device, size_t n)
{
    float *actual = calloc(n, sizeof *actual);
    assert_non_null(actual);
    rig_download(k.r, device, n, actual);
    for (size_t i = 0; i < n; i++)
        if (!isnan(expected[i]) != !isnan(actual[i]) && !(is_winograd(k.own) && isnan(actual[i])))
            fail_msg("%s: value %zu of %zu is %g, not %g", k.r->context, i, n, (double)actual[i],
                     expected[i]);
    free(actual);
}

static void same_bits(rig *r, const float *first, const float *second, size_t n)
{
    float *a = calloc(2 * n, sizeof *a);
    assert_non_null(a);
    rig_download(r, first, n, a);
    rig_download(r, second, n, a + n);
    if (memcmp(a, a + n, n * sizeof *a) != 0)
        fail_msg("%s: not the same bits again", r->context);
    free(a);
}

/* Sums do not depend on which threads and blocks come first. */
static void check_repeats(const case_shape *c, const cnn_own_convolution *own,
                          cnn_conv_direction direction)
{
    enum { RUNS = 2 };
    rig r;
    rig_open(&r, c->n, 0);
    const runner k = {own, &r};
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem p = cnn_conv_problem_of(&l, c->n, direction);
    const size_t in = cnn_conv_problem_input(&p), out = cnn_conv_problem_output(&p);
    const size_t size = cnn_conv_problem_weights(&p);
    const bool data = direction == CNN_CONV_BACKWARD_DATA;
    const bool weights = direction == CNN_CONV_BACKWARD_WEIGHTS;
    const size_t count = data ? in : weights ? size : out;
    float *x = rig_upload(&r, rig_random(&r, 1, in, -1, 1), in);
    float *dy = rig_upload(&r, rig_random(&r, 2, out, -1, 1), out);
    float *w = rig_upload(&r, rig_random(&r, 3, size, -1, 1), size);
    float *results[RUNS];
    snprintf(r.context, sizeof r.context, "%s: %d of %dx%dx%d", own->name, c->n, c->h, c->w, c->c);
    for (int i = 0; i < RUNS; i++) {
        results[i] = rig_garbage(&r, count);
        const cnn_conv_operands o = {
            .first = data ? dy : x, .second = weights ? dy : w, .result = results[i]};
        if (!run(k, &p, o))
            break;
        if (i > 0)
            same_bits(&r, results[0], results[i], count);
    }
    rig_close(&r);
}

static void test_results_repeat_bit_for_bit(void **state)
{
    (void)state;
    for (int k = 0; cnn_own_convolutions[k]; k++)
        for (size_t i = MANY_CHANNELS; i < MANY_CHANNELS_END; i++)
            for (int d = CNN_CONV_FORWARD; d <= CNN_CONV_BACKWARD_WEIGHTS; d++)
                check_repeats(&cases[i], cnn_own_convolutions[k], (cnn_conv_direction)d);
}

/* A value that is no number reaches the results whose windows hold it, and no others. */
static void check_nan(const case_shape *c, const cnn_own_convolution *own)
{
    rig r;
    rig_open(&r, c->n, 0);
    const runner k = {own, &r};
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem forward = cnn_conv_problem_of(&l, c->n, CNN_CONV_FORWARD);
    const cnn_conv_problem data = cnn_conv_problem_of(&l, c->n, CNN_CONV_BACKWARD_DATA);
    const size_t in = cnn_conv_problem_input(&forward), out = cnn_conv_problem_output(&forward);
    const size_t size = cnn_conv_problem_weights(&forward);
    double *x = rig_random(&r, 1, in, -1, 1), *dy = rig_random(&r, 2, out, -1, 1);
    double *w = rig_random(&r, 3, size, -1, 1), *packed = rig_zeros(&r, size);
    double *bias = rig_zeros(&r, (size_t)l.out.c);
    double *y = rig_zeros(&r, out), *dx = rig_zeros(&r, in);
    float *result = rig_garbage(&r, out > in ? out : in);
    x[in / 2] = dy[out / 3] = NAN;
    pack(&l, w, packed);
    float *wd = rig_upload(&r, packed, size);
    snprintf(r.context, sizeof r.context, "%s: NaN among %d of %dx%dx%d", own->name, c->n, c->h,
             c->w, c->c);
    ref_conv_forward(&l, c->n, x, w, bias, y);
    if (run(k, &forward,
            (cnn_conv_operands){.first = rig_upload(&r, x, in), .second = wd, .result = result}))
        same_nans(k, y, result, out);
    ref_conv_backward_data(&l, c->n, dy, w, dx);
    if (run(k, &data,
            (cnn_conv_operands){.first = rig_upload(&r, dy, out), .second = wd, .result = result}))
        same_nans(k, dx, result, in);
    rig_close(&r);
}

static void test_nan_stays_within_its_windows(void **state)
{
    (void)state;
    for (int k = 0; cnn_own_convolutions[k]; k++)
        for (size_t i = MANY_CHANNELS; i < MANY_CHANNELS_END; i++)
            check_nan(&cases[i], cnn_own_convolutions[k]);
}

/* Small whole numbers, whose sums are exact whatever their order, and often alike. */
static float *whole_numbers(rig *r, uint32_t stream, size_t n, double most, size_t nan)
{
    double *values = rig_random(r, stream, n, -most - 0.5, most + 0.5);
    for (size_t i = 0; i < n; i++)
        values[i] = round(values[i]);
    if (nan < n)
        values[nan] = NAN;
    return rig_upload(r, values, n);
}

/* Values alike, NaN or not. */
static void same_values(rig *r, const float *expected, const float *actual, size_t n)
{
    float *v = calloc(2 * n, sizeof *v);
    assert_non_null(v);
    rig_download(r, expected, n, v);
    rig_download(r, actual, n, v + n);
    for (size_t i = 0; i < n; i++)
        if (v[i] != v[n + i] && !(isnan(v[i]) && isnan(v[n + i])))
            fail_msg("%s: value %zu of %zu is %g, not %g", r->context, i, n, (double)v[n + i],
                     (double)v[i]);
    free(v);
}

/* A kernel that pools beside the direct convolution and the pool after it. */
static void check_pool(const case_shape *c, bool relu, const cnn_own_convolution *own)
{
    rig r;
    rig_open(&r, c->n, 0);
    const runner direct = {cnn_own_convolutions[0], &r}, fused = {own, &r};
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem p = with_pool(&l, c->n, relu);
    const size_t in = cnn_conv_problem_input(&p), out = cnn_conv_problem_output(&p);
    const size_t pooled = cnn_conv_problem_pooled(&p), bytes = (pooled + 3) / 4;
    float *before = rig_garbage(&r, out), *y[3], *mask[2];
    for (int i = 0; i < 3; i++)
        y[i] = rig_garbage(&r, pooled);
    for (int i = 0; i < 2; i++)
        mask[i] = rig_upload(&r, rig_zeros(&r, bytes), bytes);
    snprintf(r.context, sizeof r.context, "%s: pool of %d of %dx%dx%d, %d filters%s", own->name,
             c->n, c->h, c->w, c->c, c->filters, relu ? ", relu" : "");
    const float *x = whole_numbers(&r, 1, in, 2, in / 3);
    const float *w = whole_numbers(&r, 2, cnn_conv_problem_weights(&p), 1, SIZE_MAX);
    const float *bias = whole_numbers(&r, 3, (size_t)l.out.c, 2, SIZE_MAX);
    cnn_conv_operands o = {.first = x,
                           .second = w,
                           .result = y[0],
                           .bias = bias,
                           .before = before,
                           .mask = (uint8_t *)mask[0]};
    assert_true(run(direct, &p, o));
    o.result = y[1];
    o.before = NULL; /* fused */
    o.mask = (uint8_t *)mask[1];
    assert_true(run(fused, &p, o));
    same_values(&r, y[0], y[1], pooled);
    same_bits(&r, mask[0], mask[1], bytes);
    o.result = y[2];
    o.mask = NULL; /* not wanted */
    assert_true(run(fused, &p, o));
    same_values(&r, y[0], y[2], pooled);
    rig_close(&r);
}

static void test_pools_within_convolutions_are_those_behind_them(void **state)
{
    (void)state;
    const case_shape shapes[] = {
        {3, 14, 14, 16, 32, 5, 1, true}, {2, 25, 25, 4, 32, 5, 1, true},
        {5, 5, 7, 8, 20, 5, 1, true},    {3, 1, 13, 12, 16, 5, 1, true},
        {1, 7, 6, 20, 48, 5, 1, true},   {6, 2, 14, 4, 12, 5, 1, true},
    };
    for (int k = 0; cnn_own_convolutions[k]; k++) {
        int count = 0;
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            const cnn_layer l = layer_of(&shapes[i]);
            const cnn_conv_problem p = with_pool(&l, shapes[i].n, true);
            if (k == 0 || is_winograd(cnn_own_convolutions[k]) ||
                !cnn_own_convolutions[k]->fits(&p))
                continue;
            check_pool(&shapes[i], true, cnn_own_convolutions[k]);
            check_pool(&shapes[i], false, cnn_own_convolutions[k]);
            count++;
        }
        if (strncmp(cnn_own_convolutions[k]->name, "pool", 4) == 0)
            assert_in_range(count, 2, sizeof shapes / sizeof shapes[0]);
    }
}

/* Winograd's sums are not exact, not even of whole numbers: its pool beside its own results and the
 * pool after them. */
static void check_winograd_pool(const case_shape *c, bool relu)
{
    rig r;
    rig_open(&r, c->n, 0);
    const runner winograd = {cnn_own_convolution_named("winograd", 8), &r};
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem p = with_pool(&l, c->n, relu), plain = cnn_conv_problem_plain(&p);
    const size_t in = cnn_conv_problem_input(&p), size = cnn_conv_problem_weights(&p);
    const size_t pooled = cnn_conv_problem_pooled(&p), bytes = (pooled + 3) / 4;
    const size_t bias = (size_t)l.out.c;
    float *mask[2], *y = rig_garbage(&r, pooled);
    double *expected = rig_zeros(&r, pooled);
    float *values = calloc(pooled, sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < 2; i++)
        mask[i] = rig_upload(&r, rig_zeros(&r, bytes), bytes);
    snprintf(r.context, sizeof r.context, "winograd: pool of %d of %dx%dx%d, %d filters%s", c->n,
             c->h, c->w, c->c, c->filters, relu ? ", relu" : "");
    cnn_conv_operands o = {.first = rig_upload(&r, rig_random(&r, 1, in, -1, 1), in),
                           .second = rig_upload(&r, rig_random(&r, 2, size, -1, 1), size),
                           .result = y,
                           .bias = rig_upload(&r, rig_random(&r, 3, bias, -1, 1), bias),
                           .before = rig_garbage(&r, cnn_conv_problem_output(&p)),
                           .mask = (uint8_t *)mask[0]};
    assert_true(run(winograd, &plain, cnn_conv_operands_plain(&p, o)));
    assert_int_equal(cnn_conv_finish(r.ops->current.stream, &p, o), cudaSuccess);
    rig_download(&r, y, pooled, values);
    for (size_t i = 0; i < pooled; i++)
        expected[i] = (double)values[i];
    o.result = rig_garbage(&r, pooled);
    o.before = NULL; /* fused */
    o.mask = (uint8_t *)mask[1];
    assert_true(run(winograd, &p, o));
    rig_compare(&r, "maxima", expected, o.result, pooled, 1e-6);
    same_bits(&r, mask[0], mask[1], bytes);
    o.result = rig_garbage(&r, pooled);
    o.mask = NULL; /* not wanted */
    assert_true(run(winograd, &p, o));
    rig_compare(&r, "maxima without a mask", expected, o.result, pooled, 1e-6);
    free(values);
    rig_close(&r);
}

static void test_winograd_pools_its_results(void **state)
{
    (void)state;
    const case_shape shapes[] = {{3, 14, 14, 16, 32, 5, 1, true},
                                 {2, 25, 13, 16, 16, 5, 1, true},
                                 {2, 3, 7, 17, 40, 5, 1, true},
                                 {1, 1, 1, 16, 16, 5, 1, true}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_winograd_pool(&shapes[i], true);
        check_winograd_pool(&shapes[i], false);
    }
    const cnn_layer l = layer_of(&shapes[0]);
    cnn_conv_problem p = with_pool(&l, 1, true);
    p.pool.kernel = 3; /* overlapping windows */
    assert_false(cnn_own_convolution_named("winograd", 8)->fits(&p));
}

/* From the pooled gradient at once, beside the reference behind the pool's backward. */
static void check_unpool(const case_shape *c)
{
    rig r;
    rig_open(&r, c->n, 0);
    const cnn_layer l = layer_of(c);
    const cnn_conv_problem p = with_pool(&l, c->n, true);
    const size_t in = cnn_conv_problem_input(&p), out = cnn_conv_problem_output(&p);
    const size_t size = cnn_conv_problem_weights(&p), filters = (size_t)l.out.c;
    const size_t pooled = cnn_conv_problem_pooled(&p), bytes = (pooled + 3) / 4;
    const cudaStream_t stream = r.ops->current.stream;
    snprintf(r.context, sizeof r.context, "unpool of %d of %dx%dx%d, %d filters", c->n, c->h, c->w,
             c->c, c->filters);
    if (!cnn_gpu_strips_unpool_fit(p.shape, p.pool) ||
        !cnn_gpu_strips_unpool_weights_fit(p.shape, p.pool))
        fail_msg("%s: does not fit", r.context);
    double *x = rig_random(&r, 1, in, -1, 1), *w = rig_random(&r, 2, size, -1, 1);
    double *dy = rig_random(&r, 3, pooled, -1, 1), *z = rig_random(&r, 4, out, -1, 1);
    double *dz = rig_zeros(&r, out), *dx = rig_zeros(&r, in), *dw = rig_zeros(&r, size);
    double *db = rig_zeros(&r, filters), *packed = rig_zeros(&r, size);
    float *mask = rig_upload(&r, rig_zeros(&r, bytes), bytes), *result = rig_garbage(&r, pooled);
    assert_int_equal(cnn_gpu_maxpool_forward(stream, c->n, p.pool, rig_upload(&r, z, out), NULL,
                                             true, result, (uint8_t *)mask),
                     cudaSuccess);
    uint8_t *where = calloc(bytes, 4);
    assert_non_null(where);
    rig_download(&r, mask, bytes, (float *)where);
    for (size_t i = 0; i < pooled; i++) {
        const size_t o = i % filters, column = i / filters % (size_t)p.pool.out_w;
        const size_t line = i / filters / (size_t)p.pool.out_w % (size_t)p.pool.out_h;
        const size_t image = i / filters / (size_t)p.pool.out_w / (size_t)p.pool.out_h;
        if (where[i] != CNN_GPU_NOWHERE)
            dz[((image * (size_t)c->h + 2 * line + where[i] / 2) * (size_t)c->w + 2 * column +
                where[i] % 2) *
                   filters +
               o] = dy[i];
    }
    free(where);
    float *dyd = rig_upload(&r, dy, pooled);

    pack(&l, w, packed);
    ref_conv_backward_data(&l, c->n, dz, w, dx);
    float *dxd = rig_garbage(&r, in);
    assert_int_equal(cnn_gpu_strips_unpool_data(stream, p.shape, p.pool, dyd, (uint8_t *)mask,
                                                rig_upload(&r, packed, size), dxd),
                     cudaSuccess);
    rig_compare(&r, "dx", dx, dxd, in, 2 * tolerance(cnn_own_convolutions[0], 25 * c->filters));

    ref_conv_backward_weights(&l, c->n, x, dz, dw, db);
    pack(&l, dw, packed);
    float *xd = rig_upload(&r, x, in), *dwd[2], *dbd[2];
    for (int i = 0; i < 2; i++) {
        dwd[i] = rig_garbage(&r, size);
        dbd[i] = rig_garbage(&r, filters);
        void *space =
            rig_garbage(&r, cnn_gpu_strips_unpool_weights_workspace(p.shape) / sizeof(float));
        assert_int_equal(cnn_gpu_strips_unpool_weights(stream, p.shape, p.pool, xd, dyd,
                                                       (uint8_t *)mask, space, dwd[i], dbd[i]),
                         cudaSuccess);
    }
    rig_compare(&r, "dweights", packed, dwd[0], size, 2e-6);
    rig_compare(&r, "dbias", db, dbd[0], filters, 2e-6);
    same_bits(&r, dwd[0], dwd[1], size);
    same_bits(&r, dbd[0], dbd[1], filters);
    rig_close(&r);
}

static void test_backward_from_behind_a_pool_agrees_with_reference(void **state)
{
    (void)state;
    const case_shape shapes[] = {
        {3, 14, 14, 16, 32, 5, 1, true}, {2, 25, 25, 16, 12, 5, 1, true},
        {3, 5, 7, 12, 20, 5, 1, true},   {1, 7, 9, 28, 16, 5, 1, true},
        {5, 4, 13, 16, 44, 5, 1, true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_unpool(&shapes[i]);
}

static void test_few_channels_are_told_from_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const cnn_layer l = layer_of(&cases[i]);
        const cnn_conv_problem p = cnn_conv_problem_of(&l, 1, CNN_CONV_FORWARD);
        assert_int_equal(cnn_own_convolution_named("few", 3)->fits(&p), i < 3);
    }
}

static void test_winograd_takes_5x5_same_over_many_channels(void **state)
{
    (void)state;
    const case_shape no[] = {{2, 9, 8, 16, 16, 5, 1, false},
                             {2, 9, 8, 16, 16, 5, 2, true},
                             {2, 9, 8, 16, 16, 3, 1, true},
                             {2, 9, 8, 15, 16, 5, 1, true},
                             {2, 9, 8, 16, 15, 5, 1, true}};
    const case_shape yes = {2, 9, 8, 16, 16, 5, 1, true};
    const cnn_own_convolution *winograd = cnn_own_convolution_named("winograd", 8);
    for (int d = 0; d <= CNN_CONV_FORWARD_BIAS_RELU; d++) {
        cnn_layer l = layer_of(&yes);
        cnn_conv_problem p = cnn_conv_problem_of(&l, yes.n, (cnn_conv_direction)d);
        assert_true(winograd->fits(&p));
        for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
            l = layer_of(&no[i]);
            p = cnn_conv_problem_of(&l, no[i].n, (cnn_conv_direction)d);
            assert_false(winograd->fits(&p));
        }
    }
}

/* Where the device multiplies in TF32, too. */
static void test_winograd_never_rounds_to_tf32(void **state)
{
    (void)state;
    const case_shape shape = {1, 9, 14, 16, 40, 5, 1, true};
    const char *before = getenv("CNN_TEST_PRECISION");
    char *kept = before ? cnn_strdup(before) : NULL;
    assert_int_equal(setenv("CNN_TEST_PRECISION", "tf32", 1), 0);
    check_case(&shape, cnn_own_convolution_named("winograd", 8));
    if (kept)
        setenv("CNN_TEST_PRECISION", kept, 1);
    else
        unsetenv("CNN_TEST_PRECISION");
    free(kept);
}

/* Room for sums is taken for the largest batch, and a smaller one must find enough in it. */
static void test_smaller_batches_need_no_more_room(void **state)
{
    (void)state;
    enum { MOST = 70 };
    const case_shape shapes[] = {
        {1, 28, 28, 1, 16, 5, 1, true},
        {1, 50, 50, 3, 16, 5, 1, true},
        {1, 50, 50, 3, 128, 5, 1, true},
        {1, 28, 28, 1, 128, 5, 1, true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const case_shape *c = &shapes[i];
        const cnn_layer l = layer_of(c);
        const cnn_gpu_windows pool = {.h = c->h,
                                      .w = c->w,
                                      .c = c->filters,
                                      .out_h = (c->h + 1) / 2,
                                      .out_w = (c->w + 1) / 2,
                                      .kernel = 2,
                                      .stride = 2};
        size_t first = 0, few = 0, rows = 0;
        for (int n = 1; n <= MOST; n++) {
            const cnn_conv_problem p = cnn_conv_problem_of(&l, n, CNN_CONV_BACKWARD_WEIGHTS);
            const size_t places = (size_t)n * 25 * 25;
            assert_true(cnn_gpu_first_parts(p.shape, pool) >= first);
            assert_true(cnn_gpu_few_channels_parts(p.shape) >= few);
            assert_true(cnn_gpu_column_sums(places, c->filters) >= rows);
            first = cnn_gpu_first_parts(p.shape, pool);
            few = cnn_gpu_few_channels_parts(p.shape);
            rows = cnn_gpu_column_sums(places, c->filters);
        }
    }
}

/* The table of algorithms reads a name up to what ends it, and tells engines by their number. */
static void test_names_are_told_from_engines(void **state)
{
    (void)state;
    for (int k = 0; cnn_own_convolutions[k]; k++) {
        const char *name = cnn_own_convolutions[k]->name;
        assert_ptr_equal(cnn_own_convolution_named(name, strlen(name)), cnn_own_convolutions[k]);
        assert_false((name[0] == 'e' || name[0] == 'p') && name[1] >= '0' && name[1] <= '9');
        assert_int_equal(strcspn(name, ";=,: "), strlen(name));
    }
    assert_null(cnn_own_convolution_named("direct", 3));
    assert_null(cnn_own_convolution_named("directly", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_convolutions_agree_with_reference),
        cmocka_unit_test(test_direct_kernels_fit_everything),
        cmocka_unit_test(test_few_channels_agree_with_reference),
        cmocka_unit_test(test_cases_fit_every_kernel),
        cmocka_unit_test(test_results_repeat_bit_for_bit),
        cmocka_unit_test(test_nan_stays_within_its_windows),
        cmocka_unit_test(test_pools_within_convolutions_are_those_behind_them),
        cmocka_unit_test(test_backward_from_behind_a_pool_agrees_with_reference),
        cmocka_unit_test(test_few_channels_are_told_from_others),
        cmocka_unit_test(test_winograd_takes_5x5_same_over_many_channels),
        cmocka_unit_test(test_winograd_pools_its_results),
        cmocka_unit_test(test_winograd_never_rounds_to_tf32),
        cmocka_unit_test(test_smaller_batches_need_no_more_room),
        cmocka_unit_test(test_names_are_told_from_engines),
    };
    return cmocka_run_group_tests_name("own convolutions", tests, NULL, NULL);
}
