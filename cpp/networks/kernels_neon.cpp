// Kernels for 64-bit Arm processors: NEON, which every one of them has; see kernels_simd.hpp.
//
// There is no product of pairs of 16 bits. An input times the weights of eight channels is what this
// can do, so weights lie in planes: a word is the weights of one input, then of the next.
#include <arm_neon.h>

#include "kernels_simd.hpp"

namespace networks {
namespace {

struct Neon {
    using I16 = int16x8_t;
    using I32 = int32x4_t;
    static constexpr std::size_t kLanes = 4, kRows = 6, kGroup = 4;
    struct Pair {
        int16x8_t first, second;  // weights, or inputs, of 8 channels each
    };
    template <std::size_t kCount>
    struct Sums {
        int32x4_t low[kCount], high[kCount];
    };

    static I16 load16(const std::int16_t* p) { return vld1q_s16(p); }
    static void store16(std::int16_t* p, I16 v) { vst1q_s16(p, v); }
    static I32 load32(const std::int32_t* p) { return vld1q_s32(p); }
    static void store32(std::int32_t* p, I32 v) { vst1q_s32(p, v); }
    static I16 splat16(std::int16_t v) { return vdupq_n_s16(v); }
    static I16 adds(I16 a, I16 b) { return vqaddq_s16(a, b); }
    static I16 subs(I16 a, I16 b) { return vqsubq_s16(a, b); }
    static I16 max16(I16 a, I16 b) { return vmaxq_s16(a, b); }
    static I16 min16(I16 a, I16 b) { return vminq_s16(a, b); }
    // (2 a b + 2^15) / 2^16, and 32767 for the one product that is too large, as in SPEC.md.
    static I16 q15(I16 a, I16 b) { return vqrdmulhq_s16(a, b); }
    static I16 positive(I16 g, I16 a, I16 b) { return vbslq_s16(vcgtzq_s16(g), a, b); }
    static I32 shifted(I32 v, I32 by) { return vshlq_s32(v, vnegq_s32(by)); }
    static I16 pack(I32 low, I32 high) { return vqmovn_high_s32(vqmovn_s32(low), high); }

    static Pair word(const std::int16_t* w) { return {load16(w), load16(w + 2 * kLanes)}; }
    static Pair interleave(I16 a, I16 b) { return {a, b}; }
    NETWORKS_INLINE static void add_pairs(I32& low, I32& high, const Pair& x, const Pair& w) {
        low = vmlal_s16(low, vget_low_s16(x.first), vget_low_s16(w.first));
        high = vmlal_high_s16(high, x.first, w.first);
        low = vmlal_s16(low, vget_low_s16(x.second), vget_low_s16(w.second));
        high = vmlal_high_s16(high, x.second, w.second);
    }

    // Adds the products of one input of every position, in lane kLane of x, and its weights.
    template <int kLane, std::size_t kCount>
    NETWORKS_INLINE static void add_input(Sums<kCount>& s, const I16 (&x)[kCount],
                                          const std::int16_t* w) {
        const I16 weights = load16(w + 2 * kLanes * kLane);
#pragma GCC unroll 6
        for (std::size_t n = 0; n < kCount; ++n) {
            s.low[n] = vmlal_laneq_s16(s.low[n], vget_low_s16(weights), x[n], kLane);
            s.high[n] = vmlal_high_laneq_s16(s.high[n], weights, x[n], kLane);
        }
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
        constexpr std::size_t kInputs = 8;  // words are a multiple of so many inputs
        for (std::size_t k = 0; k < 2 * words; k += kInputs, w += 2 * kLanes * kInputs) {
            I16 inputs[kCount];
#pragma GCC unroll 6
            for (std::size_t n = 0; n < kCount; ++n) inputs[n] = load16(x + n * stride + k);
            add_input<0>(s, inputs, w);
            add_input<1>(s, inputs, w);
            add_input<2>(s, inputs, w);
            add_input<3>(s, inputs, w);
            add_input<4>(s, inputs, w);
            add_input<5>(s, inputs, w);
            add_input<6>(s, inputs, w);
            add_input<7>(s, inputs, w);
        }
        return s;
    }
};

bool supported() { return true; }

using K = Simd<Neon>;

}  // namespace

extern const Kernels kNeonKernels;
const Kernels kNeonKernels{"neon",     K::kPanel, Order::kPlanes, supported,
                           K::product, K::filter, K::gated_block, K::narrow};

}  // namespace networks
