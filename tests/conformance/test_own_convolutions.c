/* The GPU backend's own convolution kernels against the reference, whatever tuning would choose. */
#include "gpu/convolution.h"
#include "gpu/cuda_internal.h"
#include "reference.h"
#include "rig.h"

#include <stdio.h>

typedef struct {
    int n, h, w, c, filters, kernel, stride;
    bool same;
} case_shape;

/* Few channels and many, odd sizes, a stride, windows that leave rows over. */
static const case_shape cases[] = {
    {3, 28, 28, 1, 16, 5, 1, true}, {2, 13, 11, 3, 40, 5, 1, true}, {1, 5, 4, 1, 200, 5, 1, true},
    {2, 9, 8, 3, 4, 5, 1, false},   {2, 12, 12, 4, 6, 3, 2, true},  {2, 7, 9, 2, 3, 4, 1, true},
    {1, 6, 5, 5, 7, 1, 1, true},
};

static cnn_layer layer_of(const case_shape *c)
{
    const cnn_layer layer = {.kind = CNN_LAYER_CONV2D,
                             .filters = c->filters,
                             .kernel = c->kernel,
                             .stride = c->stride,
                             .same = c->same};
    return rig_layer(layer, (cnn_shape){c->h, c->w, c->c});
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

static void *workspace_for(rig *r, const cnn_conv_problem *p)
{
    const size_t bytes = cnn_conv_direct_workspace(p);
    return bytes ? rig_garbage(r, bytes / sizeof(float)) : NULL;
}

static void run(rig *r, const cnn_conv_problem *p, cnn_conv_operands o)
{
    assert_int_equal(cnn_conv_run_direct(r->ops->stream, p, o, workspace_for(r, p)), cudaSuccess);
}

static void check_case(const case_shape *c)
{
    rig r;
    rig_open(&r, c->n, 0);
    snprintf(r.context, sizeof r.context, "%d of %dx%dx%d, %d filters %dx%d/%d", c->n, c->h, c->w,
             c->c, c->filters, c->kernel, c->kernel, c->stride);
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
    run(&r, &forward, (cnn_conv_operands){xd, wd, result, bd});
    ref_conv_forward(&l, c->n, x, w, b, y);
    ref_relu_forward(out, y, y);
    rig_compare(&r, "max(y + bias, 0)", y, result, out, 1e-6);

    const cnn_conv_problem data = cnn_conv_problem_of(&l, c->n, CNN_CONV_BACKWARD_DATA);
    run(&r, &data, (cnn_conv_operands){dyd, wd, result, NULL});
    ref_conv_backward_data(&l, c->n, dy, w, dx);
    rig_compare(&r, "dx", dx, result, in, 2e-6);

    const cnn_conv_problem weights = cnn_conv_problem_of(&l, c->n, CNN_CONV_BACKWARD_WEIGHTS);
    float *dwd = rig_garbage(&r, size);
    run(&r, &weights, (cnn_conv_operands){xd, dyd, dwd, NULL});
    ref_conv_backward_weights(&l, c->n, x, dy, dw, db);
    pack(&l, dw, packed);
    rig_compare(&r, "dweights", packed, dwd, size, 2e-6);
    rig_close(&r);
}

static void test_direct_kernels_agree_with_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

static void test_few_channels_are_told_from_others(void **state)
{
    (void)state;
    const bool few[] = {true, true, true, false, false, false, false};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const cnn_layer l = layer_of(&cases[i]);
        const cnn_conv_problem p = cnn_conv_problem_of(&l, 1, CNN_CONV_BACKWARD_WEIGHTS);
        assert_int_equal(cnn_conv_direct_workspace(&p) > 0, few[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_kernels_agree_with_reference),
        cmocka_unit_test(test_few_channels_are_told_from_others),
    };
    return cmocka_run_group_tests_name("own convolutions", tests, NULL, NULL);
}
