// Differences of blocks of samples, for whoever searches (private to this folder).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if defined(__x86_64__) || defined(_M_X64)
#include <emmintrin.h>
#define VIDEO_SSE2 1
#endif

namespace video {

// Sum of absolute transformed differences, or something of at least `limit` once it gets there.
// Sides are multiples of 8.
std::uint32_t satd_below(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                         std::size_t b_stride, int width, int height, std::uint32_t limit);

#ifdef VIDEO_SSE2
inline __m128i two_rows(const std::uint8_t* samples, std::size_t stride) {
    const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(samples));
    return _mm_unpacklo_epi64(
        first, _mm_loadl_epi64(reinterpret_cast<const __m128i*>(samples + stride)));
}

inline std::uint32_t both_halves(__m128i sums) {
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sums)) +
           static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_unpackhi_epi64(sums, sums)));
}
#endif

// Sum of absolute differences of columns of 8 samples; `height` is even.
inline std::uint32_t sad8(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                          std::size_t b_stride, int height) {
#ifdef VIDEO_SSE2
    __m128i sums = _mm_setzero_si128();
    for (int y = 0; y < height; y += 2) {
        sums = _mm_add_epi32(sums, _mm_sad_epu8(two_rows(a, a_stride), two_rows(b, b_stride)));
        a += 2 * a_stride;
        b += 2 * b_stride;
    }
    return both_halves(sums);
#else
    std::uint32_t sum = 0;
    for (int y = 0; y < height; ++y, a += a_stride, b += b_stride) {
        for (int x = 0; x < 8; ++x) sum += static_cast<std::uint32_t>(std::abs(a[x] - b[x]));
    }
    return sum;
#endif
}

// The same for columns of kWidth samples, a multiple of 16.
template <int kWidth>
inline std::uint32_t sad_wide(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                              std::size_t b_stride, int height) {
#ifdef VIDEO_SSE2
    __m128i sums = _mm_setzero_si128();
    for (int y = 0; y < height; ++y, a += a_stride, b += b_stride) {
        for (int x = 0; x < kWidth; x += 16) {
            const auto* left = reinterpret_cast<const __m128i*>(a + x);
            const auto* right = reinterpret_cast<const __m128i*>(b + x);
            sums = _mm_add_epi32(sums,
                                 _mm_sad_epu8(_mm_loadu_si128(left), _mm_loadu_si128(right)));
        }
    }
    return both_halves(sums);
#else
    std::uint32_t sum = 0;
    for (int y = 0; y < height; ++y, a += a_stride, b += b_stride) {
        for (int x = 0; x < kWidth; ++x) sum += static_cast<std::uint32_t>(std::abs(a[x] - b[x]));
    }
    return sum;
#endif
}

// Sum of absolute differences of a block whose sides are multiples of 8.
inline std::uint32_t sad(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                         std::size_t b_stride, int width, int height) {
    switch (width) {
        case 8: return sad8(a, a_stride, b, b_stride, height);
        case 16: return sad_wide<16>(a, a_stride, b, b_stride, height);
        case 32: return sad_wide<32>(a, a_stride, b, b_stride, height);
        case 64: return sad_wide<64>(a, a_stride, b, b_stride, height);
    }
    std::uint32_t sum = 0;
    int x = 0;
    for (; x + 16 <= width; x += 16) sum += sad_wide<16>(a + x, a_stride, b + x, b_stride, height);
    if (x < width) sum += sad8(a + x, a_stride, b + x, b_stride, height);
    return sum;
}

}  // namespace video
