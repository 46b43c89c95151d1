// Compiled for processors with AVX-512 (CMakeLists.txt): includes nothing but intrinsics, so that no
// function compiled here can be linked into what runs elsewhere.
#include "gated_block.hpp"
#include "panel_avx512.hpp"

namespace transforms {
namespace {

constexpr std::size_t kGroup = 4;  // positions that share the weights of the depthwise filter
constexpr std::size_t kStride = kMaxChannels + kLanes;  // words from position to position

alignas(64) constexpr float kZeros[kMaxChannels] = {};

// 16 values to place `channel` of a row of words.
template <bool kHalf>
void store(float* row, std::size_t channel, __m512 value) {
    if constexpr (kHalf) {
        auto* half = reinterpret_cast<__m256i*>(row + channel / 2);
        _mm256_storeu_si256(half, (__m256i)_mm512_cvtneps_pbh(value));
    } else {
        _mm512_storeu_ps(row + channel, value);
    }
}

// 1 / (1 + exp(-x)) within 1e-6: exp by a polynomial of 2^fraction and the exponent.
__m512 sigmoid(__m512 x) {
    const __m512 limit = _mm512_set1_ps(80.0F);
    x = _mm512_max_ps(_mm512_min_ps(x, limit), _mm512_sub_ps(_mm512_setzero_ps(), limit));
    const __m512 power = _mm512_mul_ps(x, _mm512_set1_ps(-1.44269504F));
    const __m512 whole = _mm512_roundscale_ps(power, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 part = _mm512_sub_ps(power, whole);
    __m512 exp = _mm512_set1_ps(1.33336498e-3F);
    exp = _mm512_fmadd_ps(exp, part, _mm512_set1_ps(9.61812911e-3F));
    exp = _mm512_fmadd_ps(exp, part, _mm512_set1_ps(5.55041087e-2F));
    exp = _mm512_fmadd_ps(exp, part, _mm512_set1_ps(2.40226507e-1F));
    exp = _mm512_fmadd_ps(exp, part, _mm512_set1_ps(6.93147181e-1F));
    exp = _mm512_fmadd_ps(exp, part, _mm512_set1_ps(1.0F));
    const __m512 below = _mm512_add_ps(_mm512_set1_ps(1.0F), _mm512_scalef_ps(exp, whole));
    const __m512 guess = _mm512_rcp14_ps(below);
    return _mm512_mul_ps(guess, _mm512_fnmadd_ps(below, guess, _mm512_set1_ps(2.0F)));
}

// What one strip of positions holds between its three layers.
struct alignas(64) Strip {
    float filtered[kRows * kStride];
    float gated[kRows * kStride];
};

// The depthwise filter at kCount neighbours in one row, from (row, column) on.
template <bool kHalf, std::size_t kCount>
void filter(const Trunk& trunk, const Block& block, std::size_t row, std::size_t column,
            float* filtered) {
    const float* inputs[3][kCount + 2];
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < kCount + 2; ++j) {
            const std::size_t r = row + i - 1, c = column + j - 1;  // wraps round outside
            const bool inside = r < trunk.height && c < trunk.width;
            inputs[i][j] = inside ? trunk.x + (r * trunk.width + c) * block.channels : kZeros;
        }
    }
    for (std::size_t channel = 0; channel < block.channels; channel += kLanes) {
        __m512 sums[kCount];
        for (auto& sum : sums) sum = _mm512_loadu_ps(block.spatial_bias + channel);
        for (std::size_t i = 0; i < 3; ++i) {
            __m512 x[kCount + 2];
            for (std::size_t j = 0; j < kCount + 2; ++j) {
                x[j] = _mm512_loadu_ps(inputs[i][j] + channel);
            }
            for (std::size_t j = 0; j < 3; ++j) {
                const float* tap = block.spatial + (3 * i + j) * block.channels + channel;
                const __m512 weight = _mm512_loadu_ps(tap);
                for (std::size_t n = 0; n < kCount; ++n) {
                    sums[n] = _mm512_fmadd_ps(x[n + j], weight, sums[n]);
                }
            }
        }
        for (std::size_t n = 0; n < kCount; ++n) {
            store<kHalf>(filtered + n * kStride, channel, sums[n]);
        }
    }
}

template <bool kHalf>
void run(const Trunk& trunk, const Block& block, std::size_t first, std::size_t last) {
    Strip strip = {};
    const std::size_t c = block.channels, h = block.hidden;
    const std::size_t inputs = kHalf ? c / 2 : c, hidden = kHalf ? h / 2 : h;
    for (std::size_t start = first; start < last; start += kRows) {
        const std::size_t count = last - start < kRows ? last - start : kRows;
        for (std::size_t n = 0; n < count;) {
            const std::size_t row = (start + n) / trunk.width, column = (start + n) % trunk.width;
            float* filtered = strip.filtered + n * kStride;
            if (n + kGroup <= count && column + kGroup <= trunk.width) {
                filter<kHalf, kGroup>(trunk, block, row, column, filtered);
                n += kGroup;
            } else {
                filter<kHalf, 1>(trunk, block, row, column, filtered);
                n += 1;
            }
        }
        for (std::size_t p = 0; p < h / kLanes; ++p) {
            const float* bias = block.expand_bias + p * kPanel;
            const Sums sums = panel<kHalf, kStride>(
                strip.filtered, inputs, block.expand + p * inputs * kPanel, _mm512_loadu_ps(bias),
                _mm512_loadu_ps(bias + kLanes));
#pragma GCC unroll 12
            for (std::size_t n = 0; n < kRows; ++n) {
                store<kHalf>(strip.gated + n * kStride, p * kLanes,
                             _mm512_mul_ps(sums.low[n], sigmoid(sums.high[n])));
            }
        }
        for (std::size_t p = 0; p < c / kPanel; ++p) {
            const float* bias = block.reduce_bias + p * kPanel;
            const Sums sums = panel<kHalf, kStride>(
                strip.gated, hidden, block.reduce + p * hidden * kPanel, _mm512_loadu_ps(bias),
                _mm512_loadu_ps(bias + kLanes));
            const float* x = trunk.x + start * c + p * kPanel;
            float* out = trunk.out + start * c + p * kPanel;
            // count is at most kRows; a fixed bound keeps the sums in registers.
#pragma GCC unroll 12
            for (std::size_t n = 0; n < kRows; ++n) {
                if (n >= count) break;
                const float* from = x + n * c;
                float* to = out + n * c;
                _mm512_storeu_ps(to, _mm512_add_ps(sums.low[n], _mm512_loadu_ps(from)));
                _mm512_storeu_ps(to + kLanes,
                                 _mm512_add_ps(sums.high[n], _mm512_loadu_ps(from + kLanes)));
            }
        }
    }
}

}  // namespace

void gated_block_avx512(const Trunk& trunk, const Block& block, bool bfloat16, std::size_t first,
                        std::size_t last) {
    if (bfloat16) {
        run<true>(trunk, block, first, last);
    } else {
        run<false>(trunk, block, first, last);
    }
}

}  // namespace transforms
