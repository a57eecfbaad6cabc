/* SPDX-License-Identifier: Apache-2.0 */
/** Arithmetic that shows the precision asked for. */
#ifndef CNN_TESTS_EMULATION_NUMERICS_H
#define CNN_TESTS_EMULATION_NUMERICS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace emulated
{

/** value with only `bits` bits behind the point, to the nearest, ties to even. */
inline float round_mantissa(float value, unsigned bits)
{
    uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    if ((word & 0x7f800000u) == 0x7f800000u) /* infinite, or not a number */
        return value;
    const uint32_t drop = 23 - bits, half = 1u << (drop - 1), even = word >> drop & 1u;
    word = (word + half - 1 + even) & ~((1u << drop) - 1);
    std::memcpy(&value, &word, sizeof word);
    return value;
}

/** What a tensor core reads of a float under TF32: 10 bits behind the point. */
inline float round_tf32(float value)
{
    return round_mantissa(value, 10);
}

/** sums[i] += factor * values[i]; the products are exact. */
inline void add_scaled(size_t n, float factor, const float *__restrict values,
                       double *__restrict sums)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += (double)factor * (double)values[i];
}

} // namespace emulated

#endif
