// One picture to the payloads of its tiles and back. Works in bands, rows of windows, so that memory
// is bounded by a band and not by the picture.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "geometry.hpp"
#include "latent_coder.hpp"

namespace frame {

// Called with the share that is done, 0..1, from the thread that called; may throw, to stop.
using Progress = std::function<void(double)>;

struct Encoded {
    std::vector<std::vector<std::uint8_t>> tiles;
    Array pixels;  // what they decode to, (height, width, 3) u8; empty unless asked for
};

// pixels: (height, width, 3) u8, of the size of the grid. wanted: which tiles are coded, all of them if
// it is empty; the others have an empty payload and y_hat = 0.
Encoded encode(const Model& model, const Grid& grid, const Array& pixels, std::size_t level,
               std::span<const std::uint8_t> wanted, bool decoded, threads::Team& team,
               const Progress& progress = {});

// Learned payload of a tile, if it has one, valid until the call returns; called from the thread that
// called `decode`.
using Tiles = std::function<std::optional<std::span<const std::uint8_t>>(std::size_t)>;

struct Crop {
    std::size_t x, y, width, height;  // pixels
};

// The pixels of a crop, (height, width, 3) u8; only the tiles that it needs are asked for. Throws
// StreamExhausted or CorruptStream. A tile without a payload has y_hat = 0; what its pixels are is not
// specified. conceal: as in `decode_latents`.
Array decode(const Model& model, const Grid& grid, const Tiles& tiles, std::size_t level,
             const Crop& crop, bool conceal, threads::Team& team, const Progress& progress = {});

// y of an area of the picture, (height, width, latent) i32.
Array analyse(const Model& model, const Grid& grid, const Array& pixels, const Area& area,
              std::size_t level, threads::Team& team);

}  // namespace frame
