// From prediction and coefficients to samples (entropy/INTER.md, Residual).
#pragma once

#include "frame_syntax.hpp"
#include "intra.hpp"
#include "predict.hpp"

namespace video {

// Step of the quantiser of a level, in units of 2^-6 of a sample of 10 bits.
int step_of(int level);

inline Coefficient dequantised(int value, int step) {
    const std::int64_t size = (std::int64_t{value < 0 ? -value : value} * step + 32) >> 6;
    const int bounded = static_cast<int>(size < 32767 ? size : 32767);
    return static_cast<Coefficient>(value < 0 ? -bounded : bounded);
}

// Adds the residual of a square to what the plane has there.
void add_residual(const FrameData& frame, const Square& square, int step, Plane& plane);

// All samples of a frame whose blocks and coefficients are known, before the filter; the prediction too, where
// it is asked for.
void reconstruct(const FrameData& frame, const FrameHead& head, const CodedOrder& order, References references,
                 Picture& out, Picture* predicted, threads::Team& team);

// Makes the prediction of blocks without motion what they were decoded to: their residual counts as none.
void forget_intra(const FrameData& frame, const Picture& decoded, Picture& predicted);

// What later frames need to know of the motion of this one.
std::vector<PastMotion> past_of(const FrameData& frame);

}  // namespace video
