/* SPDX-License-Identifier: Apache-2.0 */
/* Dropout's masks: Philox4x32-10 on many counters at once (base/philox.h has the definition). */
#include "cpu/kernels/kernels.h"

#include "base/philox.h"

#include <math.h>

enum { LANES = 16, WORDS = 4 };

cnn_dropout_rule cnn_dropout_rule_of(double rate, uint64_t seed, int layer, uint32_t step)
{
    const uint64_t words = (uint64_t)1 << 32;
    double guess = ceil(rate * 0x1p32 - 0.5);
    uint64_t t = guess < 0 ? 0 : guess > 0x1p32 ? words : (uint64_t)guess;
    /* The smallest word that is kept. The first estimate may be off by one, as the subtraction
     * rounds. */
    while (t > 0 && cnn_random_unit((uint32_t)(t - 1)) >= rate)
        t--;
    while (t < words && cnn_random_unit((uint32_t)t) < rate)
        t++;
    return (cnn_dropout_rule){
        .seed = seed,
        .purpose = (uint32_t)CNN_RANDOM_DROPOUT + (uint32_t)layer,
        .epoch = step,
        .threshold = t,
        .scale = (float)(1 / (1 - rate)),
    };
}

typedef struct {
    uint32_t w[WORDS][LANES];
} block;

/* Words of counters first .. first+LANES-1. */
static inline void philox_block(const cnn_dropout_rule *r, uint64_t first, block *b)
{
    uint32_t k0 = (uint32_t)r->seed, k1 = (uint32_t)(r->seed >> 32);
    for (int i = 0; i < LANES; i++) {
        b->w[0][i] = (uint32_t)(first + (uint64_t)i);
        b->w[1][i] = (uint32_t)((first + (uint64_t)i) >> 32);
        b->w[2][i] = r->epoch;
        b->w[3][i] = r->purpose;
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < LANES; i++) {
            const uint64_t p0 = (uint64_t)0xD2511F53u * b->w[0][i];
            const uint64_t p1 = (uint64_t)0xCD9E8D57u * b->w[2][i];
            b->w[0][i] = (uint32_t)(p1 >> 32) ^ b->w[1][i] ^ k0;
            b->w[2][i] = (uint32_t)(p0 >> 32) ^ b->w[3][i] ^ k1;
            b->w[1][i] = (uint32_t)p1;
            b->w[3][i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

CNN_KERNEL void cnn_kernel_dropout_factors(const cnn_dropout_rule *rule, uint64_t first,
                                           size_t count, float *factors)
{
    block b;
    for (size_t at = 0; at < count; at += LANES * WORDS) {
        float chunk[LANES * WORDS];
        philox_block(rule, (first + at) / WORDS, &b);
        for (int i = 0; i < LANES; i++)
            for (int k = 0; k < WORDS; k++)
                chunk[i * WORDS + k] = b.w[k][i] < rule->threshold ? 0 : rule->scale;
        const size_t n = count - at < LANES * WORDS ? count - at : LANES * WORDS;
        for (size_t i = 0; i < n; i++)
            factors[at + i] = chunk[i];
    }
}
