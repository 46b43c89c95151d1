// What vectors of 256 bits can do, but for products of pairs and quads: D::dot and
// D::dot4. See photo_lanes.hpp.
#pragma once

#include <immintrin.h>

#include "photo_lanes.hpp"

namespace predictive {
namespace {

typedef std::int32_t Int8 __attribute__((vector_size(32)));

template <typename D>
struct Avx2 {
    using V = Int8;
    static constexpr int kWidth = 8, kTile = 4;
    static constexpr bool kQuads = true;

    PREDICTIVE_INLINE static __m256i raw(V v) { return reinterpret_cast<__m256i>(v); }
    PREDICTIVE_INLINE static V of(__m256i v) { return reinterpret_cast<V>(v); }

    PREDICTIVE_INLINE static V load(const std::int32_t* p) {
        return of(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    PREDICTIVE_INLINE static void store(std::int32_t* p, V v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), raw(v));
    }
    PREDICTIVE_INLINE static V splat(std::int32_t v) { return of(_mm256_set1_epi32(v)); }
    PREDICTIVE_INLINE static V min(V a, V b) { return of(_mm256_min_epi32(raw(a), raw(b))); }
    PREDICTIVE_INLINE static V max(V a, V b) { return of(_mm256_max_epi32(raw(a), raw(b))); }
    PREDICTIVE_INLINE static V abs(V v) { return of(_mm256_abs_epi32(raw(v))); }
    PREDICTIVE_INLINE static V choose(V a, V b, V less, V other) {
        return of(_mm256_blendv_epi8(raw(other), raw(less), _mm256_cmpgt_epi32(raw(b), raw(a))));
    }
    PREDICTIVE_INLINE static bool any_less(V a, V b) {
        return _mm256_movemask_epi8(_mm256_cmpgt_epi32(raw(b), raw(a))) != 0;
    }
    // The conversion is exact below 2^24: exponent and three bits of the fraction.
    PREDICTIVE_INLINE static V bin(V activity) {
        const __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(raw(activity)));
        return of(_mm256_srli_epi32(bits, 20)) - splat(8 * (127 + 5));
    }
    PREDICTIVE_INLINE static V lookup(const std::int32_t* table, V index) {
        return of(_mm256_i32gather_epi32(table, raw(index), 4));
    }
    PREDICTIVE_INLINE static V pair(V low, V high) {
        return of(_mm256_blend_epi16(raw(low), _mm256_slli_epi32(raw(high), 16), 0xaa));
    }
    PREDICTIVE_INLINE static V dot(V sum, V a, V b) { return D::dot(sum, a, b); }
    PREDICTIVE_INLINE static V dot_all(V sum, V a, const std::int32_t* b) {
        return D::dot(sum, a, splat(*b));
    }
    PREDICTIVE_INLINE static V dot4_all(V sum, V a, const std::int32_t* b) {
        return D::dot4(sum, a, splat(*b));
    }
    PREDICTIVE_INLINE static void narrow(std::int16_t* p, V v) {
        const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(raw(v), raw(v)), 0x08);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(both));
    }
    PREDICTIVE_INLINE static int find(const std::uint16_t* starts, std::uint16_t slot) {
        const __m256i s = _mm256_set1_epi16(static_cast<short>(slot));
        for (int first = 0; first < kTokenStride; first += 16) {
            const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(starts + first));
            const auto below = static_cast<unsigned>(
                _mm256_movemask_epi8(_mm256_cmpeq_epi16(_mm256_max_epu16(v, s), s)));
            if (below != 0xffffffffu) return first - 1 + __builtin_popcount(below) / 2;
        }
        return kTokens - 1;
    }
};

}  // namespace
}  // namespace predictive
