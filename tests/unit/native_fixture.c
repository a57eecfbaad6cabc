/* SPDX-License-Identifier: Apache-2.0 */
#include "native_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- nn/ops.h ------------------------------------------------------------------------------ */

cnn_ops fixture_ops(int max_batch)
{
    return (cnn_ops){.max_batch = max_batch,
                     .late_node = -1,
                     .node_bytes = 8,
                     .node_tensors = 1,
                     .mid = CNN_NO_TENSOR,
                     .mid_gradient = CNN_NO_TENSOR};
}

int cnn_ops_max_batch(const cnn_ops *ops)
{
    return ops->max_batch;
}

cnn_status cnn_ops_alloc(cnn_ops *ops, size_t bytes, const char *what, void **out)
{
    if (++ops->allocations == ops->fails_at)
        return cnn_error_set(CNN_ENOMEM, "no memory for %s", what);
    *out = calloc(bytes ? bytes : 1, 1);
    ops->live++;
    return CNN_OK;
}

void cnn_ops_free(cnn_ops *ops, void **memory)
{
    ops->live -= *memory != NULL;
    free(*memory);
    *memory = NULL;
}

cnn_status cnn_ops_upload(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    (void)ops;
    memcpy(to, from, bytes);
    return CNN_OK;
}

cnn_status cnn_ops_download(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    return cnn_ops_upload(ops, to, from, bytes);
}

cnn_status cnn_ops_zero(cnn_ops *ops, void *memory, size_t bytes)
{
    (void)ops;
    memset(memory, 0, bytes);
    return CNN_OK;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static cnn_status record(cnn_ops *ops, const char *call, int node)
{
    char text[40];
    const size_t used = strlen(ops->log);
    if (node < 0)
        snprintf(text, sizeof text, "%s", call);
    else
        snprintf(text, sizeof text, "%s%d", call, node);
    snprintf(ops->log + used, sizeof ops->log - used, "%s ", text);
    if (!strcmp(text, ops->failing))
        return cnn_error_set(CNN_EBACKEND, "%s fails", text);
    return CNN_OK;
}

static cnn_status node_create(cnn_step *s, cnn_node *node)
{
    static int layout;
    cnn_status st = record(s->ops, "create", node->index);
    const cnn_parameter *p = &s->net.parameters[node->layer->first_parameter];
    const bool weights = node->layer->kind != CNN_LAYER_BATCHNORM;
    int unused;
    node->own = s->ops;
    for (int k = 0; k < 2 && node->layer->parameters > 0; k++)
        cnn_step_add_parameter(s, node, k, (size_t)p[k].size, k == 0 && weights ? &layout : NULL);
    if (node->pool && st == CNN_OK)
        st = cnn_step_add_mid(s, node, &s->ops->mid,
                              s->ops->no_mid_gradient ? NULL : &s->ops->mid_gradient);
    for (int i = 0; i < s->ops->node_tensors && st == CNN_OK; i++)
        st = cnn_step_tensor(s, "scratch", node->index, s->ops->node_bytes, node->index,
                             node->index, &unused);
    return st;
}

static void node_destroy(cnn_node *node)
{
    if (node->own)
        record(node->own, "gone", node->index);
    node->own = NULL;
}

static cnn_status node_forward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    (void)pass;
    return record(s->ops, "f", node->index);
}

static cnn_status node_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass)
{
    (void)pass;
    return record(s->ops, "b", node->index);
}

static void node_describe(const cnn_step *s, const cnn_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_append(out, node->relu ? "nothing, then relu" : "nothing");
}

static const cnn_node_class node_class = {node_create, node_destroy, node_forward, node_backward,
                                          node_describe};
static const cnn_node_class classifier_class = {node_create, node_destroy, node_forward,
                                                node_backward, node_describe};
static const cnn_node_class class_without_destroy = {node_create, NULL, node_forward, node_backward,
                                                     node_describe};

/* ---- the table ----------------------------------------------------------------------------- */

