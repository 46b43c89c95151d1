// The prediction picture: blocks from the references, overlapping (entropy/INTER.md, Prediction).
#pragma once

#include <span>

#include "blocks.hpp"
#include "interpolate.hpp"
#include "team.hpp"

namespace video {

using References = std::span<const PicturePointer>;

// The w x h samples of a plane at (x, y) as a motion predicts them.
void predict_block(References references, const Format& format, int plane, int x, int y, int w, int h,
                   const Motion& motion, Sample* out, int stride);

// The samples of all blocks with motion; others are left as they are.
void predict_frame(const FrameData& frame, References references, bool overlapped, Picture& out,
                   threads::Team& team);

}  // namespace video
