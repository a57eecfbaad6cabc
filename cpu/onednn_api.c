#include "cpu/onednn_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 9 };

struct cnn_dnn_layout {
    dnnl_memory_desc_t md;
};

/* Version 2 passes memory descriptors by address, version 3 as handles. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t md_view;
#else
typedef const dnnl_memory_desc_t *md_view;
#endif

struct cnn_dnn_primitive {
    char name[64];
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    int arg_count;
    dnnl_exec_arg_t args[MAX_ARGS];
    const void *pointers[MAX_ARGS]; /* what the memory objects point to now */
};

static const char *status_text(dnnl_status_t s)
{
    switch (s) {
    case dnnl_success:
        return "dnnl_success";
    case dnnl_out_of_memory:
        return "dnnl_out_of_memory";
    case dnnl_invalid_arguments:
        return "dnnl_invalid_arguments";
    case dnnl_unimplemented:
        return "dnnl_unimplemented";
    case dnnl_runtime_error:
        return "dnnl_runtime_error";
    case dnnl_not_required:
        return "dnnl_not_required";
    default:
        return "unknown dnnl_status";
    }
}

/* st becomes an error that names the call when it fails. */
#define CALL(what, name, call)                                                                     \
    do {                                                                                           \
        dnnl_status_t call_status = (call);                                                        \
        CNN_CHECK(call_status == dnnl_success,                                                     \
                  call_status == dnnl_out_of_memory ? CNN_ENOMEM : CNN_EBACKEND,                   \
                  "oneDNN: %s for %s: %s (%d)", (what), (name), status_text(call_status),          \
                  (int)call_status);                                                               \
    } while (0)

cnn_status cnn_dnn_open(cnn_dnn *d)
{
    cnn_status st = CNN_OK;
    *d = (cnn_dnn){0};
    CALL("dnnl_engine_create", "the processor", dnnl_engine_create(&d->engine, dnnl_cpu, 0));
    CALL("dnnl_stream_create", "the processor",
         dnnl_stream_create(&d->stream, d->engine, dnnl_stream_in_order));
done:
    if (st)
        cnn_dnn_close(d);
    return st;
}

void cnn_dnn_close(cnn_dnn *d)
{
    if (d->stream)
        dnnl_stream_destroy(d->stream);
    if (d->engine)
        dnnl_engine_destroy(d->engine);
    *d = (cnn_dnn){0};
}

void cnn_dnn_version(char *s, size_t n)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(s, n, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}

/* ---- layouts ------------------------------------------------------------------------------- */

static md_view view(const cnn_dnn_layout *layout)
{
#if DNNL_VERSION_MAJOR >= 3
    return layout->md;
#else
    return &layout->md;
#endif
}

cnn_status cnn_dnn_layout_create(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag,
                                 cnn_dnn_layout **out)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *l = calloc(1, sizeof *l);
    CNN_CHECK(l, CNN_ENOMEM, "a tensor's layout");
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_memory_desc_create_with_tag", "a tensor's layout",
         dnnl_memory_desc_create_with_tag(&l->md, rank, dims, dnnl_f32, tag));
#else
    CALL("dnnl_memory_desc_init_by_tag", "a tensor's layout",
         dnnl_memory_desc_init_by_tag(&l->md, rank, dims, dnnl_f32, tag));
#endif
    *out = l;
    l = NULL;
done:
    free(l);
    return st;
}

void cnn_dnn_layout_destroy(cnn_dnn_layout **layout)
{
    if (!*layout)
        return;
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_destroy((*layout)->md);
#endif
    free(*layout);
    *layout = NULL;
}

size_t cnn_dnn_layout_bytes(const cnn_dnn_layout *layout)
{
    return dnnl_memory_desc_get_size(view(layout));
}

bool cnn_dnn_layout_equal(const cnn_dnn_layout *a, const cnn_dnn_layout *b)
{
    return dnnl_memory_desc_equal(view(a), view(b)) != 0;
}

/* ---- primitives ---------------------------------------------------------------------------- */

