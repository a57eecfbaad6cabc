/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/problem.h"

static const char *const direction_names[] = {"fwd", "dgrad", "wgrad", "fwdbr", "fwdpool"};

/* Padding that windows reach after the last row or column. */
static int after(int in, int out, int kernel, int stride, int before)
{
    const int reach = (out - 1) * stride + kernel - in - before;
    return reach > 0 ? reach : 0;
}

cnn_conv_problem cnn_conv_problem_of(const cnn_layer *l, int n, cnn_conv_direction direction)
{
    return (cnn_conv_problem){
        .direction = direction,
        .shape = {.n = n,
                  .h = l->in.h,
                  .w = l->in.w,
                  .c = l->in.c,
                  .out_h = l->out.h,
                  .out_w = l->out.w,
                  .out_c = l->out.c,
                  .kernel = l->kernel,
                  .stride = l->stride,
                  .pad_top = l->pad_top,
                  .pad_left = l->pad_left},
        .pad_bottom = after(l->in.h, l->out.h, l->kernel, l->stride, l->pad_top),
        .pad_right = after(l->in.w, l->out.w, l->kernel, l->stride, l->pad_left),
    };
}

cnn_conv_problem cnn_conv_problem_with_pool(const cnn_layer *l, int n, cnn_gpu_windows pool,
                                            bool relu)
{
    cnn_conv_problem p = cnn_conv_problem_of(l, n, CNN_CONV_FORWARD_POOL);
    p.pool = pool;
    p.relu = relu;
    return p;
}

cnn_conv_problem cnn_conv_problem_plain(const cnn_conv_problem *p)
{
    cnn_conv_problem plain = *p;
    plain.direction = CNN_CONV_FORWARD;
    return plain;
}

cnn_conv_operands cnn_conv_operands_plain(const cnn_conv_problem *p, cnn_conv_operands o)
{
    if (p->direction == CNN_CONV_FORWARD_POOL)
        o.result = o.before;
    return o;
}

size_t cnn_conv_problem_input(const cnn_conv_problem *p)
{
    const cnn_gpu_convolution *s = &p->shape;
    return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}

size_t cnn_conv_problem_output(const cnn_conv_problem *p)
{
    const cnn_gpu_convolution *s = &p->shape;
    return (size_t)s->n * (size_t)s->out_h * (size_t)s->out_w * (size_t)s->out_c;
}

size_t cnn_conv_problem_weights(const cnn_conv_problem *p)
{
    const cnn_gpu_convolution *s = &p->shape;
    return (size_t)s->out_c * (size_t)s->kernel * (size_t)s->kernel * (size_t)s->c;
}

size_t cnn_conv_problem_pooled(const cnn_conv_problem *p)
{
    return (size_t)p->shape.n * (size_t)p->pool.out_h * (size_t)p->pool.out_w *
           (size_t)p->shape.out_c;
}

void cnn_conv_problem_name(const cnn_conv_problem *p, cnn_text *out)
{
    const cnn_gpu_convolution *s = &p->shape;
    cnn_text_printf(out, "%s:%dx%dx%dx%d>%dx%dx%dk%ds%dp%d.%d", direction_names[p->direction], s->n,
                    s->h, s->w, s->c, s->out_h, s->out_w, s->out_c, s->kernel, s->stride,
                    s->pad_top, s->pad_left);
    if (p->direction == CNN_CONV_FORWARD_POOL)
        cnn_text_printf(out, ">%dx%dk%ds%dp%d.%d%s", p->pool.out_h, p->pool.out_w, p->pool.kernel,
                        p->pool.stride, p->pool.pad_top, p->pool.pad_left, p->relu ? "r" : "");
}

cudaError_t cnn_conv_finish(cudaStream_t stream, const cnn_conv_problem *p, cnn_conv_operands o)
{
    const cnn_gpu_convolution *s = &p->shape;
    const size_t rows = (size_t)s->n * (size_t)s->out_h * (size_t)s->out_w;
    if (p->direction == CNN_CONV_FORWARD_POOL)
        return cnn_gpu_maxpool_forward(stream, s->n, p->pool, o.before, o.bias, p->relu, o.result,
                                       o.mask);
    return cnn_gpu_add_bias(stream, rows, s->out_c, o.bias, true, o.result);
}
