// The kernels of every instruction set with vectors, over a class S that says what its vectors can
// do. Included by one file for each, which is compiled for it; everything is in an anonymous
// namespace, so that no function compiled here can be linked into what runs elsewhere.
//
// S has: I32 and I16, vectors of kLanes and 2 kLanes integers; kRows, sums of so many positions fit its
// registers; kGroup, neighbours that a filter computes together; load and store, splat16, adds, subs,
// max16, min16 (saturating), q15, positive(g, a, b) = g > 0 ? a : b, shifted (arithmetic, right, by
// lane), pack (two I32 in kernel order, saturating), interleave and add_pairs (of a filter), and
// sums<R>, the product of R positions and one panel.
#pragma once

#include "kernels.hpp"

namespace networks {
namespace {

#define NETWORKS_INLINE [[gnu::always_inline]] inline

template <typename S>
struct Simd {
    using I16 = typename S::I16;
    using I32 = typename S::I32;
    static constexpr std::size_t kPanel = 2 * S::kLanes;
    static constexpr std::size_t kPad = 32;  // values after a row that a vector may reach
    static constexpr std::size_t kStride = kMostBlock + kPad;

    // The logistic function of gates in 2^-12, in 2^-15: SPEC.md, sigmoid.
    NETWORKS_INLINE static I16 sigmoid(I16 g) {
        const I16 a = S::max16(g, S::subs(S::splat16(0), g));
        const I16 half = S::subs(a, S::splat16(16384));
        const I16 t = S::adds(half, half);
        I16 p = S::splat16(877);
        p = S::adds(S::q15(p, t), S::splat16(-2136));
        p = S::adds(S::q15(p, t), S::splat16(-1055));
        p = S::adds(S::q15(p, t), S::splat16(5850));
        p = S::adds(S::q15(p, t), S::splat16(-11668));
        p = S::adds(S::q15(p, t), S::splat16(11992));
        p = S::q15(p, p);
        p = S::q15(p, p);
        const I16 rest = S::adds(S::subs(S::splat16(32767), p), S::splat16(1));
        return S::positive(g, rest, p);
    }

    NETWORKS_INLINE static I16 clamped(I16 v, std::int16_t limit) {
        return S::max16(S::min16(v, S::splat16(limit)), S::splat16(static_cast<std::int16_t>(-limit)));
    }

    // The filter at kCount neighbours in one row, from (row, column) on, to out + n * stride.
    template <std::size_t kCount>
    static void filtered(const Filter& filter, const Plane& plane, std::size_t row,
                         std::size_t column, std::int16_t* out, std::size_t stride) {
        alignas(64) static constexpr std::int16_t zeros[kMostBlock] = {};
        const std::int16_t* inputs[3][kCount + 2];
        for (std::size_t i = 0; i < 3; ++i) {
            for (std::size_t j = 0; j < kCount + 2; ++j) {
                const std::size_t r = row + i - 1, c = column + j - 1;  // wraps round outside
                const bool inside = r < plane.height && c < plane.width;
                inputs[i][j] =
                    inside ? plane.from(r * plane.width + c, filter.channels) : zeros;
            }
        }
        const std::int16_t* weights = filter.weights;
        for (std::size_t channel = 0; channel < filter.channels; channel += kPanel) {
            I32 low[kCount], high[kCount];
            for (std::size_t n = 0; n < kCount; ++n) {
                low[n] = S::load32(filter.bias + channel);
                high[n] = S::load32(filter.bias + channel + S::kLanes);
            }
            for (std::size_t i = 0; i < 3; ++i, weights += 4 * kPanel) {
                I16 x[kCount + 3];
#pragma GCC unroll 8
                for (std::size_t j = 0; j < kCount + 2; ++j) x[j] = S::load16(inputs[i][j] + channel);
                x[kCount + 2] = x[kCount + 1];
                const auto left = S::word(weights), right = S::word(weights + 2 * kPanel);
#pragma GCC unroll 8
                for (std::size_t j = 0; j < kCount + 2; ++j) {
                    const auto pair = S::interleave(x[j], x[j + 1]);
                    if (j < kCount) S::add_pairs(low[j], high[j], pair, left);
                    if (j >= 2) S::add_pairs(low[j - 2], high[j - 2], pair, right);
                }
            }
            const I32 low_shift = S::load32(filter.shift + channel);
            const I32 high_shift = S::load32(filter.shift + channel + S::kLanes);
            for (std::size_t n = 0; n < kCount; ++n) {
                const I16 v = S::pack(S::shifted(low[n], low_shift), S::shifted(high[n], high_shift));
                S::store16(out + n * stride + channel, clamped(v, filter.limit));
            }
        }
    }

    // The filter at positions start .. start + count - 1 to out + n * stride.
    static void filter_strip(const Filter& filter, const Plane& plane, std::size_t start,
                             std::size_t count, std::int16_t* out, std::size_t stride) {
        for (std::size_t n = 0; n < count;) {
            const std::size_t row = (start + n) / plane.width, column = (start + n) % plane.width;
            if (n + S::kGroup <= count && column + S::kGroup <= plane.width) {
                filtered<S::kGroup>(filter, plane, row, column, out + n * stride, stride);
                n += S::kGroup;
            } else {
                filtered<1>(filter, plane, row, column, out + n * stride, stride);
                n += 1;
            }
        }
    }

