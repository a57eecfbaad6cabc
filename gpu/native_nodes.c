/* The kinds of nodes of the native path: what they need, forward, backward. */
#include "base/philox.h"
#include "gpu/native_internal.h"

/* ---- what several kinds share -------------------------------------------------------------- */

static size_t image_floats(const cnn_step *s, cnn_shape shape)
{
    return (size_t)cnn_ops_max_batch(s->ops) * (size_t)cnn_shape_size(shape);
}

static size_t batch_size(const cnn_native_pass *pass, cnn_shape shape)
{
    return (size_t)pass->n * (size_t)cnn_shape_size(shape);
}

static size_t rows_of(const cnn_native_pass *pass, cnn_shape shape)
{
    return (size_t)pass->n * (size_t)shape.h * (size_t)shape.w;
}

/* Tensors of a pool that is folded into a node: what comes before it, and the mask. */
static cnn_status add_pool(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index, back = cnn_native_back(s, i);
    const size_t bytes = image_floats(s, node->mid) * sizeof(float);
    CNN_TRY(cnn_native_tensor(s, "before pool", i, bytes, i, i, &node->before_pool));
    CNN_TRY(
        cnn_native_tensor(s, "mask", i, image_floats(s, node->pool->out), i, back, &node->mask));
    if (node->trains)
        CNN_TRY(cnn_native_tensor(s, "before pool gradient", i, bytes, back, back,
                                  &node->before_pool_gradient));
done:
    return st;
}

/* Sums over rows of what the node leaves, for its bias's gradient. */
static cnn_status add_bias_sums(cnn_step *s, cnn_native_node *node, size_t rows, int columns)
{
    const int back = cnn_native_back(s, node->index);
    return cnn_native_add_sums(s, node, cnn_gpu_column_sums(rows, columns),
                               cnn_gpu_tickets(columns), back, back);
}

static cnn_status nothing_to_create(cnn_step *s, cnn_native_node *node)
{
    (void)s;
    (void)node;
    return CNN_OK;
}

/* ---- convolution + bias [+ ReLU] [+ pool] -------------------------------------------------- */

static cnn_status add_plans(cnn_step *s, cnn_native_node *node, cnn_conv_direction direction)
{
    for (int i = 0; i < s->ops->size_count; i++) {
        const cnn_conv_problem problem =
            cnn_conv_problem_of(node->layer, s->ops->sizes[i], direction);
        const cnn_status st = cnn_conv_plan_create(s->ops, &problem, &node->plans[direction][i]);
        if (st != CNN_OK)
            return st;
    }
    return CNN_OK;
}

static cnn_gpu_convolution geometry(const cnn_native_node *node, int n)
{
    return cnn_conv_problem_of(node->layer, n, CNN_CONV_FORWARD).shape;
}

/* A first layer whose gradient of the image nobody wants, with a pool: own kernels do all of it. */
static cnn_status own_first_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index, back = cnn_native_back(s, i);
    const size_t parts =
        cnn_gpu_first_parts(geometry(node, cnn_ops_max_batch(s->ops)), node->windows);
    node->own_first = true;
    CNN_TRY(
        cnn_native_tensor(s, "mask", i, image_floats(s, node->pool->out), i, back, &node->mask));
    CNN_TRY(cnn_native_add_sums(s, node, parts, 1, back, back));
done:
    return st;
}

/* Bias and ReLU are the convolution's own affair unless a pool takes them up. */
static bool fuses_relu(const cnn_native_node *node)
{
    return node->relu && !node->pool;
}

static cnn_status library_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const cnn_shape out = node->pool ? node->pool->out : node->mid;
    const size_t images = (size_t)cnn_ops_max_batch(s->ops);
    CNN_TRY(add_plans(s, node, fuses_relu(node) ? CNN_CONV_FORWARD_BIAS_RELU : CNN_CONV_FORWARD));
    if (node->trains)
        CNN_TRY(add_plans(s, node, CNN_CONV_BACKWARD_WEIGHTS));
    if (node->input_gradient)
        CNN_TRY(add_plans(s, node, CNN_CONV_BACKWARD_DATA));
    if (node->pool)
        CNN_TRY(add_pool(s, node));
    if (node->trains)
        CNN_TRY(add_bias_sums(s, node, images * (size_t)out.h * (size_t)out.w, out.c));
done:
    return st;
}

