// The symbols of a rectangle, and the words that they become.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "photo_kernels.hpp"
#include "photo_payload.hpp"
#include "view.hpp"

namespace predictive {

inline std::size_t entry_of(Symbol symbol) { return symbol & ((1u << kRawAt) - 1); }
inline unsigned raw_bits(Symbol symbol) {
    return static_cast<unsigned>(std::bit_width(symbol >> kRawAt & 0xffff)) - 1;
}

// Symbols of all samples in the order in which they are decoded; what they decode to goes into
// `decoded` unless that has no data.
std::vector<Symbol> photo_symbols(const Samples& pixels, const PhotoKernels& kernels,
                                  const Setting& setting, const Header& header, const Target& decoded);

// Appends states and words.
void put_symbols(const std::vector<Symbol>& symbols, unsigned states, std::vector<std::uint8_t>& payload);

}  // namespace predictive
