// What an encoder asks about the cells of 64 x 64 pixels of a picture before it chooses their modes.
#pragma once

#include "tiled.hpp"

namespace predictive {

inline constexpr std::uint64_t kSharp = 4000;

struct CellFacts {
    float equal;   // share of its pixels that equal the one to the left or above
    float step;    // mean squared difference of a sample to those two
    float spread;  // variance of its samples within blocks of 8 x 8
    float sharp;   // part of `step` that lies in blocks of 8 x 8 where that is at least kSharp
};

// By cell, in rows.
std::vector<CellFacts> cell_facts(const Picture& pixels, threads::Team& team);

// Bits that coder S would spend on each of the marked cells of a picture in tiles; 0 for the others. A
// tile is left as soon as it has cost more than `most` bits for every marked pixel of it: its bits are
// then a part of them, and more than that.
std::vector<float> screen_bits(const Picture& pixels, unsigned tile_log2,
                               std::span<const std::uint8_t> marked, double most,
                               threads::Team& team);

// About the bits that coder P would spend, exactly, on each of the marked tiles; 0 for the others.
std::vector<float> photo_bits_by_tile(const Picture& pixels, unsigned tile_log2,
                                      std::span<const std::uint8_t> marked,
                                      const std::string& kernels, threads::Team& team);

// A picture of 8-bit samples whose marked cells go on smoothly from those that are not, so that a
// transform spends nothing on them. In place.
void fill(const Picture& pixels, std::span<const std::uint8_t> marked);

}  // namespace predictive
