/* From layers to oneDNN's shapes, and weights that lie in two layouts. */
#include "cpu/ops_internal.h"

#include <stdlib.h>

cnn_dnn_geometry cnn_cpu_geometry(const cnn_layer *layer)
{
    dnnl_dim_t k = layer->kernel, s = layer->stride;
    dnnl_dim_t top = layer->pad_top, left = layer->pad_left;
    /* What the last window reaches beyond the image; negative where it ends before the edge. */
    return (cnn_dnn_geometry){
        .stride = {s, s},
        .window = {k, k},
        .before = {top, left},
        .after = {(layer->out.h - 1) * s + k - layer->in.h - top,
                  (layer->out.w - 1) * s + k - layer->in.w - left},
    };
}

cnn_status cnn_cpu_image_layout(int n, cnn_shape shape, dnnl_format_tag_t tag, cnn_dnn_layout **out)
{
    return cnn_dnn_layout_create(4, (const dnnl_dim_t[]){n, shape.c, shape.h, shape.w}, tag, out);
}

cnn_status cnn_cpu_vector_layout(int64_t size, cnn_dnn_layout **out)
{
    return cnn_dnn_layout_create(1, (const dnnl_dim_t[]){size}, dnnl_a, out);
}

cnn_status cnn_cpu_side_create(cnn_ops *ops, const char *name, const cnn_dnn_layout *common,
                               const cnn_dnn_layout *own, bool into, cnn_cpu_side *out)
{
    cnn_status st = CNN_OK;
    cnn_cpu_side side = {0};
    if (!cnn_dnn_layout_equal(common, own)) {
        CNN_TRY(cnn_dnn_reorder(&ops->dnn, name, into ? common : own, into ? own : common,
                                &side.reorder));
        CNN_TRY(cnn_cpu_alloc(cnn_dnn_layout_bytes(own), name, &side.buffer));
    }
    *out = side;
    side = (cnn_cpu_side){0};
done:
    cnn_cpu_side_destroy(&side);
    return st;
}

void cnn_cpu_side_destroy(cnn_cpu_side *side)
{
    cnn_dnn_primitive_destroy(&side->reorder);
    free(side->buffer);
    side->buffer = NULL;
}

cnn_status cnn_cpu_exchange_create(cnn_ops *ops, const char *name, const cnn_dnn_layout *canonical,
                                   const cnn_dnn_layout *own, cnn_cpu_exchange *out)
{
    cnn_status st = CNN_OK;
    cnn_cpu_exchange exchange = {0};
    CNN_TRY(cnn_dnn_reorder(&ops->dnn, name, canonical, own, &exchange.import));
    CNN_TRY(cnn_dnn_reorder(&ops->dnn, name, own, canonical, &exchange.export));
    *out = exchange;
    exchange = (cnn_cpu_exchange){0};
done:
    cnn_cpu_exchange_destroy(&exchange);
    return st;
}

void cnn_cpu_exchange_destroy(cnn_cpu_exchange *exchange)
{
    cnn_dnn_primitive_destroy(&exchange->import);
    cnn_dnn_primitive_destroy(&exchange->export);
}
