// What a search knows of a picture (private to this folder).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "search.hpp"

namespace video {

inline constexpr int kPhaseBorder = 96;        // samples around a phase
inline constexpr int kCoarse = 4;         // a coarse sample is the mean of 4 x 4
inline constexpr int kCoarseBorder = 64;  // coarse samples
inline constexpr int kCoarseRange = 32;   // coarse samples that a vector may be long at most

// A picture of samples with a border.
struct Bordered {
    std::unique_ptr<std::uint8_t[]> memory;
    std::size_t stride = 0, size = 0;
    int border = 0;

    void allocate(int width, int height, int around, std::size_t planes) {
        border = around;
        stride = (static_cast<std::size_t>(width) + 2 * around + 63) / 64 * 64;
        size = stride * (static_cast<std::size_t>(height) + 2 * around);
        memory.reset(new std::uint8_t[size * planes]);
    }

    std::uint8_t* at(int x, int y, std::size_t plane = 0) const {
        return memory.get() + plane * size + static_cast<std::size_t>(y + border) * stride +
               static_cast<std::size_t>(x + border);
    }
};

struct ReferenceParts {
    int width = 0, height = 0;
    Bordered phases;  // phase dx % 4 + dy % 4 * 4
    Bordered coarse;

    const std::uint8_t* at(int x, int y, Vector vector) const {
        // Further out all samples of a block are those of the border anyway.
        const int left = std::clamp(x + (vector.dx >> 2), -kPhaseBorder, width + kPhaseBorder - 64);
        const int top = std::clamp(y + (vector.dy >> 2), -kPhaseBorder, height + kPhaseBorder - 64);
        return phases.at(left, top, (vector.dx & 3) + (vector.dy & 3) * 4);
    }
};

struct SearchReference::Parts : ReferenceParts {};

// The means of 4 x 4 samples of rows [first, last) of what is coarse, without border.
void coarsen(const Luma& luma, const Bordered& coarse, int first, int last);

}  // namespace video
