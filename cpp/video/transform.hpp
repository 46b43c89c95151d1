// The cosine transform of squares of 4, 8, 16 and 32 samples (entropy/INTER.md, Residual).
#pragma once

#include <cstdint>

namespace video {

using Coefficient = std::int16_t;

inline constexpr int kMostTransform = 32;
inline constexpr int kFineBits = 4;  // fraction of the coefficients that `forward` gives

// Samples of 10 bits of the square of coefficients (rows of 2^log2), `columns` x `rows` of which, in the
// corner of low frequencies, may differ from zero. out: rows of 2^log2.
void inverse(const Coefficient* in, int log2, int columns, int rows, std::int16_t* out);

// Coefficients of a square of differences, in units of 2^-kFineBits (encoder only).
void forward(const std::int16_t* in, int stride, int log2, std::int32_t* out);

}  // namespace video
