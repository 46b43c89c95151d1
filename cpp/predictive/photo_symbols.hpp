// From predictions to symbols and back, over a class S that says what vectors can do (photo_lanes.hpp). It
// needs of S, besides arithmetic: any_less(a, b), whether a < b in any lane, and find, the token of a slot.
#pragma once

#include "photo_kernels.hpp"

namespace predictive {
namespace {

#define PREDICTIVE_INLINE [[gnu::always_inline]] inline

template <typename S>
struct PhotoSymbols {
    using V = typename S::V;
    static constexpr int kWidth = S::kWidth;

    // The symbol of a residual in steps whose token is not a direct one.
    static Symbol large_symbol(const Predicted& predicted, int lane, std::int32_t residual) {
        const std::int32_t flip = predicted.flip[lane], shift = predicted.shift[lane];
        const std::int32_t raised = ((residual ^ flip) - flip) + ((1 << shift) >> 1);
        const std::int32_t value = raised >> shift, size = value < 0 ? -value : value;
        int number = 0;
        while (number + 1 < kClasses && kClassStart[number + 1] <= size) ++number;
        const int token = kDirect + 1 + 2 * number + (value < 0 ? 1 : 0);
        const std::int32_t low = raised & ((1 << shift) - 1);
        const std::int32_t raw = ((1 << kClassBits[number]) | (size - kClassStart[number])) << shift | low;
        return static_cast<Symbol>((predicted.table[lane] * kTokenStride + token) | raw << kRawAt) |
               static_cast<Symbol>(lane) << kLaneAt;
    }

    static void encode(const Setting& s, const Predicted& predicted, int channel,
                       const std::int32_t* source, std::int32_t* record, Symbol* out) {
        alignas(64) static constexpr std::int32_t kLane[kLanes] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                   8, 9, 10, 11, 12, 13, 14, 15};
        alignas(64) std::int32_t residuals[kLanes];
        std::int32_t* const values = record + channel * kKinds * kPlane;
        const V zero = S::splat(0), one = S::splat(1);
        for (int l = 0; l < kLanes; l += kWidth) {
            const V green = channel == 0 ? zero : S::load(record + l);
            const V value = S::load(source + l) - green;
            S::store(residuals + l, value - S::load(predicted.centre + l));
            S::store(values + l, value);
        }
        if (s.step > 1) {
            const std::int32_t error = s.step >> 1;
            for (int l = 0; l < kLanes; ++l) {
                const std::int32_t r = residuals[l], lowest = channel == 0 ? 0 : -record[l];
                const std::int32_t steps = (r < 0 ? r - error : r + error) / s.step;
                std::int32_t value = predicted.centre[l] + steps * s.step;
                const std::int32_t highest = lowest + s.highest;
                value = value < lowest ? lowest : value > highest ? highest : value;
                residuals[l] = steps;
                values[l] = value;
            }
        }
        for (int l = 0; l < kLanes; l += kWidth) {
            const V flip = S::load(predicted.flip + l), shift = S::load(predicted.shift + l);
            const V unit = one << shift;
            const V raised = ((S::load(residuals + l) ^ flip) - flip) + (unit >> 1);
            const V value = raised >> shift;
            const V token = S::choose(zero, value, value + value - one, zero - value - value);
            const V raw = unit | (raised & (unit - one));
            const V entry = S::load(predicted.table + l) * S::splat(kTokenStride) + token;
            const V lane = S::load(kLane + l) << kLaneAt;
            S::store(reinterpret_cast<std::int32_t*>(out) + l, entry | (raw << kRawAt) | lane);
            if (S::any_less(S::splat(kDirect / 2), S::abs(value))) {
                for (int k = l; k < l + kWidth; ++k) {
                    const std::int32_t f = predicted.flip[k], b = predicted.shift[k];
                    const std::int32_t size = (((residuals[k] ^ f) - f) + ((1 << b) >> 1)) >> b;
                    if (size > kDirect / 2 || size < -kDirect / 2) {
                        out[k] = large_symbol(predicted, k, residuals[k]);
                    }
                }
            }
        }
    }

    PREDICTIVE_INLINE static bool refill(Source& source, std::uint64_t& x) {
        if (x >= std::uint64_t{1} << 24) return true;
        if (source.end - source.at < 2) return false;
        x = x << 16 | source.at[0] | static_cast<std::uint64_t>(source.at[1]) << 8;
        source.at += 2;
        return true;
    }

    static Fault decode(const Setting& s, Source& source, const Predicted& predicted, int channel,
                        unsigned mask, std::int32_t* record) {
        std::int32_t* values = record + channel * kKinds * kPlane;
        for (int l = 0; l < kLanes; ++l) {
            if ((mask >> l & 1) == 0) continue;
            std::uint64_t x = source.states[l & source.state_mask];
            const std::size_t table = static_cast<std::size_t>(predicted.table[l]) * kTokenStride;
            const auto slot = static_cast<std::uint16_t>(x & 0xffff);
            const int token = S::find(s.tables.starts + table, slot);
            const std::uint32_t start = s.tables.starts[table + token];
            x = (x >> 16) * s.tables.frequencies[table + token] + slot - start;
            if (!refill(source, x)) return Fault::exhausted;
            const int shift = predicted.shift[l];
            std::int64_t size = (token + 1) >> 1, low = 0;
            if (token > kDirect || shift != 0) {
                int bits = shift;
                if (token > kDirect) {
                    const int number = (token - kDirect - 1) >> 1;
                    size = kClassStart[number];
                    bits += kClassBits[number];
                }
                if (bits > kMostRawBits) return Fault::corrupt;
                const auto raw = static_cast<std::int64_t>(x & ((1u << bits) - 1));
                x >>= bits;
                if (!refill(source, x)) return Fault::exhausted;
                size += raw >> shift;
                low = (raw & ((1 << shift) - 1)) - ((1 << shift) >> 1);
            }
            source.states[l & source.state_mask] = x;
            const std::int64_t folded = (token & 1) != 0 ? size : -size;
            const std::int64_t residual = folded * (1 << shift) + low;
            const std::int64_t flip = predicted.flip[l];
            std::int64_t value = predicted.centre[l] + ((residual ^ flip) - flip) * s.step;
            const std::int64_t lowest = channel == 0 ? 0 : -record[l], highest = lowest + s.highest;
            const std::int64_t error = s.step >> 1;
            if (value < lowest || value > highest) {
                if (value < lowest - error || value > highest + error) return Fault::corrupt;
                value = value < lowest ? lowest : highest;
            }
            values[l] = static_cast<std::int32_t>(value);
        }
        return Fault::none;
    }
};

}  // namespace
}  // namespace predictive
