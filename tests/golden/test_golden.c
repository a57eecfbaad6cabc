/* SPDX-License-Identifier: Apache-2.0 */
/* The reference and the linked backend against PyTorch (pytorch_golden.py, which also says which
 * numbers are drawn for what). */
#include "base/philox.h"
#include "golden_file.h"
#include "pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t seed = 424242;
static const double exact = 1e-10; /* the reference: double against double */

static uint32_t word(uint32_t stream, uint64_t i)
{
    return cnn_random_word(seed, CNN_RANDOM_SYNTHETIC, stream, i);
}

/* n values in (-1, 1), as a float holds them. */
static double *uniform(uint32_t stream, size_t n)
{
    double *values = ref_alloc(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = (double)(float)(2 * cnn_random_unit(word(stream, i)) - 1);
    return values;
}

/* ---- single layers ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    cnn_layer layer;
} layers[] = {
    {"conv_same_4_2",
     {.kind = CNN_LAYER_CONV2D, .filters = 5, .kernel = 4, .stride = 2, .same = true}},
    {"conv_same_3_1",
     {.kind = CNN_LAYER_CONV2D, .filters = 2, .kernel = 3, .stride = 1, .same = true}},
    {"conv_valid_3_2", {.kind = CNN_LAYER_CONV2D, .filters = 3, .kernel = 3, .stride = 2}},
    {"maxpool_same_3_2", {.kind = CNN_LAYER_MAXPOOL, .kernel = 3, .stride = 2, .same = true}},
    {"maxpool_same_2_2", {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true}},
    {"maxpool_valid_3_1", {.kind = CNN_LAYER_MAXPOOL, .kernel = 3, .stride = 1}},
    {"avgpool_same_3_2", {.kind = CNN_LAYER_AVGPOOL, .kernel = 3, .stride = 2, .same = true}},
    {"avgpool_valid_2_2", {.kind = CNN_LAYER_AVGPOOL, .kernel = 2, .stride = 2}},
};
enum { LAYERS = sizeof layers / sizeof layers[0], IMAGES = 2 };

static void compare_part(const golden_file *g, const char *layer, const char *part, double *values,
                         size_t n)
{
    char name[48];
    snprintf(name, sizeof name, "%s.%s", layer, part);
    golden_compare(g, name, values, n, exact);
    free(values);
}

static void check_conv(const golden_file *g, const char *name, const cnn_layer *l, const double *x,
                       const double *dy)
{
    size_t in = IMAGES * (size_t)cnn_shape_size(l->in),
           out = IMAGES * (size_t)cnn_shape_size(l->out);
    size_t bias = (size_t)l->filters, weights = (size_t)l->parameters - bias;
    double *w = uniform(3, weights), *b = uniform(4, bias);
    double *y = ref_alloc(out, sizeof *y), *dx = ref_alloc(in, sizeof *dx);
    double *dw = ref_alloc(weights, sizeof *dw), *db = ref_alloc(bias, sizeof *db);
    ref_conv_forward(l, IMAGES, x, w, b, y);
    ref_conv_backward_data(l, IMAGES, dy, w, dx);
    ref_conv_backward_weights(l, IMAGES, x, dy, dw, db);
    compare_part(g, name, "y", y, out);
    compare_part(g, name, "dx", dx, in);
    compare_part(g, name, "dw", dw, weights);
    compare_part(g, name, "db", db, bias);
    free(w);
    free(b);
}

static void check_pool(const golden_file *g, const char *name, const cnn_layer *l, const double *x,
                       const double *dy)
{
    size_t in = IMAGES * (size_t)cnn_shape_size(l->in),
           out = IMAGES * (size_t)cnn_shape_size(l->out);
    int32_t *argmax = ref_alloc(out, sizeof *argmax);
    double *y = ref_alloc(out, sizeof *y), *dx = ref_alloc(in, sizeof *dx);
    ref_pool_forward(l, IMAGES, x, y, argmax);
    ref_pool_backward(l, IMAGES, argmax, dy, dx);
    compare_part(g, name, "y", y, out);
    compare_part(g, name, "dx", dx, in);
    free(argmax);
}

static void test_single_layers_agree_with_pytorch(void **state)
{
    (void)state;
    golden_file *g = golden_read("layers");
    for (int i = 0; i < LAYERS; i++) {
        cnn_layer l = rig_layer(layers[i].layer, (cnn_shape){9, 8, 3});
        double *x = uniform(2, IMAGES * (size_t)cnn_shape_size(l.in));
        double *dy = uniform(5, IMAGES * (size_t)cnn_shape_size(l.out));
        if (l.kind == CNN_LAYER_CONV2D)
            check_conv(g, layers[i].name, &l, x, dy);
        else
            check_pool(g, layers[i].name, &l, x, dy);
        free(x);
        free(dy);
    }
    free(g);
}

/* ---- optimisers ---------------------------------------------------------------------------- */

enum { VALUES = 32, STEPS = 5 };

/* Five steps of the reference (exactly) and of the backend (to float's digits). */
static void check_optimizer(const golden_line *expected, bool adam, double momentum, double scale)
{
    rig r;
    rig_open(&r, 1, 0);
    snprintf(r.context, sizeof r.context, "%s", expected->name);
    double *w = uniform(6, VALUES), m[VALUES] = {0}, v[VALUES] = {0};
    float *dev_w = rig_upload(&r, w, VALUES);
    float *dev_m = rig_upload(&r, m, VALUES), *dev_v = rig_upload(&r, v, VALUES);
    for (uint32_t step = 0; step < STEPS; step++) {
        double *g = uniform(7 + step, VALUES);
        for (int i = 0; i < VALUES; i++)
            g[i] = (double)(float)(g[i] * scale);
        float *dev_g = rig_upload(&r, g, VALUES);
        if (adam) {
            ref_adam_update(VALUES, 0.01, step + 1, g, m, v, w);
            OK(cnn_adam_update(r.ops, VALUES, 0.01, step + 1, dev_g, dev_m, dev_v, dev_w));
        } else {
            ref_sgd_update(VALUES, 0.01, momentum, g, m, w);
            OK(cnn_sgd_update(r.ops, VALUES, 0.01, momentum, dev_g, dev_m, dev_w));
        }
        free(g);
    }
    assert_int_equal(expected->count, VALUES);
    for (int i = 0; i < VALUES; i++)
        if (!(fabs(w[i] - expected->values[i]) <= 1e-14))
            fail_msg("%s: value %d is %.17g, PyTorch's %.17g", expected->name, i, w[i],
                     expected->values[i]);
    rig_compare(&r, "backend", expected->values, dev_w, VALUES, 1e-6);
    free(w);
    rig_close(&r);
}

static void test_optimizers_agree_with_pytorch(void **state)
{
    (void)state;
    golden_file *g = golden_read("optimizers");
    check_optimizer(golden_find(g, "sgd_0"), false, 0, 1);
    check_optimizer(golden_find(g, "sgd_0.9"), false, 0.9, 1);
    check_optimizer(golden_find(g, "adam"), true, 0, 1);
    check_optimizer(golden_find(g, "adam_small"), true, 0, 1e-6);
    free(g);
}

/* ---- a step of the study's networks --------------------------------------------------------- */

/* The images that the file names by their stream; the labels are the next one. */
static picture_set golden_pictures(const golden_file *g, cnn_shape shape, int classes)
{
    int count = (int)golden_find(g, "batch")->values[0];
    uint32_t stream = (uint32_t)golden_find(g, "stream")->values[0];
    picture_set p = {.shape = shape, .classes = classes, .count = count};
    size_t values = (size_t)count * (size_t)cnn_shape_size(shape);
    p.x = ref_alloc(values, sizeof *p.x);
    p.labels = ref_alloc((size_t)count, sizeof *p.labels);
    for (size_t i = 0; i < values; i++)
        p.x[i] = (float)((word(stream, i) & 255) / 255.0);
    for (int i = 0; i < count; i++)
        p.labels[i] = (int32_t)(word(stream + 1, (uint64_t)i) % (uint32_t)classes);
    return p;
}

/* All tensors of a flat vector against lines <what>.0, <what>.1, ... */
static void compare_all(const golden_file *g, const cnn_network *net, const char *what,
                        const double *flat, double tolerance)
{
    for (int t = 0; t < net->parameter_count; t++) {
        char name[48];
        snprintf(name, sizeof name, "%s.%d", what, t);
        golden_compare(g, name, flat + net->parameters[t].offset, (size_t)net->parameters[t].size,
                       tolerance);
    }
}

static void compare_scalar(const golden_file *g, const char *name, double value, double tolerance)
{
    double expected = golden_find(g, "%s", name)->values[0];
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s is %.15g, PyTorch's %.15g", name, value, expected);
}

static void check_reference(pair *p, const golden_file *g)
{
    const int32_t *labels;
    const cnn_network *net = &p->net;
    int64_t errors = 0, wrong = 0;
    double evaluated = 0;
    compare_scalar(g, "parameters", (double)net->parameter_total, 0);
    compare_all(g, net, "start", ref_network_parameters(p->reference), 1e-12);
    int n = pair_batch(p, 0, &labels);
    double loss = ref_network_differentiate(p->reference, n, p->x, labels, &errors);
    ref_network_update(p->reference);
    compare_scalar(g, "loss", loss, exact);
    compare_scalar(g, "errors", (double)errors, 0);
    compare_all(g, net, "gradient", ref_network_gradients(p->reference), exact);
    compare_all(g, net, "updated", ref_network_parameters(p->reference), exact);
    const golden_line *state = golden_find(g, "state");
    assert_int_equal(state->count, net->state_total);
    for (int i = 0; i < state->count; i++)
        assert_true(fabs(ref_network_state(p->reference)[i] - state->values[i]) <= exact);
    ref_loss(net->classes, n, ref_network_forward(p->reference, n, false, p->x), labels, &evaluated,
             &wrong, NULL);
    compare_scalar(g, "evaluated", evaluated / n, exact);
}

/* p->values as doubles: to be freed. */
static double *widened(const pair *p)
{
    double *values = ref_alloc((size_t)p->net.parameter_total, sizeof *values);
    for (int64_t i = 0; i < p->net.parameter_total; i++)
        values[i] = (double)p->values[i];
    return values;
}

static void check_path(pair *p, const golden_file *g, cnn_model *m)
{
    cnn_metrics trained, evaluated;
    OK(cnn_model_train(m, p->feed, 0, 1, NULL));
    OK(cnn_model_metrics(m, &trained));
    OK(cnn_model_gradients(m, p->values));
    double *values = widened(p);
    compare_all(g, &p->net, "gradient", values, 1e-4);
    free(values);
    OK(cnn_model_parameters(m, p->values));
    values = widened(p);
    compare_all(g, &p->net, "updated", values, 1e-4);
    free(values);
    OK(cnn_model_evaluate(m, p->feed, &evaluated));
    double n = (double)trained.images;
    compare_scalar(g, "loss", trained.loss_sum / n, 1e-5);
    compare_scalar(g, "errors", (double)trained.errors, 0);
    compare_scalar(g, "evaluated", evaluated.loss_sum / n, 1e-4);
}

static void check_network(const char *network, cnn_shape shape, int classes)
{
    char name[16];
    cnn_network net;
    pair p;
    cnn_train train = cnn_train_defaults();
    snprintf(name, sizeof name, "%s_%d", network, shape.h);
    golden_file *g = golden_read(name);
    picture_set images = golden_pictures(g, shape, classes);
    train.batch_size = images.count;
    assert_true(cnn_network_builtin(network, &net));
    pair_open(&p, &net, &train, seed, &images);
    check_reference(&p, g);
    for (int path = 0; path < 2; path++)
        check_path(&p, g, p.model[path]);
    pair_close(&p);
    pictures_free(&images);
    free(g);
}

static void test_arch1_step_agrees_with_pytorch(void **state)
{
    (void)state;
    check_network("arch1", (cnn_shape){28, 28, 1}, 10);
    check_network("arch1", (cnn_shape){50, 50, 3}, 2);
}

static void test_arch2_step_agrees_with_pytorch(void **state)
{
    (void)state;
    check_network("arch2", (cnn_shape){28, 28, 1}, 10);
    check_network("arch2", (cnn_shape){50, 50, 3}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_layers_agree_with_pytorch),
        cmocka_unit_test(test_optimizers_agree_with_pytorch),
        cmocka_unit_test(test_arch1_step_agrees_with_pytorch),
        cmocka_unit_test(test_arch2_step_agrees_with_pytorch),
    };
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