void cnn_dnn_primitive_destroy(cnn_dnn_primitive **p)
{
    if (!*p)
        return;
    for (int i = 0; i < (*p)->arg_count; i++)
        if ((*p)->args[i].memory)
            dnnl_memory_destroy((*p)->args[i].memory);
    if ((*p)->primitive)
        dnnl_primitive_destroy((*p)->primitive);
    if ((*p)->desc)
        dnnl_primitive_desc_destroy((*p)->desc);
    free(*p);
    *p = NULL;
}

static md_view argument_view(const cnn_dnn_primitive *p, int arg)
{
    return dnnl_primitive_desc_query_md(p->desc, dnnl_query_exec_arg_md, arg);
}

cnn_status cnn_dnn_primitive_layout(const cnn_dnn_primitive *p, int arg, cnn_dnn_layout **out)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *l = NULL;
    md_view md = argument_view(p, arg);
    CNN_CHECK(md, CNN_EBACKEND, "oneDNN: %s has no argument %d", p->name, arg);
    CNN_CHECK((l = calloc(1, sizeof *l)), CNN_ENOMEM, "a tensor's layout");
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_memory_desc_clone", p->name, dnnl_memory_desc_clone(&l->md, md));
#else
    l->md = *md;
#endif
    *out = l;
    l = NULL;
done:
    free(l);
    return st;
}

const char *cnn_dnn_primitive_kernel(const cnn_dnn_primitive *p)
{
    const char *s = NULL;
    if (dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, (void *)&s) != dnnl_success)
        return "unknown";
    return s;
}

/* Takes desc over; args are the execution arguments in the order of cnn_dnn_run's pointers. */
static cnn_status build(cnn_dnn *d, const char *name, dnnl_primitive_desc_t desc, int arg_count,
                        const int *args, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    cnn_dnn_primitive *p = calloc(1, sizeof *p);
    if (!p) {
        dnnl_primitive_desc_destroy(desc);
        return cnn_error_set(CNN_ENOMEM, "a oneDNN primitive for %s", name);
    }
    p->desc = desc;
    cnn_copy_string(p->name, sizeof p->name, name);
    CALL("dnnl_primitive_create", name, dnnl_primitive_create(&p->primitive, desc));
    for (int i = 0; i < arg_count; i++) {
        p->args[i].arg = args[i];
        p->arg_count = i + 1;
        CALL("dnnl_memory_create", name,
             dnnl_memory_create(&p->args[i].memory, argument_view(p, args[i]), d->engine,
                                DNNL_MEMORY_NONE));
    }
    *out = p;
    p = NULL;
done:
    cnn_dnn_primitive_destroy(&p);
    return st;
}
#define BUILD(d, name, desc, out, ...)                                                             \
    build((d), (name), (desc), (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)),                  \
          (const int[]){__VA_ARGS__}, (out))

cnn_status cnn_dnn_run(cnn_dnn *d, cnn_dnn_primitive *p, const void *const *pointers)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < p->arg_count; i++) {
        if (p->pointers[i] == pointers[i])
            continue;
        CALL("dnnl_memory_set_data_handle", p->name,
             dnnl_memory_set_data_handle(p->args[i].memory, (void *)pointers[i]));
        p->pointers[i] = pointers[i];
    }
    CALL("dnnl_primitive_execute", p->name,
         dnnl_primitive_execute(p->primitive, d->stream, p->arg_count, p->args));
done:
    return st;
}

/* ---- convolution --------------------------------------------------------------------------- */

static const dnnl_dims_t no_dilation = {0, 0};

static cnn_status relu_attributes(const char *name, dnnl_primitive_attr_t *out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    CALL("dnnl_primitive_attr_create", name, dnnl_primitive_attr_create(&attr));
    CALL("dnnl_post_ops_create", name, dnnl_post_ops_create(&ops));
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_post_ops_append_eltwise", name,
         dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0.f, 0.f));
#else
    CALL("dnnl_post_ops_append_eltwise", name,
         dnnl_post_ops_append_eltwise(ops, 1.f, dnnl_eltwise_relu, 0.f, 0.f));
#endif
    CALL("dnnl_primitive_attr_set_post_ops", name, dnnl_primitive_attr_set_post_ops(attr, ops));
    *out = attr;
    attr = NULL;
