/* SPDX-License-Identifier: Apache-2.0 */
/** The part of oneDNN that cpu/ uses, with one interface for versions 2 and 3. All differences
 *  between them are in cpu/onednn.
 *
 *  A layout is the shape of a tensor and the order of its values in memory. A primitive is one
 *  prepared call: its memory objects are made with it, and running it only hands over pointers.
 *  Errors are CNN_EBACKEND and name the primitive, the call and oneDNN's status. Not
 *  thread-safe. */
#ifndef CNN_CPU_ONEDNN_API_H
#define CNN_CPU_ONEDNN_API_H

#include "base/status.h"
#include "base/text.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stddef.h>

/** The processor as oneDNN sees it, and its queue. */
typedef struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} cnn_dnn;

/** Also settles what oneDNN would take from the environment, for the life of the process: the
 *  instruction set and the mode of fp32 arithmetic. CNN_EENV: ONEDNN_MAX_CPU_ISA is unknown. */
cnn_status cnn_dnn_open(cnn_dnn *d);
void cnn_dnn_close(cnn_dnn *d);
/** Version, instruction set in use, mode of fp32 arithmetic into s: "oneDNN 2.6.3, avx2, fp-math
 *  strict". */
void cnn_dnn_version(char *s, size_t n);

/* ---- layouts ------------------------------------------------------------------------------- */

typedef struct cnn_dnn_layout cnn_dnn_layout;

/** f32 of the given dimensions (always in the order N, C, H, W or O, I, H, W whatever the tag);
 *  tag dnnl_format_tag_any lets a primitive choose. */
cnn_status cnn_dnn_layout_create(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag,
                                 cnn_dnn_layout **out);
void cnn_dnn_layout_destroy(cnn_dnn_layout **layout);
/** Bytes, padding included. */
size_t cnn_dnn_layout_bytes(const cnn_dnn_layout *layout);
bool cnn_dnn_layout_equal(const cnn_dnn_layout *a, const cnn_dnn_layout *b);

/* ---- primitives ---------------------------------------------------------------------------- */

typedef struct cnn_dnn_primitive cnn_dnn_primitive;

void cnn_dnn_primitive_destroy(cnn_dnn_primitive **p);
/** A copy, owned by the caller, of the layout of an argument (DNNL_ARG_...). */
cnn_status cnn_dnn_primitive_layout(const cnn_dnn_primitive *p, int arg, cnn_dnn_layout **out);
/** oneDNN's name of the kernel: "jit:avx512_core", "gemm:jit", ... */
const char *cnn_dnn_primitive_kernel(const cnn_dnn_primitive *p);
/** Runs a primitive; pointers in the order stated at the function that creates it. */
cnn_status cnn_dnn_run(cnn_dnn *d, cnn_dnn_primitive *p, const void *const *pointers);
#define CNN_DNN_RUN(d, p, ...) cnn_dnn_run((d), (p), (const void *const[]){__VA_ARGS__})

/** Strides, padding (top or bottom, left or right) and, for pools, windows. */
typedef struct {
    dnnl_dims_t stride, before, after, window; /* the first two entries count */
} cnn_dnn_geometry;

/** What the three primitives of a convolution or, without geometry, an inner product share. */
typedef struct {
    const char *name;                 /* of the layer, for messages: "conv2d" */
    const cnn_dnn_geometry *geometry; /* NULL: inner product */
    bool relu;                        /* forward leaves max(., 0) of the result */
    const cnn_dnn_layout *src, *weights, *bias, *dst;
} cnn_dnn_weighted;

/** src, weights, bias, dst. */
cnn_status cnn_dnn_weighted_forward(cnn_dnn *d, const cnn_dnn_weighted *w, cnn_dnn_primitive **out);
/** diff_dst, weights, diff_src; forward is the hint oneDNN asks for. The layouts are those of the
 *  gradients here and below. */
cnn_status cnn_dnn_weighted_backward_data(cnn_dnn *d, const cnn_dnn_weighted *w,
                                          const cnn_dnn_primitive *forward,
                                          cnn_dnn_primitive **out);
/** src, diff_dst, diff_weights, diff_bias. */
cnn_status cnn_dnn_weighted_backward_weights(cnn_dnn *d, const cnn_dnn_weighted *w,
                                             const cnn_dnn_primitive *forward,
                                             cnn_dnn_primitive **out);

/** Pools. forward: src, dst and, for a maximum in training, the workspace. Averages leave padding
 *  out. */
cnn_status cnn_dnn_pool_forward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *geometry,
                                bool maximum, bool training, const cnn_dnn_layout *src,
                                const cnn_dnn_layout *dst, cnn_dnn_primitive **out);
/** diff_dst, diff_src and, for a maximum, the workspace. */
cnn_status cnn_dnn_pool_backward(cnn_dnn *d, const char *name, const cnn_dnn_geometry *geometry,
                                 bool maximum, const cnn_dnn_layout *diff_src,
                                 const cnn_dnn_layout *diff_dst, const cnn_dnn_primitive *forward,
                                 cnn_dnn_primitive **out);

/** Batch normalisation with scale and shift. forward, training or not: src, dst, scale, shift,
 *  mean, variance (written in training, read otherwise). */
cnn_status cnn_dnn_norm_forward(cnn_dnn *d, const char *name, bool training, double epsilon,
                                const cnn_dnn_layout *layout, cnn_dnn_primitive **out);
/** src, diff_dst, scale, mean, variance, diff_src, diff_scale, diff_shift, shift (any
 *  values: no gradient depends on it); forward is the one for training. */
cnn_status cnn_dnn_norm_backward(cnn_dnn *d, const char *name, double epsilon,
                                 const cnn_dnn_layout *layout, const cnn_dnn_primitive *forward,
                                 cnn_dnn_primitive **out);

/** from, to. */
cnn_status cnn_dnn_reorder(cnn_dnn *d, const char *name, const cnn_dnn_layout *from,
                           const cnn_dnn_layout *to, cnn_dnn_primitive **out);

#endif
