/* SPDX-License-Identifier: Apache-2.0 */
/** A network as its user describes it: a list of layers; shapes and parameters follow from an
 *  input.
 *
 *  Activations are NHWC: [N, H, W, C]. Parameters have one canonical order and layout, in which
 *  they are drawn, checksummed and compared, whatever a backend's own layout is (see
 *  cnn_parameter). */
#ifndef CNN_NN_NETWORK_H
#define CNN_NN_NETWORK_H

#include "base/status.h"
#include "base/text.h"
#include "base/yaml.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CNN_LAYER_CONV2D,
    CNN_LAYER_RELU,
    CNN_LAYER_MAXPOOL,
    CNN_LAYER_AVGPOOL,
    CNN_LAYER_BATCHNORM,
    CNN_LAYER_DROPOUT,
    CNN_LAYER_DENSE, /* flattens its input */
} cnn_layer_kind;

typedef enum {
    CNN_AXIS_CHANNELS,
    CNN_AXIS_HEIGHT,
    CNN_AXIS_STUDY, /* height where the network's input is 28x28x1, else channels; resolved by
                       cnn_network_infer */
} cnn_axis;

/** Shape of one image's activations. */
typedef struct {
    int h, w, c;
} cnn_shape;

static inline int64_t cnn_shape_size(cnn_shape s)
{
    return (int64_t)s.h * s.w * s.c;
}

typedef struct {
    cnn_layer_kind kind;
    int filters; /* conv2d */
    int kernel;  /* conv2d: square kernel; pools: square window */
    int stride;  /* conv2d: 1 by default; pools: the window by default */
    bool same;   /* conv2d, pools: padding 'same' (default, surplus at the bottom and right; average
                    pools divide by the taps inside the image) or 'valid' */
    int units;   /* dense; 0: as many as the data set has classes */
    cnn_axis axis; /* batchnorm; after cnn_network_infer channels or height */
    double rate; /* dropout: the share set to zero in training; the rest is scaled by 1/(1-rate) */
    /* filled by cnn_network_infer */
    cnn_shape in, out;
    int pad_top, pad_left; /* conv2d, pools */
    bool study_axis;       /* batchnorm: axis was CNN_AXIS_STUDY; each infer resolves it anew */
    int64_t parameters;    /* trainable */
    int first_parameter; /* index of its first parameter tensor, weights then bias (gamma, beta) */
} cnn_layer;

enum { CNN_MAX_LAYERS = 64, CNN_MAX_PARAMETERS = 2 * CNN_MAX_LAYERS };

/** A trainable tensor. Canonical layouts:
 *    conv2d  weights [O, I, H, W]; bias [O]
 *    dense   weights [O, C, H, W] over the input's channels, rows and columns; bias [O]
 *    batchnorm gamma [K], beta [K], K = channels or height */
typedef struct {
    int layer;
    bool is_weights; /* drawn Glorot uniform; else constant (bias, beta 0; gamma 1) */
    int dims[4];     /* unused ones are 1 */
    int64_t size;    /* values */
    int64_t offset;  /* first value in the flat vector of all parameters */
} cnn_parameter;

typedef struct {
    char name[64];
    char *opaque; /* of a network that trainers alone know: JSON text, owned by who has read it;
                     NULL: it has layers */
    int layer_count;
    cnn_layer layers[CNN_MAX_LAYERS];
    /* filled by cnn_network_infer */
    cnn_shape input;
    int classes;
    int64_t parameter_total; /* trainable values: the study's 28,938 / 24,866 / 280,174 / 284,210 */
    int parameter_count;     /* tensors */
    cnn_parameter parameters[CNN_MAX_PARAMETERS];
    int64_t state_total; /* batch norm's running means and variances: 2 K for each, mean then
                            variance */
} cnn_network;

/** The built-in networks "arch1" and "arch2" (architectures 1 and 2 of the study), not yet
 *  inferred; false if there is none of that name. cnn_network_builtins is NULL-terminated. */
bool cnn_network_builtin(const char *name, cnn_network *out);
extern const char *const cnn_network_builtins[];

/** Infers shapes, padding, parameters and offsets for an input and a number of classes. The last
 *  layer must be dense with one unit for each class: the loss is softmax cross-entropy. CNN_EUSAGE
 *  names a layer that does not fit. May be called again with another input. */
cnn_status cnn_network_infer(cnn_network *net, cnn_shape input, int classes);

/** Of a mapping {opaque: anything} it keeps the JSON text, unread. Reads a list of layers ("- conv2d: {filters: 6, kernel: 5, activation: relu}", "- maxpool: 2",
 *  "- relu", "- dense: classes", ...); errors go into y. `activation: relu` adds a relu layer. */
void cnn_network_read(cnn_yaml *y, struct fy_node *list, const char *name, cnn_network *out);

/** Appends the layers as JSON that cnn_network_read reads back unchanged. */
void cnn_network_write_json(const cnn_network *net, cnn_text *out);

/** Appends a table for people: layer, output shape, parameters. Inferred networks only. */
void cnn_network_describe(const cnn_network *net, cnn_text *out);

/** "conv2d", "relu", ...: NULL-terminated, indexed by the enum. */
extern const char *const cnn_layer_kind_names[];
const char *cnn_layer_kind_name(cnn_layer_kind kind);

/** Multiply-adds of one image forward, without taps on padding; 0 for layers other than conv2d and
 *  dense. */
int64_t cnn_layer_multiply_adds(const cnn_layer *layer);

/** Initial parameters in canonical order: Glorot uniform weights from Philox (purpose
 *  CNN_RANDOM_WEIGHTS, epoch word = tensor index): limit * (2 u - 1), limit = sqrt(6 / (fan_in +
 *  fan_out)); bias and beta 0, gamma 1.  values f32 [parameter_total], owned by the caller. */
void cnn_network_draw(const cnn_network *net, uint64_t seed, float *values);

/** Checksum of parameters in canonical order (FNV-1a over little-endian f32). */
uint64_t cnn_network_checksum(const cnn_network *net, const float *values);

#endif
