// Colours as numbers, and what lies around a pixel (entropy/SCREEN.md, Colours and neighbours).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace predictive {

// Number of a colour: 1 + R + G 2^bits + B 2^(2 bits), or 1 + Y. Type Colour is uint32_t where that is
// enough, else uint64_t. Zero stands for pixels that are not known.
template <class Colour>
struct ColourFormat {
    unsigned bits;
    std::size_t channels;

    Colour number(const std::uint16_t* pixel) const {
        Colour value = pixel[0];
        for (std::size_t c = 1; c < channels; ++c) value |= static_cast<Colour>(pixel[c]) << (c * bits);
        return value + 1;
    }
    std::uint32_t sample(Colour number, std::size_t channel) const {
        const auto mask = static_cast<Colour>((std::uint32_t{1} << bits) - 1);
        return number == 0 ? 0 : static_cast<std::uint32_t>((number - 1) >> (channel * bits) & mask);
    }
};

template <class Colour>
struct Neighbours {
    Colour w, n, nw, ne, ww, nn, nne, nee;

    // Whether all are one colour.
    bool flat() const {
        const Colour others = (w ^ n) | (w ^ nw) | (w ^ ne) | (w ^ ww) | (w ^ nn) | (w ^ nne) | (w ^ nee);
        return w != 0 && others == 0;
    }
};

// Odd numbers without a pattern: the factors of hashes.
inline constexpr std::array<std::uint64_t, 8> kFactors = {
    0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93,
    0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3};

}  // namespace predictive
