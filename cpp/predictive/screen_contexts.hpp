// What followed the same neighbours before (entropy/SCREEN.md, Contexts).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "screen_bits.hpp"
#include "screen_colour.hpp"

namespace predictive {

inline constexpr std::size_t kOrders = 5, kSlotColours = 3;

using Keys = std::array<std::uint64_t, kOrders>;

// Hashes of the neighbours that each order looks at, from the most to the fewest.
template <class Colour>
Keys context_keys(const Neighbours<Colour>& at) {
    const std::uint64_t w = at.w * kFactors[0], n = at.n * kFactors[1], two = w + n;
    const std::uint64_t four = two + at.nw * kFactors[2] + at.ne * kFactors[3];
    const std::uint64_t eight = four + at.ww * kFactors[4] + at.nn * kFactors[5] +
                                at.nne * kFactors[6] + at.nee * kFactors[7];
    return {eight, four, two, w, n};
}

// The last different colours of one context, the latest first.
template <class Colour>
struct Slot {
    static constexpr std::uint8_t kMostConfidence = 7;

    std::array<Colour, kSlotColours> colours{};
    std::uint16_t tag = 0;
    std::uint8_t confidence = 0;

    void update(Colour colour) {
        if (colours[0] == colour) {
            if (confidence < kMostConfidence) ++confidence;
            return;
        }
        if (colours[1] != colour) colours[2] = colours[1];
        colours[1] = colours[0];
        colours[0] = colour;
        confidence /= 2;
    }
};

// Bits of the index of a hash table for so many pixels.
inline unsigned index_bits(unsigned pixel_bits, unsigned less) {
    return std::max(pixel_bits, less + 4) - less;
}

template <class Colour>
class SlotTable {
public:
    SlotTable(unsigned pixel_bits, unsigned less)
        : shift_(64 - index_bits(pixel_bits, less)), slots_(std::size_t{1} << (64 - shift_)) {}

    // The slot of a context; it is emptied if another context holds it.
    Slot<Colour>& at(std::uint64_t key) {
        Slot<Colour>& slot = slots_[key >> shift_];
        const auto tag = static_cast<std::uint16_t>(key >> 20);
        if (slot.tag != tag) slot = {{}, tag, 0};
        return slot;
    }

private:
    unsigned shift_;
    std::vector<Slot<Colour>> slots_;
};

// Probabilities that are found by a hash; two contexts may share one.
template <class T>
class HashedTable {
public:
    HashedTable(unsigned pixel_bits, unsigned less)
        : shift_(64 - index_bits(pixel_bits, less)), items_(std::size_t{1} << (64 - shift_)) {}

    T& at(std::uint64_t key) { return items_[key * kFactors[3] >> shift_]; }

private:
    unsigned shift_;
    std::vector<T> items_;
};

using HashedBits = HashedTable<AdaptiveBit>;

}  // namespace predictive
