// The alpha plane, lossless: codec/image/alpha.py says what the bytes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "frame.hpp"

namespace capi {

// Decodes the plane of a picture of `width` x `height` pixels and puts the part `crop` of it to
// out[0], out[step], ..., row by row: samples of 8 bits, or of 16. Throws LIC_DAMAGED_ALPHA, or
// LIC_UNSUPPORTED without zlib.
void decode_alpha(std::span<const std::uint8_t> data, std::size_t width, std::size_t height,
                  const frame::Crop& crop, std::uint8_t* out, std::size_t step);
void decode_alpha(std::span<const std::uint8_t> data, std::size_t width, std::size_t height,
                  const frame::Crop& crop, std::uint16_t* out, std::size_t step);

// Codes the plane in[0], in[step], ... Throws LIC_UNSUPPORTED if it is not constant and there is no
// zlib.
std::vector<std::uint8_t> encode_alpha(const std::uint8_t* in, std::size_t step, std::size_t width,
                                       std::size_t height);
std::vector<std::uint8_t> encode_alpha(const std::uint16_t* in, std::size_t step, std::size_t width,
                                       std::size_t height);

}  // namespace capi
