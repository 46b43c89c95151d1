// Prediction of a square from the samples around it (entropy/INTER.md, Intra): planar, mean and 33
// directions, as in HEVC (ITU-T H.265, 8.4.4.2), without its smoothing of edges.
#pragma once

#include <cstdint>
#include <vector>

#include "blocks.hpp"

namespace video {

// Which cells are reconstructed.
class Done {
public:
    explicit Done(const FrameData& frame)
        : columns_(frame.columns()), rows_(frame.rows()),
          marks_(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_)) {}
    void mark(int column, int row, int count);
    bool at(int column, int row) const {
        return column >= 0 && row >= 0 && column < columns_ && row < rows_ &&
               marks_[static_cast<std::size_t>(row) * columns_ + column] != 0;
    }

private:
    int columns_, rows_;
    std::vector<std::uint8_t> marks_;
};

// Samples to the left (from the upper left corner down) and above (from it to the right) of a square.
struct Edges {
    Sample left[2 * kMostTransform + 1], above[2 * kMostTransform + 1];
};

// `block_x`, `block_y`: where the block that the square belongs to begins, in samples of the plane; what lies
// in it to the left and above is there.
Edges edges_of(const Plane& plane, const Done& done, int shift, int x, int y, int size, int block_x,
               int block_y, int block_size);

void predict_intra(const Edges& edges, int mode, int log2, Sample* out, int stride);

}  // namespace video