static cnn_status conv_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    cnn_native_add_parameter(s, node, 0, true);
    cnn_native_add_parameter(s, node, 1, false);
    if (node->pool)
        CNN_TRY(cnn_cuda_windows(node->pool, &node->windows));
    const bool own = node->pool && node->trains && !node->input_gradient &&
                     cnn_gpu_first_fits(geometry(node, 1), node->windows);
    CNN_TRY(own ? own_first_create(s, node) : library_create(s, node));
done:
    return st;
}

static cnn_status conv_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const cudaStream_t stream = s->ops->stream;
    const float *x = cnn_native_value(s, node->index), *weights = cnn_native_weights(s, node, 0);
    const float *bias = cnn_native_weights(s, node, 1);
    float *y = cnn_native_value(s, node->index + 1);
    float *z = node->pool ? cnn_native_at(s, node->before_pool) : y;
    uint8_t *mask = pass->training ? cnn_native_at(s, node->mask) : NULL;
    if (node->own_first) {
        CNN_CUDA(cnn_gpu_first_forward(stream, geometry(node, pass->n), node->windows, x, weights,
                                       bias, node->relu, y, mask));
        goto done;
    }
    const cnn_conv_operands o = {x, weights, z, bias};
    if (fuses_relu(node)) {
        CNN_TRY(cnn_conv_plan_run(node->plans[CNN_CONV_FORWARD_BIAS_RELU][pass->size], o));
        goto done;
    }
    CNN_TRY(cnn_conv_plan_run(node->plans[CNN_CONV_FORWARD][pass->size], o));
    if (node->pool)
        CNN_CUDA(
            cnn_gpu_maxpool_forward(stream, pass->n, node->windows, z, bias, node->relu, y, mask));
    else
        CNN_CUDA(
            cnn_gpu_add_bias(stream, rows_of(pass, node->mid), node->mid.c, bias, node->relu, y));
done:
    return st;
}

/* The gradient of what the convolution leaves, and the bias's, where a pool follows. The bias's is
 * a sum over what passes the pool, whose windows may overlap. */
static cnn_status unpool(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass, float *dz)
{
    cnn_status st = CNN_OK;
    const cudaStream_t stream = s->ops->stream;
    const float *dy = cnn_native_gradient(s, node->index + 1);
    const uint8_t *mask = cnn_native_at(s, node->mask);
    const cnn_gpu_sums sums = cnn_native_sums(s, node);
    float *dbias = cnn_native_slopes(s, node, 1);
    if (cnn_gpu_windows_tile(node->windows)) {
        CNN_CUDA(cnn_gpu_unpool_bias_gradient(stream, pass->n, node->windows, mask, dy, dz, sums,
                                              dbias));
    } else {
        CNN_CUDA(cnn_gpu_maxpool_backward(stream, pass->n, node->windows, mask, dy, dz));
        CNN_CUDA(
            cnn_gpu_bias_gradient(stream, rows_of(pass, node->mid), node->mid.c, dz, sums, dbias));
    }
done:
    return st;
}

static cnn_status conv_output_gradient(cnn_step *s, cnn_native_node *node,
                                       const cnn_native_pass *pass, float **dz)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_sums sums = cnn_native_sums(s, node);
    const size_t rows = rows_of(pass, node->mid);
    float *dbias = cnn_native_slopes(s, node, 1);
    *dz = node->pool ? cnn_native_at(s, node->before_pool_gradient)
                     : cnn_native_gradient(s, node->index + 1);
    if (node->pool)
        CNN_TRY(unpool(s, node, pass, *dz));
    else if (node->relu)
        CNN_CUDA(cnn_gpu_relu_bias_gradient(s->ops->stream, rows, node->mid.c,
                                            cnn_native_value(s, node->index + 1), *dz, sums,
                                            dbias));
    else
        CNN_CUDA(cnn_gpu_bias_gradient(s->ops->stream, rows, node->mid.c, *dz, sums, dbias));
done:
    return st;
}

static cnn_status conv_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const float *x = cnn_native_value(s, node->index);
    float *dz = NULL, *dweights = cnn_native_slopes(s, node, 0);
    if (node->own_first) {
        CNN_CUDA(cnn_gpu_first_backward(s->ops->stream, geometry(node, pass->n), node->windows, x,
                                        cnn_native_gradient(s, node->index + 1),
                                        cnn_native_at(s, node->mask), cnn_native_sums(s, node),
                                        dweights, cnn_native_slopes(s, node, 1)));
        goto done;
    }
    CNN_TRY(conv_output_gradient(s, node, pass, &dz));
    const cnn_conv_operands w = {x, dz, dweights, NULL};
    CNN_TRY(cnn_conv_plan_run(node->plans[CNN_CONV_BACKWARD_WEIGHTS][pass->size], w));
    if (node->input_gradient) {
        const cnn_conv_operands o = {dz, cnn_native_weights(s, node, 0),
                                     cnn_native_gradient(s, node->index), NULL};
        CNN_TRY(cnn_conv_plan_run(node->plans[CNN_CONV_BACKWARD_DATA][pass->size], o));
    }
