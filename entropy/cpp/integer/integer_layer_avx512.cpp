// Compiled for processors with AVX-512 VNNI (CMakeLists.txt): includes nothing but intrinsics, so
// that no function compiled here can be linked into what runs elsewhere.
#include "integer_layer.hpp"

#include <immintrin.h>

namespace integer {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kRows = kStrip;
constexpr std::size_t kStride = kMaxInputs / 2 + kLanes;  // words from position to position

alignas(64) constexpr std::int16_t kZeros[kLanes] = {};

__m512i finished(__m512i sum, const Finish& finish, std::size_t channel) {
    sum = _mm512_srav_epi32(sum, _mm512_loadu_si512(finish.shift + channel));
    sum = _mm512_max_epi32(sum, _mm512_loadu_si512(finish.low + channel));
    return _mm512_min_epi32(sum, _mm512_loadu_si512(finish.high + channel));
}

void store(std::int16_t* out, __m512i values) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(values));
}

void store(float* out, __m512i values) { _mm512_storeu_ps(out, _mm512_cvtepi32_ps(values)); }

// sum += a0 * b0 + a1 * b1 in every lane. The intrinsic is the same, but GCC 12 copies each sum to
// another register and the stack for it, which takes twice the time.
inline __m512i add_products(__m512i sum, __m512i a, __m512i b) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

struct Sums {
    __m512i low[kRows], high[kRows];
};

// kPanel sums at all positions of a strip.
Sums panel(const std::int32_t* strip, std::size_t words, const std::int32_t* weights,
           __m512i low_bias, __m512i high_bias) {
    Sums sums;
#pragma GCC unroll 12
    for (std::size_t n = 0; n < kRows; ++n) {
        sums.low[n] = low_bias;
        sums.high[n] = high_bias;
    }
    for (std::size_t k = 0; k < words; ++k) {
        const __m512i low = _mm512_loadu_si512(weights + k * kPanel);
        const __m512i high = _mm512_loadu_si512(weights + k * kPanel + kLanes);
#pragma GCC unroll 12
        for (std::size_t n = 0; n < kRows; ++n) {
            const __m512i x = _mm512_set1_epi32(strip[n * kStride + k]);
            sums.low[n] = add_products(sums.low[n], x, low);
            sums.high[n] = add_products(sums.high[n], x, high);
        }
    }
    return sums;
}

template <typename T>
void run(const Linear& layer, const std::int16_t* x, std::size_t positions, T* out) {
    alignas(64) std::int32_t strip[kRows * kStride] = {};
    const std::size_t words = layer.inputs / 2;
    const Finish finish = layer.finish;
    for (std::size_t start = 0; start < positions; start += kRows) {
        const std::size_t count = positions - start < kRows ? positions - start : kRows;
        for (std::size_t n = 0; n < count; ++n) {
            __builtin_memcpy(strip + n * kStride, x + (start + n) * layer.inputs,
                             layer.inputs * sizeof *x);
        }
        for (std::size_t first = 0; first < layer.outputs; first += kPanel) {
            const Sums sums = panel(strip, words, layer.weights + first * words,
                                    _mm512_loadu_si512(finish.bias + first),
                                    _mm512_loadu_si512(finish.bias + first + kLanes));
            // count is at most kRows; a fixed bound keeps the sums in registers.
#pragma GCC unroll 12
            for (std::size_t n = 0; n < kRows; ++n) {
                if (n >= count) break;
                T* to = out + (start + n) * layer.outputs + first;
                store(to, finished(sums.low[n], finish, first));
                store(to + kLanes, finished(sums.high[n], finish, first + kLanes));
            }
        }
    }
}

__m512i widened(const std::int16_t* x) {
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
}

}  // namespace

void linear_avx512(const Linear& layer, const std::int16_t* x, std::size_t positions,
                   std::int16_t* out) {
    run(layer, x, positions, out);
}

void linear_avx512(const Linear& layer, const std::int16_t* x, std::size_t positions, float* out) {
    run(layer, x, positions, out);
}

void depthwise_avx512(const Depthwise& layer, const std::int16_t* x, std::size_t height,
                      std::size_t width, std::int16_t* out, std::size_t first, std::size_t last) {
    const std::size_t channels = layer.channels;
    for (std::size_t channel = 0; channel < channels; channel += kLanes) {
        __m512i taps[9];
        for (std::size_t i = 0; i < 9; ++i) {
            taps[i] = _mm512_loadu_si512(layer.weights + i * channels + channel);
        }
        const __m512i bias = _mm512_loadu_si512(layer.finish.bias + channel);
        for (std::size_t row = first; row < last; ++row) {
            for (std::size_t column = 0; column < width; ++column) {
                __m512i sum = bias;
#pragma GCC unroll 9
                for (std::size_t i = 0; i < 9; ++i) {
                    const std::size_t r = row + i / 3 - 1, c = column + i % 3 - 1;  // wraps round
                    const bool inside = r < height && c < width;
                    const std::int16_t* from =
                        inside ? x + (r * width + c) * channels + channel : kZeros;
                    sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(widened(from), taps[i]));
                }
                store(out + (row * width + column) * channels + channel,
                      finished(sum, layer.finish, channel));
            }
        }
    }
}

}  // namespace integer
