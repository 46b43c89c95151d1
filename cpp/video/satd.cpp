#include <cstring>

#include "difference.hpp"
#include "search.hpp"
#include "targets.hpp"

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

namespace video {
namespace {

// |a| + |b| of the last step of a transform, a = p + q and b = p - q, is 2 max(|p|, |q|).

std::uint32_t satd4(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                    std::size_t b_stride) {
    int d[4][4];
    for (int y = 0; y < 4; ++y) {
        int p[4];
        for (int x = 0; x < 4; ++x) p[x] = a[y * a_stride + x] - b[y * b_stride + x];
        const int s = p[0] + p[1], t = p[0] - p[1], u = p[2] + p[3], v = p[2] - p[3];
        d[y][0] = s + u, d[y][1] = t + v, d[y][2] = s - u, d[y][3] = t - v;
    }
    std::uint32_t sum = 0;
    for (int x = 0; x < 4; ++x) {
        const int s = d[0][x] + d[1][x], t = d[0][x] - d[1][x];
        const int u = d[2][x] + d[3][x], v = d[2][x] - d[3][x];
        sum += static_cast<std::uint32_t>(std::abs(s + u) + std::abs(s - u) + std::abs(t + v) +
                                          std::abs(t - v));
    }
    return (sum + 1) / 2;
}

#if defined(__GNUC__) && __has_builtin(__builtin_shufflevector)

using Bytes8 [[gnu::vector_size(8)]] = std::uint8_t;
using Bytes16 [[gnu::vector_size(16)]] = std::uint8_t;
using Words8 [[gnu::vector_size(16)]] = std::int16_t;
using Words16 [[gnu::vector_size(32)]] = std::int16_t;

// Rows of one block of 8 x 8, or of two: 8 samples at `a` and 8 at `a + second`.
VIDEO_INLINE void load(const std::uint8_t* a, std::ptrdiff_t, Words8& row) {
    Bytes8 bytes;
    std::memcpy(&bytes, a, 8);
    row = __builtin_convertvector(bytes, Words8);
}

VIDEO_INLINE void load(const std::uint8_t* a, std::ptrdiff_t second, Words16& row) {
    using Halves [[gnu::vector_size(16)]] = std::uint64_t;
    std::uint64_t first, last;
    std::memcpy(&first, a, 8);
    std::memcpy(&last, a + second, 8);
    const Halves halves = {first, last};
    row = __builtin_convertvector(reinterpret_cast<const Bytes16&>(halves), Words16);
}

VIDEO_INLINE void interleave(const Words8& p, const Words8& q, Words8& low, Words8& high) {
    low = __builtin_shufflevector(p, q, 0, 8, 1, 9, 2, 10, 3, 11);
    high = __builtin_shufflevector(p, q, 4, 12, 5, 13, 6, 14, 7, 15);
}

VIDEO_INLINE void interleave(const Words16& p, const Words16& q, Words16& low, Words16& high) {
    low = __builtin_shufflevector(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27);
    high = __builtin_shufflevector(p, q, 4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15,
                                   31);
}

template <typename Words>
VIDEO_INLINE void butterfly(Words& p, Words& q) {
    const Words difference = p - q;
    p = p + q;
    q = difference;
}

template <typename Words>
VIDEO_INLINE void magnitude(Words& p) {
    const Words negative = -p;
    p = p > negative ? p : negative;
}

// Half of the sums of absolute coefficients, in parts of at most 32640.
template <typename Words>
VIDEO_INLINE void transform(const std::uint8_t* a, std::size_t a_stride, std::ptrdiff_t a_second,
                            const std::uint8_t* b, std::size_t b_stride, std::ptrdiff_t b_second,
                            Words& sums) {
    Words d[8];
    for (int y = 0; y < 8; ++y) {
        Words other;
        load(a + y * a_stride, a_second, d[y]);
        load(b + y * b_stride, b_second, other);
        d[y] = d[y] - other;
    }
    for (int step = 1; step < 8; step *= 2) {
        for (int y = 0; y < 8; ++y) {
            if (!(y & step)) butterfly(d[y], d[y | step]);
        }
    }
    // A bit of the column changes places with a bit of the row, three times: in the end every
    // sample has met all others.
    for (int step = 1; step < 8; step *= 2) {
        for (int y = 0; y < 8; ++y) {
            if (y & step) continue;
            Words low, high;
            interleave(d[y], d[y | step], low, high);
            d[y] = low;
            d[y | step] = high;
            if (step < 4) butterfly(d[y], d[y | step]);
        }
    }
    for (int y = 0; y < 8; ++y) magnitude(d[y]);
    for (int y = 0; y < 4; ++y) d[y] = d[y] > d[y + 4] ? d[y] : d[y + 4];
    sums = (d[0] + d[1]) + (d[2] + d[3]);
}

VIDEO_INLINE std::uint32_t total(const std::int16_t* sums) {  // of 8 parts
    std::uint32_t sum = 0;
    for (int i = 0; i < 8; ++i) sum += static_cast<std::uint32_t>(sums[i]);
    return (sum + 1) >> 1;  // (2 sum + 2) / 4
}

VIDEO_INLINE std::uint32_t satd8(const std::uint8_t* a, std::size_t a_stride,
                                 const std::uint8_t* b, std::size_t b_stride) {
    Words8 sums;
    transform(a, a_stride, 0, b, b_stride, 0, sums);
    std::int16_t parts[8];
    std::memcpy(parts, &sums, sizeof parts);
    return total(parts);
}

VIDEO_INLINE std::uint32_t satd8_two(const std::uint8_t* a, std::size_t a_stride,
                                     std::ptrdiff_t a_second, const std::uint8_t* b,
                                     std::size_t b_stride, std::ptrdiff_t b_second) {
    Words16 sums;
    transform(a, a_stride, a_second, b, b_stride, b_second, sums);
    std::int16_t parts[16];
    std::memcpy(parts, &sums, sizeof parts);
    return total(parts) + total(parts + 8);
}

#else

std::uint32_t satd8(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                    std::size_t b_stride) {
    int d[64];
    for (int i = 0; i < 64; ++i) d[i] = a[i / 8 * a_stride + i % 8] - b[i / 8 * b_stride + i % 8];
    for (int step = 1; step < 64; step *= 2) {
        for (int i = 0; i < 64; ++i) {
            if (i & step) continue;
            const int p = d[i], q = d[i | step];
            d[i] = p + q;
            d[i | step] = p - q;
        }
    }
    std::uint32_t sum = 0;
    for (const int value : d) sum += static_cast<std::uint32_t>(std::abs(value));
    return (sum + 2) >> 2;
}

std::uint32_t satd8_two(const std::uint8_t* a, std::size_t a_stride, std::ptrdiff_t a_second,
                        const std::uint8_t* b, std::size_t b_stride, std::ptrdiff_t b_second) {
    return satd8(a, a_stride, b, b_stride) + satd8(a + a_second, a_stride, b + b_second, b_stride);
}

#endif

}  // namespace

VIDEO_TARGETS
std::uint32_t satd_below(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                         std::size_t b_stride, int width, int height, std::uint32_t limit) {
    std::uint32_t sum = 0;
    for (int y = 0; y < height; y += 8) {
        int x = 0;
        for (; x + 16 <= width; x += 16) {
            sum += satd8_two(a + x, a_stride, 8, b + x, b_stride, 8);
        }
        if (x < width) sum += satd8(a + x, a_stride, b + x, b_stride);
        if (sum >= limit) return sum;
        a += 8 * a_stride;
        b += 8 * b_stride;
    }
    return sum;
}

std::uint32_t satd(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                   std::size_t b_stride, int width, int height) {
    // 8 x 8 as far as they go, then strips of 4.
    const int inner_width = width & ~7, inner_height = height & ~7;
    std::uint32_t sum =
        satd_below(a, a_stride, b, b_stride, inner_width, inner_height, UINT32_MAX);
    for (int y = 0; y < height; y += 4) {
        for (int x = y < inner_height ? inner_width : 0; x < width; x += 4) {
            sum += satd4(a + y * a_stride + x, a_stride, b + y * b_stride + x, b_stride);
        }
    }
    return sum;
}

}  // namespace video
