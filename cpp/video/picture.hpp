// Pictures of the inter coder: planes of 10 bits with a border, and the motion that they were coded with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "search.hpp"

namespace video {

using Sample = std::uint16_t;

inline constexpr int kDepth = 10;                     // bits of a sample inside the coder
inline constexpr int kMostSample = (1 << kDepth) - 1;
inline constexpr int kShift = kDepth - 8;             // samples of 8 bits times 4
inline constexpr int kCell = 8;                       // side of the smallest block, samples of luma
inline constexpr int kTree = 64;                      // side of a tree, samples of luma
inline constexpr int kBorder = 80;                    // samples around a plane, copies of its edge
inline constexpr int kReferences = 4;                 // at most, of a frame
inline constexpr int kPlanes = 3;

inline int clamp_int(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}
inline Sample clamp_sample(int value) { return static_cast<Sample>(clamp_int(value, 0, kMostSample)); }

// Sizes of a video.
struct Format {
    int width = 0, height = 0;  // of luma, as shown
    bool subsampled = true;     // 4:2:0, otherwise 4:4:4

    int padded_width() const { return (width + kCell - 1) / kCell * kCell; }
    int padded_height() const { return (height + kCell - 1) / kCell * kCell; }
    int columns() const { return padded_width() / kCell; }  // of cells
    int rows() const { return padded_height() / kCell; }
    int tree_columns() const { return (width + kTree - 1) / kTree; }
    int tree_rows() const { return (height + kTree - 1) / kTree; }
    int shift(int plane) const { return plane > 0 && subsampled ? 1 : 0; }
    int plane_width(int plane) const { return padded_width() >> shift(plane); }
    int plane_height(int plane) const { return padded_height() >> shift(plane); }
    int shown_width(int plane) const { return (width + shift(plane)) >> shift(plane); }
    int shown_height(int plane) const { return (height + shift(plane)) >> shift(plane); }
    bool operator==(const Format&) const = default;
};

class Plane {
public:
    Plane() = default;
    Plane(int width, int height)
        : width_(width), height_(height), stride_(width + 2 * kBorder),
          samples_(static_cast<std::size_t>(stride_) * static_cast<std::size_t>(height + 2 * kBorder)) {}

    int width() const { return width_; }
    int height() const { return height_; }
    int stride() const { return stride_; }
    Sample* row(int y) { return samples_.data() + offset(y); }
    const Sample* row(int y) const { return samples_.data() + offset(y); }

    // Fills the border with copies of the edge.
    void extend();

private:
    std::ptrdiff_t offset(int y) const {
        return static_cast<std::ptrdiff_t>(y + kBorder) * stride_ + kBorder;
    }

    int width_ = 0, height_ = 0, stride_ = 0;
    std::vector<Sample> samples_;
};

// How a block is predicted: from one reference or from the mean of two.
struct Motion {
    std::int8_t reference[2] = {-1, -1};  // numbers in the frame's list; second -1: only one
    Vector vector[2];

    bool inter() const { return reference[0] >= 0; }
    bool both() const { return reference[1] >= 0; }
    bool operator==(const Motion&) const = default;
};

// What later frames know of the motion of an 8x8 block: where it came from.
struct PastMotion {
    Vector vector;
    std::int16_t distance = 0;  // frames from its reference to it in the order of showing; 0: none
};

// A decoded picture.
struct Picture {
    Format format;
    Plane planes[kPlanes];
    int number = 0;                 // in the order of showing
    std::vector<PastMotion> motion; // by cell, in rows; empty for a still
    // Luma ready for the motion search; made by the encoder alone.
    std::shared_ptr<SearchReference> search;
    std::shared_ptr<const std::vector<std::uint8_t>> luma;  // 8 bits, what `search` was made of

    explicit Picture(const Format& f) : format(f) {
        for (int n = 0; n < kPlanes; ++n) planes[n] = Plane(f.plane_width(n), f.plane_height(n));
    }
    void extend() {
        for (Plane& plane : planes) plane.extend();
    }
};

using PicturePointer = std::shared_ptr<const Picture>;

}  // namespace video
