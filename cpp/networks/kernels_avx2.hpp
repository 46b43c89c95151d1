// What vectors of 256 bits can do, but for the product of pairs: D::dot. See kernels_simd.hpp.
#pragma once

#include <immintrin.h>

#include "kernels_simd.hpp"

namespace networks {
namespace {

template <typename D>
struct Avx2 {
    using I16 = __m256i;
    using I32 = __m256i;
    static constexpr std::size_t kLanes = 8, kRows = D::kRows, kGroup = 2;
    struct Pair {
        __m256i low, high;
    };
    template <std::size_t kCount>
    struct Sums {
        __m256i low[kCount], high[kCount];
    };

    static __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
    static void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
    static I16 load16(const std::int16_t* p) { return load(p); }
    static void store16(std::int16_t* p, I16 v) { store(p, v); }
    static I32 load32(const std::int32_t* p) { return load(p); }
    static void store32(std::int32_t* p, I32 v) { store(p, v); }
    static I16 splat16(std::int16_t v) { return _mm256_set1_epi16(v); }
    static I16 adds(I16 a, I16 b) { return _mm256_adds_epi16(a, b); }
    static I16 subs(I16 a, I16 b) { return _mm256_subs_epi16(a, b); }
    static I16 max16(I16 a, I16 b) { return _mm256_max_epi16(a, b); }
    static I16 min16(I16 a, I16 b) { return _mm256_min_epi16(a, b); }
    static I16 q15(I16 a, I16 b) { return _mm256_mulhrs_epi16(a, b); }
    static I16 positive(I16 g, I16 a, I16 b) {
        return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi16(g, _mm256_setzero_si256()));
    }
    static I32 shifted(I32 v, I32 by) { return _mm256_srav_epi32(v, by); }
    static I16 pack(I32 low, I32 high) { return _mm256_packs_epi32(low, high); }
    static Pair word(const std::int16_t* w) { return {load16(w), load16(w + 2 * kLanes)}; }
    static Pair interleave(I16 a, I16 b) {
        return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
    }
    NETWORKS_INLINE static void add_pairs(I32& low, I32& high, const Pair& x, const Pair& w) {
        low = D::dot(low, x.low, w.low);
        high = D::dot(high, x.high, w.high);
    }

    template <std::size_t kCount>
    NETWORKS_INLINE static Sums<kCount> sums(const std::int16_t* x, std::size_t stride,
                                             std::size_t words, const std::int16_t* w,
                                             const std::int32_t* bias) {
        Sums<kCount> s;
#pragma GCC unroll 6
        for (std::size_t n = 0; n < kCount; ++n) {
            s.low[n] = load32(bias);
            s.high[n] = load32(bias + kLanes);
        }
        for (std::size_t k = 0; k < words; ++k) {
            const I16 low = load16(w + 4 * kLanes * k), high = load16(w + 4 * kLanes * k + 2 * kLanes);
#pragma GCC unroll 6
            for (std::size_t n = 0; n < kCount; ++n) {
                std::int32_t word;
                __builtin_memcpy(&word, x + n * stride + 2 * k, sizeof word);
                const __m256i both = _mm256_set1_epi32(word);
                s.low[n] = D::dot(s.low[n], both, low);
                s.high[n] = D::dot(s.high[n], both, high);
            }
        }
        return s;
    }
};

}  // namespace
}  // namespace networks
