/* SPDX-License-Identifier: Apache-2.0 */
/** FNV-1a, 64 bits: identity of weights and data. No protection against forgery. */
#ifndef CNN_BASE_CHECKSUM_H
#define CNN_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CNN_CHECKSUM_START 0xcbf29ce484222325u

/** Continues sum (CNN_CHECKSUM_START at first) over n bytes. */
static inline uint64_t cnn_checksum(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ p[i]) * 0x100000001b3u;
    return sum;
}

#endif
