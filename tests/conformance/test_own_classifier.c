/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU backend's own kernels of a last dense layer with its loss, against the reference. */
#include "gpu/device/internal.h"
#include "reference.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int n, inputs, classes;
} case_shape;

/* The study's, batches' tails, one of everything, rows that do not divide by four, the limits. */
static const case_shape cases[] = {
    {32, 1568, 10}, {32, 2704, 2}, {1, 784, 10}, {16, 50, 10}, {33, 37, 1}, {1, 1, 1},
    {2, 4, 32},     {70, 130, 32}, {3, 3, 2},    {65, 64, 7},  {5, 99, 31}, {256, 8, 20},
};

/* Labels lie among others, and are taken in an order from some place on. */
enum { BEFORE = 3 };
static const int64_t STEP = 41;

typedef struct {
    double *x, *w, *b; /* [n, inputs], [classes, inputs], [classes] */
    int32_t *labels;   /* [n], of the batch */
    float *x_dev, *w_dev, *b_dev;
    cnn_gpu_labels labels_dev;
    cnn_gpu_place *place;
    cnn_gpu_counts *counts;
    double *losses;
    float *dlogits, *dx, *dweights, *dbias;
} data;

static void *upload(rig *r, const void *bytes, size_t size)
{
    void *to = rig_garbage(r, (size + sizeof(float) - 1) / sizeof(float));
    OK(cnn_ops_upload(r->ops, to, bytes, size));
    return to;
}

/* Image i of the batch is number BEFORE + i in the order, which turns the data set around. */
static void make_labels(rig *r, const case_shape *c, data *d)
{
    const int count = BEFORE + c->n + 2;
    int32_t *order = (int32_t *)rig_zeros(r, (size_t)count);
    int32_t *all = (int32_t *)rig_zeros(r, (size_t)count);
    d->labels = (int32_t *)rig_zeros(r, (size_t)c->n);
    for (int i = 0; i < count; i++) {
        order[i] = count - 1 - i;
        all[i] = (i * 7 + 1) % c->classes;
    }
    for (int i = 0; i < c->n; i++)
        d->labels[i] = all[order[BEFORE + i]];
    d->labels_dev =
        (cnn_gpu_labels){rig_upload_int(r, all, (size_t)count),
                         {rig_upload_int(r, order, (size_t)count), &d->place->forward.first}};
}

static data make(rig *r, const case_shape *c)
{
    const size_t in = (size_t)c->n * (size_t)c->inputs, classes = (size_t)c->classes;
    const size_t weights = classes * (size_t)c->inputs, out = (size_t)c->n * classes;
    const cnn_gpu_place place = {.forward = {BEFORE, STEP}, .backward = {-1, -1}};
    const cnn_gpu_counts counts = {1, 2, 3};
    data d = {.x = rig_random(r, 1, in, -1, 1),
              .w = rig_random(r, 2, weights, -0.3, 0.3),
              .b = rig_random(r, 3, classes, -1, 1)};
    d.x_dev = rig_upload(r, d.x, in);
    d.w_dev = rig_upload(r, d.w, weights);
    d.b_dev = rig_upload(r, d.b, classes);
    d.place = upload(r, &place, sizeof place);
    d.counts = upload(r, &counts, sizeof counts);
    d.losses = (double *)rig_garbage(r, 4 * (size_t)c->n);
    d.dlogits = rig_garbage(r, out);
    d.dx = rig_garbage(r, in);
    d.dweights = rig_garbage(r, weights);
    d.dbias = rig_garbage(r, classes);
    make_labels(r, c, &d);
    return d;
}

static cnn_gpu_classifier shape_of(const case_shape *c)
{
    return (cnn_gpu_classifier){c->n, c->inputs, c->classes};
}

