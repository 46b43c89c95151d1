// Samples between samples (entropy/INTER.md, Prediction).
#pragma once

#include <cstdint>

#include "picture.hpp"

namespace video {

inline constexpr int kBlockStride = 64;    // of the blocks that are predicted
inline constexpr int kMiddleBits = 14;     // of predicted samples before they are rounded
using Middle = std::int16_t;

// The block of w x h samples of `plane` at (x, y), moved by a vector in units of 2^-bits sample, in 14 bits
// less 2^13; rows of kBlockStride. bits 2: luma, eight taps; bits 3: chroma of 4:2:0, four taps.
void interpolate(const Plane& plane, int x, int y, int w, int h, Vector vector, int bits, Middle* out);

// Rounds one prediction, or the mean of two, to samples.
void round_one(const Middle* a, int w, int h, Sample* out, int stride);
void round_mean(const Middle* a, const Middle* b, int w, int h, Sample* out, int stride);

}  // namespace video
