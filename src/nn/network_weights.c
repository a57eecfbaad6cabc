/* SPDX-License-Identifier: Apache-2.0 */
/* A network's initial weights, and the checksum by which weights are compared. */
#include "nn/network.h"

#include "base/checksum.h"
#include "base/philox.h"

#include <math.h>
#include <string.h>

/* Glorot and Bengio (2010), uniform. A convolution's fans count its taps. */
static void draw_weights(const cnn_network *net, int tensor, uint64_t seed, float *values)
{
    const cnn_parameter *p = &net->parameters[tensor];
    double taps = (double)p->dims[2] * p->dims[3];
    double fan_in = p->dims[1] * taps;
    double fan_out =
        net->layers[p->layer].kind == CNN_LAYER_CONV2D ? p->dims[0] * taps : p->dims[0];
    double limit = sqrt(6 / (fan_in + fan_out));
    for (int64_t i = 0; i < p->size; i += 4) {
        cnn_philox words =
            cnn_philox_at(seed, CNN_RANDOM_WEIGHTS, (uint32_t)tensor, (uint64_t)i / 4);
        for (int64_t k = 0; k < 4 && i + k < p->size; k++)
            values[i + k] = (float)(limit * (2 * cnn_random_unit(words.w[k]) - 1));
    }
}

void cnn_network_draw(const cnn_network *net, uint64_t seed, float *values)
{
    for (int t = 0; t < net->parameter_count; t++) {
        const cnn_parameter *p = &net->parameters[t];
        bool gamma = net->layers[p->layer].kind == CNN_LAYER_BATCHNORM &&
                     t == net->layers[p->layer].first_parameter;
        if (p->is_weights) {
            draw_weights(net, t, seed, values + p->offset);
            continue;
        }
        for (int64_t i = 0; i < p->size; i++)
            values[p->offset + i] = gamma ? 1 : 0;
    }
}

uint64_t cnn_network_checksum(const cnn_network *net, const float *values)
{
    uint64_t sum = CNN_CHECKSUM_START;
    for (int64_t i = 0; i < net->parameter_total; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        const unsigned char bytes[4] = {bits & 255, bits >> 8 & 255, bits >> 16 & 255, bits >> 24};
        sum = cnn_checksum(sum, bytes, sizeof bytes);
    }
    return sum;
}
