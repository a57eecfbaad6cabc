/* SPDX-License-Identifier: Apache-2.0 */
#include "design/seeds.h"

#include "base/checksum.h"
#include "base/philox.h"

#include <string.h>

/* The counter's epoch word holds a device number for the order of its queue; these are no
 * devices. */
#define MIX_PAIR UINT32_C(0xfffffff0)
#define MIX_SUM  UINT32_C(0xfffffff1)

#define HALF     (UINT32_C(1) << 30)
#define DISTANCE UINT32_C(0x1e3779b1) /* odd: a full cycle modulo 2^30 */

static uint64_t mix(uint32_t seed, uint32_t stage, uint64_t x)
{
    cnn_philox r = cnn_philox_at(seed, CNN_RANDOM_DESIGN, stage, x);
    return (uint64_t)r.w[1] << 32 | r.w[0];
}

uint32_t cnn_design_seed(const cnn_job *job, const int *levels, bool warmup, uint32_t number)
{
    uint64_t sum = 0;
    for (int f = 0; f < job->factor_count; f++) {
        if (f == job->contrast || !cnn_factor_is_shown(&job->factors[f]))
            continue;
        const char *name = job->factors[f].name, *label = job->factors[f].labels[levels[f]];
        uint64_t pair = cnn_checksum(CNN_CHECKSUM_START, name, strlen(name) + 1);
        pair = cnn_checksum(pair, label, strlen(label) + 1);
        /* Mixed before the sum: FNV's values of (x=1, y=2) and (x=2, y=1) often add up alike. */
        sum += mix(job->seed, MIX_PAIR, pair);
    }
    uint32_t first = (uint32_t)mix(job->seed, MIX_SUM, sum);
    return ((first + number * DISTANCE) & (HALF - 1)) | (warmup ? HALF : 0);
}