done:
    return st;
}

static void describe_plan(const char *what, const cnn_conv_plan *plan, cnn_text *out)
{
    if (!plan)
        return;
    cnn_text_printf(out, "%s ", what);
    cnn_conv_plan_describe(plan, out);
}

static void conv_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    (void)s;
    if (node->own_first) {
        cnn_text_printf(out,
                        "convolution + bias%s + maxpool in one kernel; backward: weights and "
                        "bias in one kernel, from the pooled gradient",
                        node->relu ? " + relu" : "");
        return;
    }
    const bool tile = node->pool && cnn_gpu_windows_tile(node->windows);
    describe_plan("convolution + bias + relu", node->plans[CNN_CONV_FORWARD_BIAS_RELU][0], out);
    describe_plan("convolution", node->plans[CNN_CONV_FORWARD][0], out);
    if (!fuses_relu(node))
        cnn_text_printf(out, ", bias%s%s in one kernel", node->relu ? " + relu" : "",
                        node->pool ? " + maxpool" : "");
    if (node->trains)
        cnn_text_printf(out, "; backward: %s, ",
                        tile         ? "pool + relu + bias in one kernel"
                        : node->pool ? "pool + relu, bias"
                        : node->relu ? "relu + bias in one kernel"
                                     : "bias");
    describe_plan("weights", node->plans[CNN_CONV_BACKWARD_WEIGHTS][0], out);
    describe_plan(", data", node->plans[CNN_CONV_BACKWARD_DATA][0], out);
}

/* ---- dense + bias [+ ReLU] ----------------------------------------------------------------- */

/* The last node's bias is added, and its gradient taken, by the loss. */
static bool is_last(const cnn_step *s, const cnn_native_node *node)
{
    return node->index == s->node_count - 1;
}

static cnn_status dense_create(cnn_step *s, cnn_native_node *node)
{
    cnn_native_add_parameter(s, node, 0, true);
    cnn_native_add_parameter(s, node, 1, false);
    return is_last(s, node)
               ? CNN_OK
               : add_bias_sums(s, node, (size_t)cnn_ops_max_batch(s->ops), node->mid.c);
}

static cnn_status dense_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    float *y = cnn_native_value(s, node->index + 1);
    CNN_TRY(cnn_cuda_dense_forward(s->ops, pass->n, (int)cnn_shape_size(node->layer->in),
                                   node->mid.c, cnn_native_value(s, node->index),
                                   cnn_native_weights(s, node, 0), y));
    if (!is_last(s, node))
        CNN_CUDA(cnn_gpu_add_bias(s->ops->stream, (size_t)pass->n, node->mid.c,
                                  cnn_native_weights(s, node, 1), node->relu, y));
done:
    return st;
}

static cnn_status dense_bias_gradient(cnn_step *s, cnn_native_node *node,
                                      const cnn_native_pass *pass, float *dy)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_sums sums = cnn_native_sums(s, node);
    float *dbias = cnn_native_slopes(s, node, 1);
    if (node->relu)
        CNN_CUDA(cnn_gpu_relu_bias_gradient(s->ops->stream, (size_t)pass->n, node->mid.c,
                                            cnn_native_value(s, node->index + 1), dy, sums, dbias));
    else
        CNN_CUDA(
            cnn_gpu_bias_gradient(s->ops->stream, (size_t)pass->n, node->mid.c, dy, sums, dbias));
done:
    return st;
}

static cnn_status dense_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const int inputs = (int)cnn_shape_size(node->layer->in), units = node->mid.c;
    float *dy = cnn_native_gradient(s, node->index + 1);
    if (!is_last(s, node))
        CNN_TRY(dense_bias_gradient(s, node, pass, dy));
    CNN_TRY(cnn_cuda_dense_backward_weights(s->ops, pass->n, inputs, units,
                                            cnn_native_value(s, node->index), dy,
                                            cnn_native_slopes(s, node, 0)));
    if (node->input_gradient)
        CNN_TRY(cnn_cuda_dense_backward_data(s->ops, pass->n, inputs, units, dy,
                                             cnn_native_weights(s, node, 0),
                                             cnn_native_gradient(s, node->index)));
