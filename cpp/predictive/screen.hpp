// Coder S: screens, palettes, dithers and line art, exact (entropy/SPEC.md, Predictive modes).
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "view.hpp"

namespace predictive {

inline constexpr std::size_t kCellSide = 64;
inline std::size_t cells_along(std::size_t pixels) { return (pixels + kCellSide - 1) / kCellSide; }

// Which cells of 64 x 64 pixels of a rectangle are coded, in rows from its top left corner; a cell at
// the right or lower edge may be smaller. Empty: all of them. Pixels of other cells are neither read
// nor written.
using Cells = std::span<const std::uint8_t>;

// Payload of a rectangle's cells, `bits` (8 or 16) a sample. `spent`, unless null, gets the bits of
// every cell (0 for those that are not coded). One thread.
std::vector<std::uint8_t> screen_encode(const Samples& pixels, unsigned bits, Cells cells = {},
                                        std::vector<float>* spent = nullptr);

// The bits of every cell alone. It ends after the row of pixels in which they are more than `most`
// together: what is left has none then.
std::vector<float> screen_spent(const Samples& pixels, unsigned bits, Cells cells,
                                double most = std::numeric_limits<double>::infinity());

// Throws CorruptStream or StreamExhausted (coder/error.hpp) where the payload is not one of `out`'s size.
void screen_decode(std::span<const std::uint8_t> payload, unsigned bits, Cells cells,
                   const Target& out);

}  // namespace predictive