    static void filter(const Filter& filter, const Plane& plane, std::size_t first,
                       std::size_t last) {
        filter_strip(filter, plane, first, last - first, plane.to(first, filter.channels),
                     filter.channels);
    }

    // done(row, values) with the sums of every position of a strip, shifted and packed: kernel order
    // becomes natural order.
    template <typename Done>
    NETWORKS_INLINE static void packed(const Product& product, std::size_t first,
                                       const std::int16_t* x, std::size_t stride, Done&& done) {
        const std::int16_t* weights = product.weights + first * 2 * product.words;
        const I32 low_shift = S::load32(product.shift + first);
        const I32 high_shift = S::load32(product.shift + first + S::kLanes);
        for (std::size_t row = 0; row < kStrip; row += S::kRows) {
            const auto sums = S::template sums<S::kRows>(x + row * stride, stride, product.words,
                                                         weights, product.bias + first);
#pragma GCC unroll 12
            for (std::size_t n = 0; n < S::kRows; ++n) {
                done(row + n, S::pack(S::shifted(sums.low[n], low_shift),
                                      S::shifted(sums.high[n], high_shift)));
            }
        }
    }

    static void gated_block(const GatedBlock& block, const Plane& plane, std::size_t first,
                            std::size_t last) {
        alignas(64) std::int16_t filtered[kStrip * kStride];
        alignas(64) std::int16_t gated[kStrip * kStride];
        alignas(64) std::int16_t values[kStrip * kPanel];
        const std::size_t channels = block.spatial.channels, hidden = block.hidden;
        for (std::size_t i = 0; i < kStrip * kStride; ++i) filtered[i] = 0;
        for (std::size_t start = first; start < last; start += kStrip) {
            const std::size_t count = last - start < kStrip ? last - start : kStrip;
            filter_strip(block.spatial, plane, start, count, filtered, kStride);
            for (std::size_t p = 0; p < hidden; p += kPanel) {
                packed(block.expand, p, filtered, kStride,
                       [&](std::size_t n, I16 v) __attribute__((always_inline)) {
                           S::store16(values + n * kPanel, clamped(v, block.value_limit));
                       });
                packed(block.expand, hidden + p, filtered, kStride,
                       [&](std::size_t n, I16 v) __attribute__((always_inline)) {
                           const I16 value = S::load16(values + n * kPanel);
                           S::store16(gated + n * kStride + p, S::q15(value, sigmoid(v)));
                       });
            }
            for (std::size_t p = 0; p < channels; p += kPanel) {
                const std::int16_t* from = plane.from(start, channels) + p;
                std::int16_t* to = plane.to(start, channels) + p;
                const I16 gain = S::load16(block.gain + p);
                packed(block.reduce, p, gated, kStride,
                       [&](std::size_t n, I16 v) __attribute__((always_inline)) {
                           if (n >= count) return;
                           const I16 x = S::load16(from + n * channels);
                           S::store16(to + n * channels, S::adds(x, S::q15(v, gain)));
                       });
            }
        }
    }

    static void product(const Product& product, const std::int16_t* x, std::size_t stride,
                        std::size_t rows, std::int32_t* out) {
        for (std::size_t first = 0; first < product.outputs; first += kPanel) {
            const std::int16_t* weights = product.weights + first * 2 * product.words;
            const I32 low_shift = S::load32(product.shift + first);
            const I32 high_shift = S::load32(product.shift + first + S::kLanes);
            for (std::size_t row = 0; row < rows; row += S::kRows) {
                const auto sums = S::template sums<S::kRows>(
                    x + row * stride, stride, product.words, weights, product.bias + first);
#pragma GCC unroll 12
                for (std::size_t n = 0; n < S::kRows; ++n) {
                    if (row + n >= rows) break;
                    std::int32_t halves[kPanel];
                    S::store32(halves, S::shifted(sums.low[n], low_shift));
                    S::store32(halves + S::kLanes, S::shifted(sums.high[n], high_shift));
                    std::int32_t* to = out + (row + n) * product.outputs + first;
                    for (std::size_t i = 0; i < S::kLanes; i += 4) {
                        __builtin_memcpy(to + 2 * i, halves + i, 4 * sizeof *to);
                        __builtin_memcpy(to + 2 * i + 4, halves + S::kLanes + i, 4 * sizeof *to);
                    }
                }
            }
        }
    }

    static void narrow(const std::int32_t* v, const std::int32_t* low, const std::int32_t* high,
                       std::size_t count, std::int16_t* out) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::int32_t most = v[i] < high[i] ? v[i] : high[i];
            out[i] = static_cast<std::int16_t>(most > low[i] ? most : low[i]);
        }
    }
};

}  // namespace
}  // namespace networks