done:
    return st;
}

static void dense_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    const char *data = node->input_gradient ? ", sgemm" : "";
    if (is_last(s, node))
        cnn_text_printf(out, "cuBLAS sgemm; bias and its gradient with the loss; backward: sgemm%s",
                        data);
    else
        cnn_text_printf(out, "cuBLAS sgemm, bias%s in one kernel; backward: %sbias, sgemm%s",
                        node->relu ? " + relu" : "", node->relu ? "relu + " : "", data);
}

/* ---- batch normalisation [+ ReLU] [+ pool] ------------------------------------------------- */

static cnn_status norm_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index, back = cnn_native_back(s, i);
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, cnn_ops_max_batch(s->ops));
    const size_t bytes = (size_t)shape.statistics * sizeof(float);
    cnn_native_add_parameter(s, node, 0, false);
    cnn_native_add_parameter(s, node, 1, false);
    CNN_TRY(cnn_native_tensor(s, "mean", i, bytes, i, back, &node->mean));
    CNN_TRY(cnn_native_tensor(s, "deviation", i, bytes, i, back, &node->inverse));
    CNN_TRY(cnn_native_add_sums(s, node, cnn_gpu_norm_sums(shape), cnn_gpu_norm_tickets(shape), i,
                                back));
    if (node->pool) {
        CNN_TRY(cnn_cuda_windows(node->pool, &node->windows));
        CNN_TRY(add_pool(s, node));
    }
done:
    return st;
}

static cnn_status normalise(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass,
                            bool relu, float *y)
{
    cnn_status st = CNN_OK;
    const cnn_gpu_norm_shape shape = cnn_cuda_norm_shape(node->layer, pass->n);
    const float *x = cnn_native_value(s, node->index);
    const float *gamma = cnn_native_weights(s, node, 0), *beta = cnn_native_weights(s, node, 1);
    float *mean = s->running + node->running, *variance = mean + shape.statistics;
    if (pass->training)
        CNN_CUDA(cnn_gpu_norm_training(s->ops->stream, shape, x, gamma, beta, mean, variance,
                                       cnn_native_sums(s, node), cnn_native_at(s, node->mean),
                                       cnn_native_at(s, node->inverse), relu, y));
    else
        CNN_CUDA(
            cnn_gpu_norm_inference(s->ops->stream, shape, x, gamma, beta, mean, variance, relu, y));
done:
    return st;
}

static cnn_status norm_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    float *y = cnn_native_value(s, node->index + 1);
    float *z = cnn_native_at(s, node->before_pool);
    if (!node->pool)
        return normalise(s, node, pass, node->relu, y);
    CNN_TRY(normalise(s, node, pass, false, z));
    CNN_CUDA(cnn_gpu_maxpool_forward(s->ops->stream, pass->n, node->windows, z, NULL, node->relu, y,
                                     pass->training ? cnn_native_at(s, node->mask) : NULL));
done:
    return st;
}

static cnn_status norm_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const float *dz = cnn_native_gradient(s, node->index + 1);
    const float *y = node->relu && !node->pool ? cnn_native_value(s, node->index + 1) : NULL;
    if (node->pool) {
        float *unpooled = cnn_native_at(s, node->before_pool_gradient);
        CNN_CUDA(cnn_gpu_maxpool_backward(s->ops->stream, pass->n, node->windows,
                                          cnn_native_at(s, node->mask), dz, unpooled));
        dz = unpooled;
    }
    CNN_CUDA(cnn_gpu_norm_backward(
        s->ops->stream, cnn_cuda_norm_shape(node->layer, pass->n), cnn_native_value(s, node->index),
        dz, y, cnn_native_weights(s, node, 0), cnn_native_at(s, node->mean),
        cnn_native_at(s, node->inverse), cnn_native_sums(s, node),
        node->input_gradient ? cnn_native_gradient(s, node->index) : NULL,
        cnn_native_slopes(s, node, 0), cnn_native_slopes(s, node, 1)));
done:
    return st;
}

static void norm_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "sums, statistics, normalised%s%s; backward: %ssums%s",
                    node->relu && !node->pool ? " + relu" : "",
                    node->pool ? (node->relu ? ", relu + maxpool" : ", maxpool") : "",
                    node->pool ? "pool, " : "", node->input_gradient ? ", data" : "");
}

/* ---- a pool, a ReLU, a dropout of their own ------------------------------------------------ */

