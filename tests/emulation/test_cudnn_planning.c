/* SPDX-License-Identifier: Apache-2.0 */
/* Planning of convolutions without a GPU, from the description of one: linked with the real cuDNN,
 * which plans for devices that are not there, and with the emulated one, so that the two refuse and
 * propose alike where gpu/ looks. */
#include "gpu/convolution/cudnn_graph.h"
#include "nn/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef cudnnBackendDescriptor_t descriptor;

/* An H100, in the words of CUDA's device attributes. */
static const char h100[] =
    "{\"deviceVer\": 900, \"driverVer\": 13000, \"cudaDeviceId\": 0, \"totalGlobalMem\": "
    "85000000000,"
    " \"maxGridSize\": [2147483647, 65535, 65535], \"maxBlockSize\": [1024, 1024, 64],"
    " \"regsPerBlock\": 65536, \"multiProcessorCount\": 132, \"smClockRateKHz\": 1980000,"
    " \"memClockRateKHz\": 2619000, \"l2CacheSize\": 52428800, \"warpSize\": 32,"
    " \"maxSharedMemoryPerBlock\": 49152, \"maxSharedMemoryPerBlockOptin\": 232448,"
    " \"reservedSharedMemoryPerBlock\": 1024, \"maxRegistersPerSM\": 65536, \"pciDeviceId\": 0,"
    " \"maxCtasPerSM\": 32, \"maxThreadsPerBlock\": 1024, \"maxThreadsPerSM\": 2048,"
    " \"isTccDriver\": 0, \"supportCoopLaunch\": 1, \"deviceName\": \"NVIDIA H100 80GB HBM3\","
    " \"cudnnVersion\": 91900, \"schemaVersion\": 1}";

static descriptor device; /* of h100 */