done:
    if (ops)
        dnnl_post_ops_destroy(ops);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

#if DNNL_VERSION_MAJOR < 3
/* Version 2's second half of every creation. */
static cnn_status describe(cnn_dnn *d, const char *name, const_dnnl_op_desc_t op,
                           const_dnnl_primitive_attr_t attr, const cnn_dnn_primitive *hint,
                           dnnl_primitive_desc_t *out)
{
    cnn_status st = CNN_OK;
    CALL("dnnl_primitive_desc_create", name,
         dnnl_primitive_desc_create(out, op, attr, d->engine, hint ? hint->desc : NULL));
done:
    return st;
}
#endif

cnn_status cnn_dnn_conv_forward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g, bool relu,
                                const cnn_dnn_layout *src, const cnn_dnn_layout *weights,
                                const cnn_dnn_layout *bias, const cnn_dnn_layout *dst,
                                cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t desc = NULL;
    if (relu)
        CNN_TRY(relu_attributes(name, &attr));
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_convolution_forward_primitive_desc_create", name,
         dnnl_convolution_forward_primitive_desc_create(
             &desc, d->engine, dnnl_forward_training, dnnl_convolution_direct, view(src),
             view(weights), view(bias), view(dst), g->stride, no_dilation, g->before, g->after,
             attr));
#else
    dnnl_convolution_desc_t op;
    CALL("dnnl_dilated_convolution_forward_desc_init", name,
         dnnl_dilated_convolution_forward_desc_init(
             &op, dnnl_forward_training, dnnl_convolution_direct, view(src), view(weights),
             view(bias), view(dst), g->stride, no_dilation, g->before, g->after));
    CNN_TRY(describe(d, name, &op, attr, NULL, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST));
done:
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return st;
}

cnn_status cnn_dnn_conv_backward_data(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g,
                                      const cnn_dnn_layout *diff_src, const cnn_dnn_layout *weights,
                                      const cnn_dnn_layout *diff_dst,
                                      const cnn_dnn_primitive *forward, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_convolution_backward_data_primitive_desc_create", name,
         dnnl_convolution_backward_data_primitive_desc_create(
             &desc, d->engine, dnnl_convolution_direct, view(diff_src), view(weights),
             view(diff_dst), g->stride, no_dilation, g->before, g->after, forward->desc, NULL));
#else
    dnnl_convolution_desc_t op;
    CALL("dnnl_dilated_convolution_backward_data_desc_init", name,
         dnnl_dilated_convolution_backward_data_desc_init(
             &op, dnnl_convolution_direct, view(diff_src), view(weights), view(diff_dst), g->stride,
             no_dilation, g->before, g->after));
    CNN_TRY(describe(d, name, &op, NULL, forward, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC));
done:
    return st;
}

cnn_status cnn_dnn_conv_backward_weights(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g,
                                         const cnn_dnn_layout *src,
                                         const cnn_dnn_layout *diff_weights,
                                         const cnn_dnn_layout *diff_bias,
                                         const cnn_dnn_layout *diff_dst,
                                         const cnn_dnn_primitive *forward, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_convolution_backward_weights_primitive_desc_create", name,
         dnnl_convolution_backward_weights_primitive_desc_create(
             &desc, d->engine, dnnl_convolution_direct, view(src), view(diff_weights),
             view(diff_bias), view(diff_dst), g->stride, no_dilation, g->before, g->after,
             forward->desc, NULL));
#else
    dnnl_convolution_desc_t op;
    CALL("dnnl_dilated_convolution_backward_weights_desc_init", name,
         dnnl_dilated_convolution_backward_weights_desc_init(
             &op, dnnl_convolution_direct, view(src), view(diff_weights), view(diff_bias),
             view(diff_dst), g->stride, no_dilation, g->before, g->after));
    CNN_TRY(describe(d, name, &op, NULL, forward, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                  DNNL_ARG_DIFF_BIAS));
done:
    return st;
}

/* ---- inner product ------------------------------------------------------------------------- */

