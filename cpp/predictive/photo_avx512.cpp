// Kernels of coder P for processors with AVX-512 VNNI; see photo_lanes.hpp.
#include <immintrin.h>

#include "photo_lanes.hpp"

namespace predictive {
namespace {

typedef std::int32_t Int16 __attribute__((vector_size(64)));

struct Avx512 {
    using V = Int16;
    static constexpr int kWidth = 16, kTile = 24;
    static constexpr bool kQuads = true;

    PREDICTIVE_INLINE static __m512i raw(V v) { return reinterpret_cast<__m512i>(v); }
    PREDICTIVE_INLINE static V of(__m512i v) { return reinterpret_cast<V>(v); }

    PREDICTIVE_INLINE static V load(const std::int32_t* p) { return of(_mm512_loadu_si512(p)); }
    PREDICTIVE_INLINE static void store(std::int32_t* p, V v) { _mm512_storeu_si512(p, raw(v)); }
    PREDICTIVE_INLINE static V splat(std::int32_t v) { return of(_mm512_set1_epi32(v)); }
    PREDICTIVE_INLINE static V min(V a, V b) { return of(_mm512_min_epi32(raw(a), raw(b))); }
    PREDICTIVE_INLINE static V max(V a, V b) { return of(_mm512_max_epi32(raw(a), raw(b))); }
    PREDICTIVE_INLINE static V abs(V v) { return of(_mm512_abs_epi32(raw(v))); }
    PREDICTIVE_INLINE static V choose(V a, V b, V less, V other) {
        return of(_mm512_mask_blend_epi32(_mm512_cmplt_epi32_mask(raw(a), raw(b)), raw(other), raw(less)));
    }
    PREDICTIVE_INLINE static bool any_less(V a, V b) {
        return _mm512_cmplt_epi32_mask(raw(a), raw(b)) != 0;
    }
    // The conversion is exact below 2^24: exponent and three bits of the fraction.
    PREDICTIVE_INLINE static V bin(V activity) {
        const __m512i bits = _mm512_castps_si512(_mm512_cvtepi32_ps(raw(activity)));
        return of(_mm512_srli_epi32(bits, 20)) - splat(8 * (127 + 5));
    }
    PREDICTIVE_INLINE static V lookup(const std::int32_t* table, V index) {
        return of(_mm512_i32gather_epi32(raw(index), table, 4));
    }
    PREDICTIVE_INLINE static V pair(V low, V high) {
        return of(_mm512_mask_blend_epi16(0xaaaaaaaau, raw(low), _mm512_slli_epi32(raw(high), 16)));
    }
    // The intrinsic is the same, but GCC 12 copies each sum to another register for it.
    PREDICTIVE_INLINE static V dot(V sum, V a, V b) {
        asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
        return sum;
    }
    PREDICTIVE_INLINE static V dot_all(V sum, V a, const std::int32_t* b) {
        asm("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(a), "m"(*b));
        return sum;
    }
    PREDICTIVE_INLINE static V dot4_all(V sum, V a, const std::int32_t* b) {
        asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(a), "m"(*b));
        return sum;
    }
    PREDICTIVE_INLINE static void narrow(std::int16_t* p, V v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(raw(v)));
    }
    PREDICTIVE_INLINE static int find(const std::uint16_t* starts, std::uint16_t slot) {
        const __m512i s = _mm512_set1_epi16(static_cast<short>(slot));
        const __mmask32 below = _mm512_cmple_epu16_mask(_mm512_loadu_si512(starts), s);
        if (below != 0xffffffffu) return __builtin_popcount(below) - 1;
        const __mmask32 more = _mm512_cmple_epu16_mask(_mm512_loadu_si512(starts + 32), s);
        const int token = 31 + __builtin_popcount(more);
        return token < kTokens ? token : kTokens - 1;
    }
};

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}

using K = Photo<Avx512>;

}  // namespace

extern const PhotoKernels kPhotoAvx512;
const PhotoKernels kPhotoAvx512{"avx512", supported,
                                {K::predict<0>, K::predict<1>, K::predict<2>},
                                K::decode, K::encode, K::commit,
                                {K::inputs<0>, K::inputs<1>, K::inputs<2>},
                                K::products};

}  // namespace predictive
