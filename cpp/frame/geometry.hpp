// Where tiles and windows lie: in latents of 16 x 16 pixels, from the top left corner.
#pragma once

#include <algorithm>
#include <cstddef>

#include "model.hpp"

namespace frame {

// Transforms work on windows of so many pixels. What lies between their layers is small, so windows are
// wide: only their margins above and below are computed twice.
inline constexpr std::size_t kWindowHeightPx = 1024, kWindowWidthPx = 8192;

// A rectangle of latents.
struct Area {
    std::size_t x, y, width, height;

    std::size_t right() const { return x + width; }
    std::size_t bottom() const { return y + height; }
    bool empty() const { return width == 0 || height == 0; }

    Area overlap(const Area& other) const {
        const std::size_t left = std::max(x, other.x), top = std::max(y, other.y);
        const std::size_t r = std::min(right(), other.right()), b = std::min(bottom(), other.bottom());
        return {left, top, r > left ? r - left : 0, b > top ? b - top : 0};
    }
    // The hyper-latents that it touches: areas that windows of attention divide.
    Area whole_windows() const {
        const std::size_t left = x / kHyperStride * kHyperStride, top = y / kHyperStride * kHyperStride;
        const auto up = [](std::size_t n) {
            return (n + kHyperStride - 1) / kHyperStride * kHyperStride;
        };
        return {left, top, up(right()) - left, up(bottom()) - top};
    }
    // With `margin` latents more on every side, as far as `whole` reaches.
    Area grown(std::size_t margin, const Area& whole) const {
        const Area wide{x > margin ? x - margin : 0, y > margin ? y - margin : 0,
                        width + std::min(x, margin) + margin, height + std::min(y, margin) + margin};
        return wide.overlap(whole);
    }
};

// Latents along a side of that many pixels, a multiple of 4.
inline std::size_t latents_of(std::size_t pixels) {
    return (pixels + kAlignPx - 1) / kAlignPx * (kAlignPx / kLatentPx);
}

// A picture's size and how it is cut into tiles.
struct Grid {
    std::size_t width, height;  // pixels
    unsigned tile_log2;

    std::size_t side() const { return std::size_t{1} << tile_log2; }
    std::size_t columns() const { return (width + side() - 1) >> tile_log2; }
    std::size_t rows() const { return (height + side() - 1) >> tile_log2; }
    std::size_t count() const { return columns() * rows(); }
    Area whole() const { return {0, 0, latents_of(width), latents_of(height)}; }
    // Sides of a window in latents: of whole tiles.
    std::size_t window_height() const { return std::max(kWindowHeightPx, side()) / kLatentPx; }
    std::size_t window_width() const { return std::max(kWindowWidthPx, side()) / kLatentPx; }

    // The latents of tile n: it has padding of its own.
    Area tile(std::size_t n) const {
        const std::size_t x = n % columns() * side(), y = n / columns() * side();
        return {x / kLatentPx, y / kLatentPx, latents_of(std::min(side(), width - x)),
                latents_of(std::min(side(), height - y))};
    }
};

}  // namespace frame
