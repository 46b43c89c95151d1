// SSIMULACRA2, version 2.1: how alike two pictures look, as a number.
#pragma once

#include <cstddef>

#include "picture.hpp"
#include "team.hpp"

namespace metrics {

// Pixels that a side has at least; below, the measure is not defined.
inline constexpr std::size_t kLeastSide = 8;

// 100 for equal pictures, about 90 where people see no difference, below 0 for ruins. The order of the
// two matters: an edge that was added weighs other than one that was lost.
//
// Needs 6 to 7.5 bytes of memory for each pixel, and some hundred rows of it for each thread. The result
// does not depend on the number of threads. On different machines it differs by rounding in the last
// place of `std::pow` alone.
//
// Both pictures have the same width and height, of at least `kLeastSide`.
// Sample: std::uint8_t or std::uint16_t. May throw std::bad_alloc.
template <typename Sample>
double ssimulacra2(const Picture<Sample>& original, const Picture<Sample>& distorted,
                   threads::Team& team);

}  // namespace metrics
