// Products of matrices for the files compiled for AVX-512: no other may include this.
#pragma once

#include <immintrin.h>

#include <cstddef>

#include "panel.hpp"

namespace transforms {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kRows = 12;  // positions of a strip: 24 sums of 16 in registers

// sum + a * b; in bfloat16 a and b are pairs.
template <bool kHalf>
__m512 multiply_add(__m512 a, __m512 b, __m512 sum) {
    if constexpr (kHalf) {
        return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(a),
                                (__m512bh)_mm512_castps_si512(b));
    } else {
        return _mm512_fmadd_ps(a, b, sum);
    }
}

struct Sums {
    __m512 low[kRows], high[kRows];
};

// kPanel outputs of a linear layer at all positions of a strip, which are `kStride` words apart.
template <bool kHalf, std::size_t kStride>
Sums panel(const float* inputs, std::size_t words, const float* weights, __m512 low_bias,
           __m512 high_bias) {
    Sums sums;
#pragma GCC unroll 12
    for (std::size_t n = 0; n < kRows; ++n) {
        sums.low[n] = low_bias;
        sums.high[n] = high_bias;
    }
    for (std::size_t k = 0; k < words; ++k) {
        const __m512 low = _mm512_loadu_ps(weights + k * kPanel);
        const __m512 high = _mm512_loadu_ps(weights + k * kPanel + kLanes);
#pragma GCC unroll 12
        for (std::size_t n = 0; n < kRows; ++n) {
            const __m512 x = _mm512_set1_ps(inputs[n * kStride + k]);
            sums.low[n] = multiply_add<kHalf>(x, low, sums.low[n]);
            sums.high[n] = multiply_add<kHalf>(x, high, sums.high[n]);
        }
    }
    return sums;
}

}  // namespace
}  // namespace transforms