cnn_status cnn_dnn_dense_forward(cnn_dnn *d, const char *name, const cnn_dnn_layout *src,
                                 const cnn_dnn_layout *weights, const cnn_dnn_layout *bias,
                                 const cnn_dnn_layout *dst, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_inner_product_forward_primitive_desc_create", name,
         dnnl_inner_product_forward_primitive_desc_create(&desc, d->engine, dnnl_forward_training,
                                                          view(src), view(weights), view(bias),
                                                          view(dst), NULL));
#else
    dnnl_inner_product_desc_t op;
    CALL("dnnl_inner_product_forward_desc_init", name,
         dnnl_inner_product_forward_desc_init(&op, dnnl_forward_training, view(src), view(weights),
                                              view(bias), view(dst)));
    CNN_TRY(describe(d, name, &op, NULL, NULL, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST));
done:
    return st;
}

cnn_status cnn_dnn_dense_backward_data(cnn_dnn *d, const char *name, const cnn_dnn_layout *diff_src,
                                       const cnn_dnn_layout *weights,
                                       const cnn_dnn_layout *diff_dst,
                                       const cnn_dnn_primitive *forward, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_inner_product_backward_data_primitive_desc_create", name,
         dnnl_inner_product_backward_data_primitive_desc_create(
             &desc, d->engine, view(diff_src), view(weights), view(diff_dst), forward->desc, NULL));
#else
    dnnl_inner_product_desc_t op;
    CALL("dnnl_inner_product_backward_data_desc_init", name,
         dnnl_inner_product_backward_data_desc_init(&op, view(diff_src), view(weights),
                                                    view(diff_dst)));
    CNN_TRY(describe(d, name, &op, NULL, forward, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC));
done:
    return st;
}

cnn_status cnn_dnn_dense_backward_weights(cnn_dnn *d, const char *name, const cnn_dnn_layout *src,
                                          const cnn_dnn_layout *diff_weights,
                                          const cnn_dnn_layout *diff_bias,
                                          const cnn_dnn_layout *diff_dst,
                                          const cnn_dnn_primitive *forward, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_inner_product_backward_weights_primitive_desc_create", name,
         dnnl_inner_product_backward_weights_primitive_desc_create(
             &desc, d->engine, view(src), view(diff_weights), view(diff_bias), view(diff_dst),
             forward->desc, NULL));
#else
    dnnl_inner_product_desc_t op;
    CALL("dnnl_inner_product_backward_weights_desc_init", name,
         dnnl_inner_product_backward_weights_desc_init(&op, view(src), view(diff_weights),
                                                       view(diff_bias), view(diff_dst)));
    CNN_TRY(describe(d, name, &op, NULL, forward, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                  DNNL_ARG_DIFF_BIAS));
done:
    return st;
}

/* ---- pooling ------------------------------------------------------------------------------- */

static dnnl_alg_kind_t pool_algorithm(bool maximum)
{
    return maximum ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
}

cnn_status cnn_dnn_pool_forward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g,
                                bool maximum, bool training, const cnn_dnn_layout *src,
                                const cnn_dnn_layout *dst, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_prop_kind_t kind = training ? dnnl_forward_training : dnnl_forward_inference;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_pooling_forward_primitive_desc_create", name,
         dnnl_pooling_forward_primitive_desc_create(&desc, d->engine, kind, pool_algorithm(maximum),
                                                    view(src), view(dst), g->stride, g->window,
                                                    no_dilation, g->before, g->after, NULL));
#else
    dnnl_pooling_desc_t op;
    CALL("dnnl_pooling_forward_desc_init", name,
         dnnl_pooling_forward_desc_init(&op, kind, pool_algorithm(maximum), view(src), view(dst),
                                        g->stride, g->window, g->before, g->after));
    CNN_TRY(describe(d, name, &op, NULL, NULL, &desc));
#endif
    if (maximum && training)
        CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WORKSPACE));
    else
        CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DST));
done:
    return st;
}

cnn_status cnn_dnn_pool_backward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *g,
                                 bool maximum, const cnn_dnn_layout *diff_src,
                                 const cnn_dnn_layout *diff_dst, const cnn_dnn_primitive *forward,
                                 cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_pooling_backward_primitive_desc_create", name,
         dnnl_pooling_backward_primitive_desc_create(
             &desc, d->engine, pool_algorithm(maximum), view(diff_src), view(diff_dst), g->stride,
             g->window, no_dilation, g->before, g->after, forward->desc, NULL));
