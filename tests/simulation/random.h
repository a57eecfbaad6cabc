/* SPDX-License-Identifier: Apache-2.0 */
/** Streams of random numbers (SplitMix64; Steele, Lea, Flood: "Fast splittable pseudorandom number
 *  generators", OOPSLA 2014). One for each purpose, so that a draw more for one leaves the others as
 *  they were. */
#ifndef CNN_TESTS_SIMULATION_RANDOM_H
#define CNN_TESTS_SIMULATION_RANDOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} sim_random;

static inline uint64_t sim_random_word(sim_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/** The stream of a purpose. */
static inline sim_random sim_random_stream(uint64_t seed, uint64_t purpose)
{
    sim_random r = {seed * 0xd1342543de82ef95u + purpose * 0x2545f4914f6cdd1du};
    sim_random_word(&r);
    return r;
}

/** 0 <= u < 1. */
static inline double sim_random_uniform(sim_random *r)
{
    return (double)(sim_random_word(r) >> 11) * 0x1p-53;
}

static inline double sim_random_between(sim_random *r, double from, double to)
{
    return from + (to - from) * sim_random_uniform(r);
}

/** As likely in each decade. */
static inline double sim_random_log(sim_random *r, double from, double to)
{
    return from * exp(sim_random_uniform(r) * log(to / from));
}

/** from <= k <= to. */
static inline int sim_random_int(sim_random *r, int from, int to)
{
    return from + (int)(sim_random_word(r) % (uint64_t)(to - from + 1));
}

static inline bool sim_random_chance(sim_random *r, double probability)
{
    return sim_random_uniform(r) < probability;
}

#endif
