// Pictures that came from 8-bit YCbCr or PhotoYCC: their planes, exactly (entropy/SCREEN.md, L: lattices).
#pragma once

#include <cstdint>
#include <vector>

#include "view.hpp"

namespace predictive {

inline constexpr unsigned kLattices = 4;  // presets 1 .. 4; 0 stands for none

// The preset on which a rectangle of 8-bit RGB seems to lie, judged by some thousand samples; 0 if none
// or if there is nothing to gain. `to_lattice` has the last word.
unsigned find_lattice(const Samples& rgb);

// Y, Cb and Cr (0 .. 255) of every pixel, interleaved, that from_lattice turns into exactly `rgb`.
// False: there are none; `planes` is then of no use.
bool to_lattice(const Samples& rgb, unsigned preset, std::vector<std::uint16_t>& planes);

// `planes` has samples up to 255 and the size of `rgb`; they may be the same memory.
void from_lattice(const Samples& planes, unsigned preset, const Target& rgb);

}  // namespace predictive
