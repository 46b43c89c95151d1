// Coder P: samples of photographs, exact or with a largest error (entropy/SPEC.md, Predictive modes).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "view.hpp"

namespace predictive {

// Payload of a rectangle of `bits` (8 or 16) bits a sample. No decoded sample is off by more than
// `error`. What it decodes to goes into `decoded` unless that has no data. One thread. `kernels` names
// an instruction set (networks/network.hpp), the fastest if it is empty; all give the same.
std::vector<std::uint8_t> photo_encode(const Samples& pixels, unsigned bits, unsigned error,
                                       const Target& decoded = {}, std::string_view kernels = {});

// Throws CorruptStream or StreamExhausted (coder/error.hpp) where the payload is not one of `out`'s size.
void photo_decode(std::span<const std::uint8_t> payload, unsigned bits, unsigned error,
                  const Target& out, std::string_view kernels = {});

// About the bits that photo_encode would spend, at a fraction of its time.
double photo_bits(const Samples& pixels, unsigned bits, unsigned error, std::string_view kernels = {});

}  // namespace predictive
