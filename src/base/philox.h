/* SPDX-License-Identifier: Apache-2.0 */
/** Philox4x32-10, a counter-based random number generator (Salmon, Moraes, Dror, Shaw:
 *  "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 *
 *  Everything random in a run is a pure function of (seed, purpose, epoch, index), so every path,
 *  backend and thread count draws the same numbers. docs/trainer-protocol.md repeats these rules
 *  for other programs. */
#ifndef CNN_BASE_PHILOX_H
#define CNN_BASE_PHILOX_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    uint32_t w[4];
} cnn_philox;

/** What a number is drawn for: the fourth word of the counter. */
typedef enum {
    CNN_RANDOM_WEIGHTS = 1, /* epoch word = index of the parameter tensor */
    CNN_RANDOM_SHUFFLE = 2, /* batch order; index = image */
    CNN_RANDOM_SPLIT = 3,   /* train/test split and `limit`; key = the data set's split seed */
    CNN_RANDOM_SYNTHETIC = 4,
    CNN_RANDOM_DESIGN = 5,      /* order of blocks; key = the job's seed */
    CNN_RANDOM_SIGNS = 6,       /* sign-flip tests; epoch word = draw */
    CNN_RANDOM_SIMULATE = 7,    /* simulated runs: simulate/draw.h */
    CNN_RANDOM_DROPOUT = 0x100, /* + layer index; epoch word = training step */
} cnn_random_purpose;

/** The four words of counter (index low, index high, epoch, purpose) under key (seed low, high). */
cnn_philox cnn_philox_at(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t index);

/** Value i of a stream: word i % 4 of counter index i / 4. */
uint32_t cnn_random_word(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t i);

/** (word + 0.5) / 2^32: uniform in (0, 1). */
static inline double cnn_random_unit(uint32_t word)
{
    return ((double)word + 0.5) * 0x1p-32;
}

/** Writes the permutation of 0..n-1 that sorts the items by (word 0 of counter index i, i).
 *  order  i32 [n], owned by the caller. CNN_ENOMEM: no memory for n * 8 bytes of scratch. */
cnn_status cnn_random_order(uint64_t seed, uint32_t purpose, uint32_t epoch, int n, int32_t *order);

#endif
