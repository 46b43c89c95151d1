// The last resort of an encoder: a tile that would come back worse than its mean colour alone is coded
// as its mean colour. Such are fine checkers, stripes and noise, which the transform cannot carry.
#pragma once

#include "frame.hpp"

namespace frame {

// What is written for a tile: `coded`, or its mean colour if that is nearer to the picture.
// pixels: of the whole picture; tile: its latents.
Coded guarded(const Model& model, const Grid& grid, const Array& pixels, const Area& tile,
              Coded coded, std::size_t level, threads::Team& team);

}  // namespace frame
