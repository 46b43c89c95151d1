// GatedBlock of codec/transforms/blocks.py in one pass: x + reduce(GLU(expand(depthwise3x3(x)))).
//
// Pixels come from floats, so nothing here has to be exact; what the range coder depends on is not
// computed here.
#pragma once

#include <cstddef>

#include "panel.hpp"

namespace threads {
class Team;  // declared only: files for AVX-512 include this
}

namespace transforms {

inline constexpr std::size_t kMaxChannels = 384;

// Weights of one block.
struct Block {
    std::size_t channels;       // of x: a multiple of kPanel
    std::size_t hidden;         // a multiple of 16
    const float* spatial;       // [9][channels]
    const float* spatial_bias;  // [channels]
    const float* expand;        // hidden / 16 panels: 16 values, then their 16 gates
    const float* expand_bias;   // [hidden / 16][kPanel]
    const float* reduce;        // channels / kPanel panels
    const float* reduce_bias;   // [channels]
};

// Positions of one picture: x and out are [height][width][channels] and do not overlap.
struct Trunk {
    const float* x;
    float* out;
    std::size_t height, width;
};

// All of out; needs `supported(bfloat16)`.
void gated_block(const Trunk& trunk, const Block& block, bool bfloat16, threads::Team& team);

}  // namespace transforms
