// Latents of one tile as numbers of code vectors, in packets that do without each other
// (entropy/SPEC.md, Payload of a tile with code vectors).
#pragma once

#include "latent_coder.hpp"

namespace frame {

inline constexpr std::size_t kPackets = 4;  // of a tile

// As `compress`, of a model with code vectors; `segments` stays empty.
Coded compress_vectors(const Model& model, const Array& y, std::size_t level, threads::Team& team);

// As `decompress`. conceal: what a packet held that is missing or damaged is guessed from the others;
// without it, throws StreamExhausted or CorruptStream.
Array decompress_vectors(const Model& model, std::span<const std::uint8_t> payload, std::size_t height,
                         std::size_t width, std::size_t level, bool conceal, threads::Team& team);

}  // namespace frame
