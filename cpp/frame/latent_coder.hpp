// Latents of one tile to bytes and back: networks and range coder together (entropy/SPEC.md, Exact
// networks and Payload of a tile).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model.hpp"

namespace frame {

using networks::Array;

// What the range coder codes in one segment.
struct SegmentData {
    std::vector<std::int16_t> symbols;
    std::vector<std::uint8_t> tables;
};

struct Coded {
    std::vector<std::uint8_t> payload;
    Array y_hat;                        // (h, w, latent) i32, 2^-5 symbols
    std::vector<SegmentData> segments;  // z, then the steps
};

// Values of one step of the context: (4 cells, h/2, w/2, latent/4).
using StepValues = std::vector<std::int32_t>;

// Told what a step decodes to, in 2^-5 symbols, it may change the targets of the steps after it, in
// 2^-8 symbols.
using Answer =
    std::function<void(std::size_t step, const StepValues& y_hat, std::array<StepValues, kSteps>&)>;

// z of a tile's y (h, w, latent) i32 in 2^-8 symbols, h and w multiples of 4: (h/4, w/4, hyper) i32.
Array hyper_analyse(const Model& model, const Array& y, std::size_t level, threads::Team& team);

// A tile's y to bytes with any model. Throws as `compress`.
Coded encode_latents(const Model& model, const Array& y, std::size_t level, threads::Team& team);

// y_hat of a tile of any model. Throws StreamExhausted or CorruptStream. conceal: models with code vectors
// guess what is missing or damaged instead; others have no way to.
Array decode_latents(const Model& model, std::span<const std::uint8_t> payload, std::size_t height,
                     std::size_t width, std::size_t level, bool conceal, threads::Team& team);

// Of models whose latents are numbers along the trellis.
// Throws EntropyCodingErrors of the coder on values that it cannot code (there are none).
Coded compress(const Model& model, const Array& y, const Array& z, std::size_t level,
               threads::Team& team, const Answer& answer = {});

// y_hat of a tile of h x w latents, multiples of 4. Throws StreamExhausted or CorruptStream.
Array decompress(const Model& model, std::span<const std::uint8_t> payload, std::size_t height,
                 std::size_t width, std::size_t level, threads::Team& team);

}  // namespace frame