static cnn_status pool_create(cnn_step *s, cnn_native_node *node)
{
    cnn_status st = CNN_OK;
    const int i = node->index;
    CNN_TRY(cnn_cuda_windows(node->layer, &node->windows));
    if (node->layer->kind == CNN_LAYER_MAXPOOL)
        CNN_TRY(cnn_native_tensor(s, "mask", i, image_floats(s, node->layer->out), i,
                                  cnn_native_back(s, i), &node->mask));
done:
    return st;
}

static cnn_status pool_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const float *x = cnn_native_value(s, node->index);
    float *y = cnn_native_value(s, node->index + 1);
    if (node->layer->kind == CNN_LAYER_MAXPOOL)
        CNN_CUDA(cnn_gpu_maxpool_forward(s->ops->stream, pass->n, node->windows, x, NULL, false, y,
                                         cnn_native_at(s, node->mask)));
    else
        CNN_CUDA(cnn_gpu_avgpool_forward(s->ops->stream, pass->n, node->windows, x, y));
done:
    return st;
}

static cnn_status pool_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    const float *dy = cnn_native_gradient(s, node->index + 1);
    float *dx = cnn_native_gradient(s, node->index);
    if (!node->input_gradient)
        return CNN_OK;
    if (node->layer->kind == CNN_LAYER_MAXPOOL)
        CNN_CUDA(cnn_gpu_maxpool_backward(s->ops->stream, pass->n, node->windows,
                                          cnn_native_at(s, node->mask), dy, dx));
    else
        CNN_CUDA(cnn_gpu_avgpool_backward(s->ops->stream, pass->n, node->windows, dy, dx));
done:
    return st;
}

static cnn_status relu_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    CNN_CUDA(cnn_gpu_relu_forward(s->ops->stream, batch_size(pass, node->mid),
                                  cnn_native_value(s, node->index),
                                  cnn_native_value(s, node->index + 1)));
done:
    return st;
}

static cnn_status relu_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    cnn_status st = CNN_OK;
    if (node->input_gradient)
        CNN_CUDA(cnn_gpu_relu_backward(
            s->ops->stream, batch_size(pass, node->mid), cnn_native_value(s, node->index + 1),
            cnn_native_gradient(s, node->index + 1), cnn_native_gradient(s, node->index)));
done:
    return st;
}

/* Forward and backward are one function; in evaluation rate 0 copies. */
static cnn_status drop(cnn_step *s, const cnn_native_node *node, const cnn_native_pass *pass,
                       const float *from, float *to)
{
    cnn_status st = CNN_OK;
    const int layer = (int)(node->layer - s->net.layers);
    CNN_CUDA(cnn_gpu_dropout(s->ops->stream, batch_size(pass, node->mid),
                             pass->training ? node->layer->rate : 0, s->seed,
                             CNN_RANDOM_DROPOUT + (uint32_t)layer, &s->place->step, 0, from, to));
done:
    return st;
}

static cnn_status dropout_forward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    return drop(s, node, pass, cnn_native_value(s, node->index),
                cnn_native_value(s, node->index + 1));
}

static cnn_status dropout_backward(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass)
{
    if (!node->input_gradient)
        return CNN_OK;
    return drop(s, node, pass, cnn_native_gradient(s, node->index + 1),
                cnn_native_gradient(s, node->index));
}

static void simple_describe(const cnn_step *s, const cnn_native_node *node, cnn_text *out)
{
    (void)s;
    cnn_text_printf(out, "%s; backward: the same", cnn_layer_kind_name(node->layer->kind));
}

/* ---- the table ----------------------------------------------------------------------------- */

static const cnn_native_class classes[] = {
    [CNN_NODE_CONV] = {conv_create, conv_forward, conv_backward, conv_describe},
    [CNN_NODE_NORM] = {norm_create, norm_forward, norm_backward, norm_describe},
    [CNN_NODE_POOL] = {pool_create, pool_forward, pool_backward, simple_describe},
    [CNN_NODE_RELU] = {nothing_to_create, relu_forward, relu_backward, simple_describe},
    [CNN_NODE_DROPOUT] = {nothing_to_create, dropout_forward, dropout_backward, simple_describe},
    [CNN_NODE_DENSE] = {dense_create, dense_forward, dense_backward, dense_describe},
};

const cnn_native_class *cnn_native_class_of(cnn_node_kind kind)
{
    return &classes[kind];
}

void cnn_native_node_destroy(cnn_native_node *node)
{
    for (int d = 0; d < CNN_CONV_DIRECTIONS; d++)
        for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++)
            cnn_conv_plan_destroy(&node->plans[d][i]);
}
