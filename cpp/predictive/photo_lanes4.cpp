// Kernels of coder P for processors with vectors of 128 bits, in the compiler's own vector types: NEON
// and WebAssembly; see photo_lanes.hpp.
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#include "photo_lanes.hpp"

namespace predictive {
namespace {

typedef std::int32_t Int4 __attribute__((vector_size(16)));
typedef std::int16_t Short8 __attribute__((vector_size(16)));
typedef float Float4 __attribute__((vector_size(16)));

struct Lanes4 {
    using V = Int4;
    static constexpr int kWidth = 4, kTile = 4;
    static constexpr bool kQuads = false;

    PREDICTIVE_INLINE static V load(const std::int32_t* p) {
        V v;
        __builtin_memcpy(&v, p, sizeof v);
        return v;
    }
    PREDICTIVE_INLINE static void store(std::int32_t* p, V v) { __builtin_memcpy(p, &v, sizeof v); }
    PREDICTIVE_INLINE static V splat(std::int32_t v) { return V{v, v, v, v}; }
    PREDICTIVE_INLINE static V choose(V a, V b, V less, V other) {
        const V mask = a < b;
        return (mask & less) | (~mask & other);
    }
    PREDICTIVE_INLINE static V min(V a, V b) { return choose(a, b, a, b); }
    PREDICTIVE_INLINE static V max(V a, V b) { return choose(a, b, b, a); }
    PREDICTIVE_INLINE static V abs(V v) { return max(v, -v); }
    PREDICTIVE_INLINE static bool any_less(V a, V b) {
        const V mask = a < b;
        return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
    }
    // The conversion is exact below 2^24: exponent and three bits of the fraction.
    PREDICTIVE_INLINE static V bin(V activity) {
        const Float4 f = __builtin_convertvector(activity, Float4);
        return (reinterpret_cast<V>(f) >> 20) - splat(8 * (127 + 5));
    }
    PREDICTIVE_INLINE static V lookup(const std::int32_t* table, V index) {
        return V{table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
    }
    PREDICTIVE_INLINE static V pair(V low, V high) { return (low & splat(0xffff)) | (high << 16); }
    PREDICTIVE_INLINE static V dropped(V both) {
        return reinterpret_cast<V>(reinterpret_cast<Short8>(both) >> kInputDrop);
    }
    PREDICTIVE_INLINE static V dot(V sum, V a, V b) {
#ifdef __wasm_simd128__
        return sum + reinterpret_cast<V>(
                         wasm_i32x4_dot_i16x8(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
#else
        return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
    }
    PREDICTIVE_INLINE static V dot_all(V sum, V a, const std::int32_t* b) { return dot(sum, a, splat(*b)); }
    PREDICTIVE_INLINE static void narrow(std::int16_t* p, V v) {
        for (int i = 0; i < 4; ++i) p[i] = static_cast<std::int16_t>(v[i]);
    }
    PREDICTIVE_INLINE static int find(const std::uint16_t* starts, std::uint16_t slot) {
        int token = 0;
        while (token + 1 < kTokens && starts[token + 1] <= slot) ++token;
        return token;
    }
};

bool supported() { return true; }

using K = Photo<Lanes4>;

}  // namespace

extern const PhotoKernels kPhotoLanes4;
const PhotoKernels kPhotoLanes4{PREDICTIVE_LANES4, supported,
                                {K::predict<0>, K::predict<1>, K::predict<2>},
                                K::decode, K::encode, K::commit,
                                {K::inputs<0>, K::inputs<1>, K::inputs<2>},
                                K::products};

}  // namespace predictive
