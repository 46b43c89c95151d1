// Encoder: all segments in, one payload out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cdf.hpp"

namespace rans {

struct Segment {
    std::span<const std::int16_t> symbols;
    std::span<const std::uint8_t> indexes;  // as many
};

// `lanes` is a power of two up to kMaxLanes, or 0 for the rule of SPEC.md. Throws InvalidTable (an
// index names no table) or SymbolOutOfRange (a skipped symbol is not 0).
std::vector<std::uint8_t> encode(std::span<const Segment> segments, const Tables& tables,
                                 unsigned lanes = 0);

}  // namespace rans
