/* SPDX-License-Identifier: Apache-2.0 */
#include "base/philox.h"

#include <stdlib.h>

cnn_philox cnn_philox_at(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t index)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = epoch, c3 = purpose;
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (cnn_philox){{c0, c1, c2, c3}};
}

uint32_t cnn_random_word(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t i)
{
    return cnn_philox_at(seed, purpose, epoch, i / 4).w[i % 4];
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

cnn_status cnn_random_order(uint64_t seed, uint32_t purpose, uint32_t epoch, int n, int32_t *order)
{
    uint64_t *keys = malloc((size_t)n * sizeof *keys);
    if (!keys && n > 0)
        return cnn_error_set(CNN_ENOMEM, "sort keys of %d images", n);
    for (int i = 0; i < n; i++)
        keys[i] =
            (uint64_t)cnn_philox_at(seed, purpose, epoch, (uint64_t)i).w[0] << 32 | (uint32_t)i;
    qsort(keys, (size_t)n, sizeof *keys, by_value);
    for (int i = 0; i < n; i++)
        order[i] = (int32_t)(keys[i] & 0xffffffffu);
    free(keys);
    return CNN_OK;
}
