// Kernels for processors with AVX-512 VNNI; see kernels_simd.hpp.
#include <immintrin.h>

#include "kernels_simd.hpp"

namespace networks {
namespace {

struct Avx512 {
    using I16 = __m512i;
    using I32 = __m512i;
    static constexpr std::size_t kLanes = 16, kRows = 12, kGroup = 4;
    struct Pair {
        __m512i low, high;
    };
    template <std::size_t kCount>
    struct Sums {
        __m512i low[kCount], high[kCount];
    };

    static I16 load16(const std::int16_t* p) { return _mm512_loadu_si512(p); }
    static void store16(std::int16_t* p, I16 v) { _mm512_storeu_si512(p, v); }
    static I32 load32(const std::int32_t* p) { return _mm512_loadu_si512(p); }
    static void store32(std::int32_t* p, I32 v) { _mm512_storeu_si512(p, v); }
    static I16 splat16(std::int16_t v) { return _mm512_set1_epi16(v); }
    static I16 adds(I16 a, I16 b) { return _mm512_adds_epi16(a, b); }
    static I16 subs(I16 a, I16 b) { return _mm512_subs_epi16(a, b); }
    static I16 max16(I16 a, I16 b) { return _mm512_max_epi16(a, b); }
    static I16 min16(I16 a, I16 b) { return _mm512_min_epi16(a, b); }
    static I16 q15(I16 a, I16 b) { return _mm512_mulhrs_epi16(a, b); }
    static I16 positive(I16 g, I16 a, I16 b) {
        return _mm512_mask_blend_epi16(_mm512_cmpgt_epi16_mask(g, _mm512_setzero_si512()), b, a);
    }
    static I32 shifted(I32 v, I32 by) { return _mm512_srav_epi32(v, by); }
    static I16 pack(I32 low, I32 high) { return _mm512_packs_epi32(low, high); }

    // sum += a0 * b0 + a1 * b1 in every lane. The intrinsic is the same, but GCC 12 copies each sum
    // to another register and the stack for it, which takes twice the time.
    // By value: a sum whose address is taken would live in memory.
    NETWORKS_INLINE static I32 dot(I32 sum, I32 a, I32 b) {
        asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
        return sum;
    }

    static Pair word(const std::int16_t* w) { return {load16(w), load16(w + 2 * kLanes)}; }
    static Pair interleave(I16 a, I16 b) {
        return {_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)};
    }
    NETWORKS_INLINE static void add_pairs(I32& low, I32& high, const Pair& x, const Pair& w) {
        low = dot(low, x.low, w.low);
        high = dot(high, x.high, w.high);
    }

    template <std::size_t kCount>
    NETWORKS_INLINE static Sums<kCount> sums(const std::int16_t* x, std::size_t stride,
                                             std::size_t words, const std::int16_t* w,
                                             const std::int32_t* bias) {
        Sums<kCount> s;
#pragma GCC unroll 12
        for (std::size_t n = 0; n < kCount; ++n) {
            s.low[n] = load32(bias);
            s.high[n] = load32(bias + kLanes);
        }
        for (std::size_t k = 0; k < words; ++k) {
            const I16 low = load16(w + 4 * kLanes * k), high = load16(w + 4 * kLanes * k + 2 * kLanes);
#pragma GCC unroll 12
            for (std::size_t n = 0; n < kCount; ++n) {
                std::int32_t word;
                __builtin_memcpy(&word, x + n * stride + 2 * k, sizeof word);
                const __m512i both = _mm512_set1_epi32(word);
                s.low[n] = dot(s.low[n], both, low);
                s.high[n] = dot(s.high[n], both, high);
            }
        }
        return s;
    }
};

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}

using K = Simd<Avx512>;

}  // namespace

extern const Kernels kAvx512Kernels;
const Kernels kAvx512Kernels{"avx512",  K::kPanel,      Order::kPairs, supported,
                             K::product, K::filter, K::gated_block, K::narrow};

}  // namespace networks