static cnn_status begin(cnn_step *s)
{
    const int late = s->ops->late_node;
    s->reads_feed = s->ops->reads_feed;
    if (late >= 0)
        s->nodes[late].reads_until = cnn_step_back(s, 0);
    return record(s->ops, "begin", -1);
}

static cnn_status finish(cnn_step *s)
{
    return record(s->ops, "finish", -1);
}

static void destroy(cnn_step *s)
{
    record(s->ops, "destroy", -1);
}

static cnn_status negate(cnn_step *s, const cnn_step_parameter *p, const float *from, float *to)
{
    (void)s;
    for (size_t i = 0; i < p->size; i++)
        to[i] = -from[i];
    return CNN_OK;
}

static cnn_status reset(cnn_step *s)
{
    return record(s->ops, "reset", -1);
}

static cnn_status differentiate(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss)
{
    (void)feed;
    *loss = 1;
    return record(s->ops, "differentiate", (int)b);
}

static cnn_status train(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                        float *seconds)
{
    (void)feed;
    (void)first;
    (void)seconds;
    return record(s->ops, "train", (int)count);
}

static cnn_status metrics(cnn_step *s, cnn_metrics *out)
{
    *out = (cnn_metrics){.images = 7};
    return record(s->ops, "metrics", -1);
}

static cnn_status evaluate(cnn_step *s, const cnn_feed *feed, cnn_metrics *out)
{
    (void)feed;
    *out = (cnn_metrics){.images = 8};
    return record(s->ops, "evaluate", -1);
}

static void describe(const cnn_step *s, cnn_text *out)
{
    (void)s;
    cnn_text_append(out, "a line of the backend\n");
}

#define CLASSES(c)                                                                                 \
    {                                                                                              \
        [CNN_NODE_CONV] = (c), [CNN_NODE_NORM] = (c), [CNN_NODE_POOL] = (c),                       \
        [CNN_NODE_RELU] = (c), [CNN_NODE_DROPOUT] = (c), [CNN_NODE_DENSE] = (c)                    \
    }
#define REQUIRED                                                                                   \
    .step_bytes = sizeof(cnn_step), .parameter_values = 16, .alloc = cnn_ops_alloc,                \
    .import = negate, .export = negate, .differentiate = differentiate, .train = train,            \
    .metrics = metrics, .evaluate = evaluate
#define OPTIONAL                                                                                   \
    .begin = begin, .finish = finish, .destroy = destroy, .reset = reset, .describe = describe

const cnn_step_backend fixture_backend = {.classes = CLASSES(&node_class), REQUIRED, OPTIONAL};
const cnn_step_backend fixture_classifier_backend = {.classes = CLASSES(&node_class),
                                                     .classifier = &classifier_class,
                                                     .tensor_bytes = 1 << 20,
                                                     REQUIRED,
                                                     OPTIONAL};
const cnn_step_backend fixture_least_backend = {.classes = CLASSES(&class_without_destroy),
                                                REQUIRED};

/* ---- a network ----------------------------------------------------------------------------- */

cnn_network fixture_network(void)
{
    cnn_network net = {
        .name = "fixture",
        .layer_count = 7,
        .layers =
            {{.kind = CNN_LAYER_DROPOUT, .rate = 0.5},
             {.kind = CNN_LAYER_CONV2D, .filters = 20, .kernel = 3, .stride = 1, .same = true},
             {.kind = CNN_LAYER_RELU},
             {.kind = CNN_LAYER_MAXPOOL, .kernel = 2, .stride = 2, .same = true},
             {.kind = CNN_LAYER_BATCHNORM, .axis = CNN_AXIS_CHANNELS},
             {.kind = CNN_LAYER_RELU},
             {.kind = CNN_LAYER_DENSE}},
    };
    if (cnn_network_infer(&net, (cnn_shape){8, 8, 2}, 3) != CNN_OK)
        abort();
    return net;
}
