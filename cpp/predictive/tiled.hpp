// A whole picture and its tiles, as they lie in a file: tiles side by side on all threads.
#pragma once

#include <functional>

#include "team.hpp"
#include "tile.hpp"

namespace predictive {

// Samples of 8 or 16 bits, interleaved, in rows without gaps.
struct Picture {
    void* data = nullptr;
    std::size_t width = 0, height = 0, channels = 0;
    unsigned bits = 8;
};

struct Rectangle {
    std::size_t x, y, width, height;  // pixels

    std::size_t right() const { return x + width; }
    std::size_t bottom() const { return y + height; }
};

// A picture's size and how it is cut into tiles of 2^tile_log2 pixels.
struct Cut {
    std::size_t width, height;  // pixels
    unsigned tile_log2;

    std::size_t columns() const { return ((width - 1) >> tile_log2) + 1; }
    std::size_t rows() const { return ((height - 1) >> tile_log2) + 1; }
    std::size_t count() const { return columns() * rows(); }
    Rectangle tile(std::size_t n) const;
};

// Called with the share that is done, 0..1, from the thread that called; may throw, to stop.
using Progress = std::function<void(double)>;
// Payload of a tile, valid until the call returns; called from the thread that called.
using Tiles = std::function<Bytes(std::size_t)>;

// Payloads of a picture whose tiles are all predictive.
// format.bits is that of the picture.
std::vector<std::vector<std::uint8_t>> encode_picture(const Picture& pixels, unsigned tile_log2,
                                                      const Format& format, Strength strength,
                                                      threads::Team& team,
                                                      const Progress& progress = {});

// Payload of a tile in cells, whose pixels are given: its shared cells by coder S, its own cells by
// coder P with the largest error of the format, beside a learned part.
std::vector<std::uint8_t> encode_cells(const Picture& tile, std::span<const std::uint8_t> map,
                                       const Format& format, Bytes learned);

// The predictive pixels of a part of a picture, into `out` of that size; others stay as they are. Only
// the tiles that it needs are asked for. `only`: a learned part is an error. Throws CorruptStream,
// StreamExhausted.
void decode_picture(const Cut& cut, const Tiles& tiles, const Format& format, bool only,
                    const Rectangle& part, const Picture& out, threads::Team& team,
                    const Progress& progress = {});

// The samples of a rectangle of a picture with 16 bits each.
class Widened {
public:
    Widened(const Picture& pixels, const Rectangle& from);

    Samples view() const {
        return {samples_.data(), width_, height_, channels_, width_ * channels_};
    }

private:
    std::size_t width_, height_, channels_;
    std::vector<std::uint16_t> samples_;
};

}  // namespace predictive
