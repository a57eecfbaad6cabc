/* SPDX-License-Identifier: Apache-2.0 */
/* Weights between canonical order and the device's, which follows NHWC activations. */
#include "gpu/device/internal.h"

#include <stdlib.h>

static void pack(int o, int c, int h, int w, const float *ochw, float *ohwc)
{
    const size_t places = (size_t)h * (size_t)w, channels = (size_t)c;
    for (size_t out = 0; out < (size_t)o; out++)
        for (size_t k = 0; k < channels; k++)
            for (size_t p = 0; p < places; p++)
                ohwc[(out * places + p) * channels + k] = ochw[(out * channels + k) * places + p];
}

static void unpack(int o, int c, int h, int w, const float *ohwc, float *ochw)
{
    const size_t places = (size_t)h * (size_t)w, channels = (size_t)c;
    for (size_t out = 0; out < (size_t)o; out++)
        for (size_t k = 0; k < channels; k++)
            for (size_t p = 0; p < places; p++)
                ochw[(out * channels + k) * places + p] = ohwc[(out * places + p) * channels + k];
}

static size_t count_of(int o, int c, int h, int w)
{
    return (size_t)o * (size_t)c * (size_t)h * (size_t)w;
}

cnn_status cnn_cuda_import_weights(cnn_ops *ops, int o, int c, int h, int w, const float *ochw,
                                   float *weights)
{
    cnn_status st = CNN_OK;
    const size_t count = count_of(o, c, h, w);
    float *packed = malloc(count * sizeof *packed);
    CNN_CHECK(packed != NULL, CNN_ENOMEM, "%zu weights", count);
    pack(o, c, h, w, ochw, packed);
    CNN_TRY(cnn_ops_upload(ops, weights, packed, count * sizeof *packed));
done:
    free(packed);
    return st;
}

cnn_status cnn_cuda_export_weights(cnn_ops *ops, int o, int c, int h, int w, const float *weights,
                                   float *ochw)
{
    cnn_status st = CNN_OK;
    const size_t count = count_of(o, c, h, w);
    float *packed = malloc(count * sizeof *packed);
    CNN_CHECK(packed != NULL, CNN_ENOMEM, "%zu weights", count);
    CNN_TRY(cnn_ops_download(ops, packed, weights, count * sizeof *packed));
    unpack(o, c, h, w, packed, ochw);
done:
    free(packed);
    return st;
}