static void run(rig *r, const case_shape *c, data *d)
{
    const cnn_gpu_classifier s = shape_of(c);
    const cudaStream_t stream = r->ops->current.stream;
    assert_true(cnn_gpu_classifier_fits(s));
    assert_int_equal(cnn_gpu_classifier_forward(stream, s, d->x_dev, d->w_dev, d->b_dev,
                                                d->labels_dev, d->place, d->losses, d->dlogits,
                                                d->dx),
                     cudaSuccess);
    assert_int_equal(cnn_gpu_classifier_backward(stream, s, d->x_dev, d->losses, d->dlogits,
                                                 d->dweights, d->dbias, d->place, true, d->counts),
                     cudaSuccess);
}

static cnn_gpu_counts counts_of(rig *r, const data *d)
{
    cnn_gpu_counts counts;
    OK(cnn_ops_sync(r->ops));
    OK(cnn_ops_download(r->ops, &counts, d->counts, sizeof counts));
    return counts;
}

static void check_place(rig *r, const data *d, int n, bool steps)
{
    cnn_gpu_place place;
    OK(cnn_ops_download(r->ops, &place, d->place, sizeof place));
    assert_int_equal(place.backward.first, BEFORE);
    assert_int_equal(place.backward.step, STEP);
    assert_int_equal(place.forward.first, BEFORE + n);
    assert_int_equal(place.forward.step, STEP + steps);
}

static void check_counts(rig *r, const case_shape *c, const data *d, double loss, int64_t errors)
{
    const cnn_gpu_counts counts = counts_of(r, d);
    if (!(fabs(counts.loss_sum - 1 - loss) <= 1e-5 * (1 + loss)))
        fail_msg("%s: loss %.9g, not %.9g", r->context, counts.loss_sum - 1, loss);
    assert_int_equal(counts.errors, 2 + errors);
    assert_int_equal(counts.images, 3 + c->n);
}

static void check_case(const case_shape *c)
{
    rig r;
    const size_t in = (size_t)c->n * (size_t)c->inputs, classes = (size_t)c->classes;
    const size_t weights = classes * (size_t)c->inputs, out = (size_t)c->n * classes;
    double loss = 0;
    int64_t errors = 0;
    rig_open(&r, c->n, 0);
    snprintf(r.context, sizeof r.context, "%d images, %d inputs, %d classes", c->n, c->inputs,
             c->classes);
    const cnn_layer l = rig_layer((cnn_layer){.kind = CNN_LAYER_DENSE, .units = c->classes},
                                  (cnn_shape){1, 1, c->inputs});
    data d = make(&r, c);
    double *z = rig_zeros(&r, out), *dz = rig_zeros(&r, out), *dx = rig_zeros(&r, in);
    double *dw = rig_zeros(&r, weights), *db = rig_zeros(&r, classes);
    ref_conv_forward(&l, c->n, d.x, d.w, d.b, z);
    ref_loss(c->classes, c->n, z, d.labels, &loss, &errors, dz);
    ref_conv_backward_data(&l, c->n, dz, d.w, dx);
    ref_conv_backward_weights(&l, c->n, d.x, dz, dw, db);

    run(&r, c, &d);
    rig_compare(&r, "dlogits", dz, d.dlogits, out, 1e-5);
    rig_compare(&r, "dx", dx, d.dx, in, 1e-5);
    rig_compare(&r, "dweights", dw, d.dweights, weights, 1e-5);
    rig_compare(&r, "dbias", db, d.dbias, classes, 1e-5);
    check_counts(&r, c, &d, loss, errors);
    check_place(&r, &d, c->n, true);
    rig_close(&r);
}

static void test_classifier_agrees_with_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

/* In evaluation: no gradients, and the same counts. */
static void test_counts_need_no_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const case_shape *c = &cases[i];
        const cnn_gpu_classifier s = shape_of(c);
        rig r;
        rig_open(&r, c->n, 0);
        data trained = make(&r, c), d = make(&r, c);
        run(&r, c, &trained);
        assert_int_equal(cnn_gpu_classifier_forward(r.ops->current.stream, s, d.x_dev, d.w_dev,
                                                    d.b_dev, d.labels_dev, d.place, d.losses, NULL,
                                                    NULL),
                         cudaSuccess);
        assert_int_equal(
            cnn_gpu_classifier_count(r.ops->current.stream, s, d.losses, d.place, false, d.counts),
            cudaSuccess);
        const cnn_gpu_counts with = counts_of(&r, &trained), without = counts_of(&r, &d);
        assert_memory_equal(&with, &without, sizeof with);
        check_place(&r, &d, c->n, false);
        rig_close(&r);
    }
}