#else
    dnnl_pooling_desc_t op;
    CALL("dnnl_pooling_backward_desc_init", name,
         dnnl_pooling_backward_desc_init(&op, pool_algorithm(maximum), view(diff_src),
                                         view(diff_dst), g->stride, g->window, g->before,
                                         g->after));
    CNN_TRY(describe(d, name, &op, NULL, forward, &desc));
#endif
    if (maximum)
        CNN_TRY(
            BUILD(d, name, desc, out, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC, DNNL_ARG_WORKSPACE));
    else
        CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC));
done:
    return st;
}

/* ---- batch normalisation ------------------------------------------------------------------- */

cnn_status cnn_dnn_norm_forward(cnn_dnn *d, const char *name, bool training, double epsilon,
                                const cnn_dnn_layout *layout, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_prop_kind_t kind = training ? dnnl_forward_training : dnnl_forward_inference;
    unsigned flags = (unsigned)dnnl_use_scale | (unsigned)dnnl_use_shift |
                     (training ? 0u : (unsigned)dnnl_use_global_stats);
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_batch_normalization_forward_primitive_desc_create", name,
         dnnl_batch_normalization_forward_primitive_desc_create(
             &desc, d->engine, kind, view(layout), view(layout), (float)epsilon, flags, NULL));
#else
    dnnl_batch_normalization_desc_t op;
    CALL(
        "dnnl_batch_normalization_forward_desc_init", name,
        dnnl_batch_normalization_forward_desc_init(&op, kind, view(layout), (float)epsilon, flags));
    CNN_TRY(describe(d, name, &op, NULL, NULL, &desc));
#endif
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_SCALE, DNNL_ARG_SHIFT,
                  DNNL_ARG_MEAN, DNNL_ARG_VARIANCE));
done:
    return st;
}

cnn_status cnn_dnn_norm_backward(cnn_dnn *d, const char *name, double epsilon,
                                 const cnn_dnn_layout *layout, const cnn_dnn_primitive *forward,
                                 cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
    unsigned flags = (unsigned)dnnl_use_scale | (unsigned)dnnl_use_shift;
#if DNNL_VERSION_MAJOR >= 3
    CALL("dnnl_batch_normalization_backward_primitive_desc_create", name,
         dnnl_batch_normalization_backward_primitive_desc_create(
             &desc, d->engine, dnnl_backward, view(layout), view(layout), view(layout),
             (float)epsilon, flags, forward->desc, NULL));
#else
    dnnl_batch_normalization_desc_t op;
    CALL("dnnl_batch_normalization_backward_desc_init", name,
         dnnl_batch_normalization_backward_desc_init(&op, dnnl_backward, view(layout), view(layout),
                                                     (float)epsilon, flags));
    CNN_TRY(describe(d, name, &op, NULL, forward, &desc));
#endif
    /* Version 2 wants the shift, which no gradient depends on; version 3 refuses it. */
#if DNNL_VERSION_MAJOR >= 3
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_SCALE,
                  DNNL_ARG_MEAN, DNNL_ARG_VARIANCE, DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_SCALE,
                  DNNL_ARG_DIFF_SHIFT));
#else
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_SCALE,
                  DNNL_ARG_MEAN, DNNL_ARG_VARIANCE, DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_SCALE,
                  DNNL_ARG_DIFF_SHIFT, DNNL_ARG_SHIFT));
#endif
done:
    return st;
}

/* ---- reorder ------------------------------------------------------------------------------- */

cnn_status cnn_dnn_reorder(cnn_dnn *d, const char *name, const cnn_dnn_layout *from,
                           const cnn_dnn_layout *to, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    dnnl_primitive_desc_t desc = NULL;
    CALL("dnnl_reorder_primitive_desc_create", name,
         dnnl_reorder_primitive_desc_create(&desc, view(from), d->engine, view(to), d->engine,
                                            NULL));
    CNN_TRY(BUILD(d, name, desc, out, DNNL_ARG_FROM, DNNL_ARG_TO));
done:
    return st;
}