#define CUDNN(call)                                                                                \
    do {                                                                                           \
        const cudnnStatus_t status_ = (call);                                                      \
        if (status_ != CUDNN_STATUS_SUCCESS)                                                       \
            fail_cudnn(#call, status_);                                                            \
    } while (0)

static void fail_cudnn(const char *call, cudnnStatus_t status)
{
    char text[512] = "";
    cudnnGetLastErrorString(text, sizeof text);
    fail_msg("%s: %s: %s", call, cudnnGetErrorString(status), text);
}

static descriptor make(cudnnBackendDescriptorType_t type)
{
    descriptor d = NULL;
    CUDNN(cudnnBackendCreateDescriptor(type, &d));
    return d;
}

static void set(descriptor d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                int64_t count, const void *values)
{
    CUDNN(cudnnBackendSetAttribute(d, name, type, count, values));
}

static void set_child(descriptor d, cudnnBackendAttributeName_t name, descriptor child)
{
    set(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &child);
}

static int category(cudnnStatus_t status)
{
    return (int)CUDNN_STATUS_CATEGORY(status);
}

/* Descriptions of devices came with 9.8, and this one is of the version that it names. */
static int open_device(void **state)
{
    (void)state;
    device = NULL;
    if (cudnnGetVersion() / 100 != 919)
        return 0;
    device = make(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    set(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(h100),
        h100);
    CUDNN(cudnnBackendFinalize(device));
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    if (device)
        cudnnBackendDestroyDescriptor(device);
    return 0;
}

static cnn_cudnn_target target(void)
{
    if (!device)
        skip();
    return (cnn_cudnn_target){.description = device};
}

/* ---- what gpu/ plans ----------------------------------------------------------------------- */

static const struct {
    cnn_shape shape;
    int classes;
} inputs[] = {{{28, 28, 1}, 10}, {{50, 50, 3}, 2}};

/* Plans the first engines, and again as a frozen choice does, from the indices and knobs alone. */
static void check_plans(const cnn_conv_problem *problem, const cnn_cudnn_engine *engines, int count)
{
    enum { TRIED = 6 };
    int planned = 0;
    for (int i = 0; i < count && i < TRIED; i++) {
        size_t bytes[2] = {0, 0};
        for (int again = 0; again < 2; again++) {
            cnn_cudnn_graph *graph = NULL;
            cnn_cudnn_plan *plan = NULL;
            assert_int_equal(cnn_cudnn_graph_create(target(), problem, &graph), CNN_OK);
            assert_int_equal(cnn_cudnn_plan_create(graph, &engines[i], &plan), CNN_OK);
            if (plan) {
                planned++;
                bytes[again] = cnn_cudnn_plan_workspace(plan);
            }
            cnn_cudnn_plan_destroy(&plan);
            cnn_cudnn_graph_destroy(&graph);
        }
        assert_int_equal(bytes[0], bytes[1]);
    }
    assert_true(planned >= 2);
}

static void check_problem(const cnn_conv_problem *problem)
{
    const cnn_cudnn_limits limits[] = {{.tf32 = false, .deterministic = true},
                                       {.tf32 = false, .deterministic = false},
                                       {.tf32 = true, .deterministic = true}};
    cnn_cudnn_engine *engines = calloc(CNN_MAX_ENGINES, sizeof *engines);
    int counts[3];
    for (int i = 0; i < 3; i++) {
        cnn_cudnn_graph *graph = NULL;
        if (cnn_cudnn_graph_create(target(), problem, &graph) != CNN_OK ||
            cnn_cudnn_graph_engines(graph, limits[i], engines, &counts[i]) != CNN_OK)
            fail_msg("%s", cnn_error_message());
        cnn_cudnn_graph_destroy(&graph);
        assert_in_range(counts[i], 1, CNN_MAX_ENGINES);
        if (i != 1)
            check_plans(problem, engines, counts[i]);
    }
    assert_true(counts[1] >= counts[0]); /* what is allowed grows */
    assert_true(counts[2] > counts[0]);
    free(engines);
}

static void test_study_networks_can_be_planned(void **state)
{
    (void)state;
    target();
    for (const char *const *name = cnn_network_builtins; *name; name++)
        for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
            cnn_network net;
            assert_true(cnn_network_builtin(*name, &net));
            assert_int_equal(cnn_network_infer(&net, inputs[i].shape, inputs[i].classes), CNN_OK);
            for (int l = 0; l < net.layer_count; l++) {
                if (net.layers[l].kind != CNN_LAYER_CONV2D)
                    continue;
                for (int d = 0; d <= CNN_CONV_FORWARD_BIAS_RELU; d++) {
                    const cnn_conv_problem p =
                        cnn_conv_problem_of(&net.layers[l], 32, (cnn_conv_direction)d);
                    check_problem(&p);
                }
            }
        }
}

/* 'same' with an even kernel: more padding behind than before. */
static void test_unequal_padding_can_be_planned(void **state)
{
    (void)state;
    cnn_network net = {
        .name = "even",
        .layer_count = 2,
        .layers = {{.kind = CNN_LAYER_CONV2D, .filters = 8, .kernel = 4, .stride = 1, .same = true},
                   {.kind = CNN_LAYER_DENSE}}};
    target();
    assert_int_equal(cnn_network_infer(&net, inputs[1].shape, 2), CNN_OK);
    for (int d = 0; d <= CNN_CONV_FORWARD_BIAS_RELU; d++) {
        const cnn_conv_problem p = cnn_conv_problem_of(&net.layers[0], 16, (cnn_conv_direction)d);
        assert_int_not_equal(p.pad_bottom, p.shape.pad_top);
        check_problem(&p);
    }
}

/* ---- what gpu/ relies on: engines and their notes ------------------------------------------- */

static descriptor make_tensor(int64_t uid, int64_t n, int64_t c, int64_t h, int64_t w)
{
    const descriptor d = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const int64_t dims[] = {n, c, h, w}, strides[] = {h * w * c, 1, w * c, c}, alignment = 16;
    set(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    set(d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    set(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid);
    set(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    CUDNN(cudnnBackendFinalize(d));
    return d;
}

static descriptor make_convolution(int64_t padding)
{
    const descriptor d = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const int64_t dims = 2, ones[] = {1, 1}, pads[] = {padding, padding};
    set(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims);
    set(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
    set(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, ones);
    set(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    set(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    CUDNN(cudnnBackendFinalize(d));
    return d;
}

/* 32 x 16 x 12 x 12, 32 filters of 5 x 5, 'same', in one of the three directions. */
typedef struct {
    descriptor parts[6]; /* x, w, y, convolution, operation, graph */
} raw_graph;

static const struct {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t x, w, y, convolution;
} names[] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC},
};

/* An operation not yet finalised; out_h 12 fits. */
static descriptor make_operation(int direction, int64_t out_h, raw_graph *g)
{
    g->parts[0] = make_tensor(1, 32, 16, 12, 12);
    g->parts[1] = make_tensor(2, 32, 16, 5, 5);
    g->parts[2] = make_tensor(3, 32, 32, out_h, 12);
    g->parts[3] = make_convolution(2);
    const descriptor d = g->parts[4] = make(names[direction].type);
    set_child(d, names[direction].x, g->parts[0]);
    set_child(d, names[direction].w, g->parts[1]);
    set_child(d, names[direction].y, g->parts[2]);
    set_child(d, names[direction].convolution, g->parts[3]);
    return d;
}

static descriptor make_graph(int direction, raw_graph *g)
{
    CUDNN(cudnnBackendFinalize(make_operation(direction, 12, g)));
    g->parts[5] = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set_child(g->parts[5], CUDNN_ATTR_OPERATIONGRAPH_OPS, g->parts[4]);
    CUDNN(cudnnBackendFinalize(g->parts[5]));
    return g->parts[5];
}

static void drop_graph(raw_graph *g)
{
    for (int i = 5; i >= 0; i--)
        if (g->parts[i])
            cudnnBackendDestroyDescriptor(g->parts[i]);
}

static descriptor make_engine(descriptor graph, int64_t index)
{
    const descriptor d = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    set_child(d, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph);
    set(d, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &index);
    set_child(d, CUDNN_ATTR_ENGINE_DEVICEPROP, device);
    return d;
}

/* The notes that decide, as bits: 1 tensor cores, 2 half precision, 4 differs from run to run. */
static int notes_of(descriptor engine)
{
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t count = 0;
    int bits = 0;
    CUDNN(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                   CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT,
                                   &count, notes));
    for (int64_t i = 0; i < count; i++)
        bits |= notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE           ? 1
                : notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ? 2
                : notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC    ? 4
                                                                       : 0;
    return bits;
}

/* The engines that the emulation has. */
static void test_engines_have_the_notes_that_the_emulation_gives_them(void **state)
{
    (void)state;
    static const struct {
        int direction;
        int64_t index;
        int notes;
    } engines[] = {{0, 0, 0}, {0, 1, 0}, {0, 28, 0}, {0, 67, 1}, {0, 62, 3},
                   {1, 0, 0}, {1, 1, 0}, {1, 25, 4}, {1, 71, 1}, {1, 67, 3},
                   {2, 0, 0}, {2, 1, 0}, {2, 20, 4}, {2, 68, 1}, {2, 65, 3}};
    target();
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        raw_graph g = {{NULL}};
        const descriptor d = make_engine(make_graph(engines[i].direction, &g), engines[i].index);
        CUDNN(cudnnBackendFinalize(d));
        assert_int_equal(notes_of(d), engines[i].notes);
        cudnnBackendDestroyDescriptor(d);
        drop_graph(&g);
    }
}

static void test_unknown_engines_and_knobs_are_not_supported(void **state)
{
    (void)state;
    raw_graph g = {{NULL}};
    const cudnnBackendKnobType_t type = CUDNN_KNOB_TYPE_SPLIT_COLS;
    const int64_t value = 1;
    target();
    const descriptor graph = make_graph(0, &g), none = make_engine(graph, 5000),
                     engine = make_engine(graph, 67);
    assert_int_equal(category(cudnnBackendFinalize(none)), CUDNN_STATUS_NOT_SUPPORTED);
    CUDNN(cudnnBackendFinalize(engine));
    const descriptor knob = make(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR),
                     config = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    set(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type);
    set(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &value);
    CUDNN(cudnnBackendFinalize(knob));
    set_child(config, CUDNN_ATTR_ENGINECFG_ENGINE, engine);
    set_child(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knob);
    assert_int_equal(category(cudnnBackendFinalize(config)), CUDNN_STATUS_NOT_SUPPORTED);
    cudnnBackendDestroyDescriptor(config);
    cudnnBackendDestroyDescriptor(knob);
    cudnnBackendDestroyDescriptor(engine);
    cudnnBackendDestroyDescriptor(none);
    drop_graph(&g);
}

static void test_wrong_attributes_are_refused(void **state)
{
    (void)state;
    const int64_t four[] = {1, 2, 3, 4};
    int64_t got[4], count = 0;
    target();
    const descriptor d = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    assert_int_equal(
        cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_FLOAT, 4, four),
        CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
    assert_int_equal(category(cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID,
                                                       CUDNN_TYPE_INT64, 2, four)),
                     CUDNN_STATUS_BAD_PARAM);
    assert_int_equal(category(cudnnBackendSetAttribute(d, CUDNN_ATTR_CONVOLUTION_DILATIONS,
                                                       CUDNN_TYPE_INT64, 2, four)),
                     CUDNN_STATUS_BAD_PARAM);
    assert_int_equal(category(cudnnBackendFinalize(d)), CUDNN_STATUS_BAD_PARAM);
    assert_int_equal(
        cudnnBackendGetAttribute(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, &count, got),
        CUDNN_STATUS_NOT_INITIALIZED);
    cudnnBackendDestroyDescriptor(d);
}

static void test_finalised_descriptors_do_not_change(void **state)
{
    (void)state;
    const int64_t uid = 9;
    int64_t dims[8], count = 0;
    target();
    const descriptor d = make_tensor(1, 2, 3, 4, 5);
    assert_int_equal(category(cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID,
                                                       CUDNN_TYPE_INT64, 1, &uid)),
                     CUDNN_STATUS_BAD_PARAM);
    CUDNN(cudnnBackendGetAttribute(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 8, &count,
                                   dims));
    assert_int_equal(count, 4);
    assert_int_equal(dims[3], 5);
    cudnnBackendDestroyDescriptor(d);
}

static void test_shapes_must_belong_together(void **state)
{
    (void)state;
    target();
    for (int direction = 0; direction < 3; direction++) {
        raw_graph g = {{NULL}};
        const descriptor d = make_operation(direction, 11, &g);
        assert_int_equal(category(cudnnBackendFinalize(d)), CUDNN_STATUS_BAD_PARAM);
        drop_graph(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_study_networks_can_be_planned),
        cmocka_unit_test(test_unequal_padding_can_be_planned),
        cmocka_unit_test(test_engines_have_the_notes_that_the_emulation_gives_them),
        cmocka_unit_test(test_unknown_engines_and_knobs_are_not_supported),
        cmocka_unit_test(test_wrong_attributes_are_refused),
        cmocka_unit_test(test_finalised_descriptors_do_not_change),
        cmocka_unit_test(test_shapes_must_belong_together),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