/* Rows that four values would divide, at addresses that they do not. */
static void test_any_alignment_will_do(void **state)
{
    (void)state;
    const case_shape c = {9, 52, 6};
    const size_t in = (size_t)c.n * (size_t)c.inputs;
    double *shifted;
    float values[2][9 * 52];
    rig r;
    rig_open(&r, c.n, 0);
    data d = make(&r, &c);
    run(&r, &c, &d);
    rig_download(&r, d.dx, in, values[0]);
    shifted = rig_zeros(&r, in + 1);
    memcpy(shifted + 1, d.x, in * sizeof *shifted);
    d.x_dev = rig_upload(&r, shifted, in + 1) + 1;
    d.dx = rig_garbage(&r, in + 1) + 1;
    OK(cnn_ops_upload(r.ops, d.place, &(cnn_gpu_place){.forward = {BEFORE, STEP}},
                      sizeof *d.place));
    run(&r, &c, &d);
    rig_download(&r, d.dx, in, values[1]);
    for (size_t i = 0; i < in; i++)
        assert_float_equal(values[1][i], values[0][i], 1e-6);
    rig_close(&r);
}

/* An image that is not a number spoils the loss and the weights, and no other image. */
static void test_an_image_of_nan_stays_alone(void **state)
{
    (void)state;
    enum { N = 4, INPUTS = 40, CLASSES = 3, BAD = 1 };
    const case_shape c = {N, INPUTS, CLASSES};
    float good[N * INPUTS], dx[N * INPUTS], dweights[CLASSES * INPUTS];
    rig r;
    rig_open(&r, c.n, 0);
    data d = make(&r, &c);
    run(&r, &c, &d);
    rig_download(&r, d.dx, N * INPUTS, good);
    const cnn_gpu_counts before = counts_of(&r, &d);
    d.x[BAD * INPUTS + 7] = NAN;
    d.x_dev = rig_upload(&r, d.x, N * INPUTS);
    OK(cnn_ops_upload(r.ops, d.place, &(cnn_gpu_place){.forward = {BEFORE, STEP}},
                      sizeof *d.place));
    run(&r, &c, &d);
    rig_download(&r, d.dx, N * INPUTS, dx);
    rig_download(&r, d.dweights, CLASSES * INPUTS, dweights);
    for (int i = 0; i < N * INPUTS; i++)
        assert_true(i / INPUTS == BAD ? isnan(dx[i]) : dx[i] == good[i]);
    for (int i = 0; i < CLASSES * INPUTS; i++)
        assert_true(isnan(dweights[i]));
    const cnn_gpu_counts after = counts_of(&r, &d);
    assert_true(isnan(after.loss_sum));
    assert_int_equal(after.images, before.images + N);
    rig_close(&r);
}

static void test_limits(void **state)
{
    (void)state;
    assert_true(cnn_gpu_classifier_fits((cnn_gpu_classifier){256, 2048, 32}));
    assert_false(cnn_gpu_classifier_fits((cnn_gpu_classifier){257, 2048, 32}));
    assert_false(cnn_gpu_classifier_fits((cnn_gpu_classifier){256, 2049, 32}));
    assert_false(cnn_gpu_classifier_fits((cnn_gpu_classifier){1, 1, 33}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classifier_agrees_with_reference),
        cmocka_unit_test(test_counts_need_no_gradients),
        cmocka_unit_test(test_any_alignment_will_do),
        cmocka_unit_test(test_an_image_of_nan_stays_alone),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("own classifier", tests, NULL, NULL);
}
