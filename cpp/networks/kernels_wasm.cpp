// Kernels for WebAssembly with SIMD128; see kernels_simd.hpp.
#include <wasm_simd128.h>

#include "kernels_simd.hpp"

namespace networks {
namespace {

struct Wasm {
    using I16 = v128_t;
    using I32 = v128_t;
    static constexpr std::size_t kLanes = 4, kRows = 4, kGroup = 4;
    struct Pair {
        v128_t low, high;
    };
    template <std::size_t kCount>
    struct Sums {
        v128_t low[kCount], high[kCount];
    };

    static I16 load16(const std::int16_t* p) { return wasm_v128_load(p); }
    static void store16(std::int16_t* p, I16 v) { wasm_v128_store(p, v); }
    static I32 load32(const std::int32_t* p) { return wasm_v128_load(p); }
    static void store32(std::int32_t* p, I32 v) { wasm_v128_store(p, v); }
    static I16 splat16(std::int16_t v) { return wasm_i16x8_splat(v); }
    static I16 adds(I16 a, I16 b) { return wasm_i16x8_add_sat(a, b); }
    static I16 subs(I16 a, I16 b) { return wasm_i16x8_sub_sat(a, b); }
    static I16 max16(I16 a, I16 b) { return wasm_i16x8_max(a, b); }
    static I16 min16(I16 a, I16 b) { return wasm_i16x8_min(a, b); }
    static I16 q15(I16 a, I16 b) { return wasm_i16x8_q15mulr_sat(a, b); }
    static I16 positive(I16 g, I16 a, I16 b) {
        return wasm_v128_bitselect(a, b, wasm_i16x8_gt(g, wasm_i16x8_const_splat(0)));
    }
    // No instruction shifts every lane by a number of its own.
    static I32 shifted(I32 v, I32 by) {
        return wasm_i32x4_make(wasm_i32x4_extract_lane(v, 0) >> wasm_i32x4_extract_lane(by, 0),
                               wasm_i32x4_extract_lane(v, 1) >> wasm_i32x4_extract_lane(by, 1),
                               wasm_i32x4_extract_lane(v, 2) >> wasm_i32x4_extract_lane(by, 2),
                               wasm_i32x4_extract_lane(v, 3) >> wasm_i32x4_extract_lane(by, 3));
    }
    static I16 pack(I32 low, I32 high) { return wasm_i16x8_narrow_i32x4(low, high); }

    // sum += a0 * b0 + a1 * b1 in every lane.
    static I32 dot(I32 sum, I32 a, I32 b) { return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(a, b)); }

    static Pair word(const std::int16_t* w) { return {load16(w), load16(w + 2 * kLanes)}; }
    static Pair interleave(I16 a, I16 b) {
        return {wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11),
                wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)};
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
#pragma GCC unroll 4
        for (std::size_t n = 0; n < kCount; ++n) {
            s.low[n] = load32(bias);
            s.high[n] = load32(bias + kLanes);
        }
        for (std::size_t k = 0; k < words; ++k) {
            const I16 low = load16(w + 4 * kLanes * k), high = load16(w + 4 * kLanes * k + 2 * kLanes);
#pragma GCC unroll 4
            for (std::size_t n = 0; n < kCount; ++n) {
                const v128_t both = wasm_v128_load32_splat(x + n * stride + 2 * k);
                s.low[n] = dot(s.low[n], both, low);
                s.high[n] = dot(s.high[n], both, high);
            }
        }
        return s;
    }
};

bool supported() { return true; }  // an engine without vectors refuses the whole module

using K = Simd<Wasm>;

}  // namespace

extern const Kernels kWasmKernels;
const Kernels kWasmKernels{"wasm",     K::kPanel, Order::kPairs,  supported,
                           K::product, K::filter, K::gated_block, K::narrow};

}  // namespace networks
