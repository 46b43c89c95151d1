// The symbols of a rectangle, and the words that they become.
#pragma once

#include <cstdint>
#include <vector>

#include "photo_kernels.hpp"
#include "photo_payload.hpp"
#include "view.hpp"

namespace predictive {

struct Symbol {
    std::uint16_t entry;  // of the tables
    std::uint16_t raw;    // bits that follow it as they are
    std::uint8_t bits;    // how many
    std::uint8_t lane;
};

// Symbols of all samples in the order in which they are decoded; what they decode to goes into
// `decoded` unless that has no data.
std::vector<Symbol> photo_symbols(const Samples& pixels, const PhotoKernels& kernels,
                                  const Setting& setting, const Header& header, const Target& decoded);

// Appends states and words.
void put_symbols(const std::vector<Symbol>& symbols, unsigned states, std::vector<std::uint8_t>& payload);

}  // namespace predictive
