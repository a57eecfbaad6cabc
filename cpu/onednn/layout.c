/* SPDX-License-Identifier: Apache-2.0 */
/* From layers to oneDNN's shapes. */
#include "cpu/onednn/device.h"

cnn_dnn_geometry cnn_cpu_geometry(const cnn_layer *layer)
{
    dnnl_dim_t k = layer->kernel, s = layer->stride;
    dnnl_dim_t top = layer->pad_top, left = layer->pad_left;
    /* How far the last window reaches beyond the image; negative where it ends before the edge. */
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
