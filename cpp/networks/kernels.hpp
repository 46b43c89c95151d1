// What the kernels of an instruction set compute, and how their weights lie. networks/SPEC.md is
// normative for the integers; every instruction set gives the same.
//
// Channels go in panels of `panel` channels, two vectors of sums each. Within a panel the constants
// of the sums are in *kernel order*: the first vector holds channels 0-3, 8-11, ... of the panel, the
// second 4-7, 12-15, ..., which is the order in which x86 packs two vectors of 32 bits into one of
// 16. A *word* is two neighbouring inputs.
//
// Files for one instruction set include this: it may not bring in inline functions that are not always
// inlined, since one compiled there could be linked into what runs elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace networks {

inline constexpr std::size_t kStrip = 12;  // positions that go through a layer together
inline constexpr std::size_t kMostPanel = 32;
inline constexpr std::size_t kMostBlock = 512;  // channels of a block that kernels take

enum class Order {
    kPairs,   // a word's weights of one channel side by side: products of pairs
    kPlanes,  // all channels' weights of one input, then of the next
};

// rshift(weights * x + bias, shift) of up to kStrip positions. Inputs are padded with zeros to a
// multiple of 8, outputs to whole panels.
struct Product {
    std::size_t words;     // of an input, padded
    std::size_t outputs;   // padded
    const std::int16_t* weights;
    const std::int32_t* bias;  // in kernel order, as shift; with the rounding half
    const std::int32_t* shift;
};

// x and out are rows of [width][channels], of a picture of `height` rows, and do not overlap. Each may
// hold a part of the rows: the first that it holds is x_row or out_row.
struct Plane {
    const std::int16_t* x;
    std::int16_t* out;
    std::size_t height, width;
    std::size_t x_row, out_row;

    // Value of x, or of out, at a position that is counted row by row from the first of the picture.
    [[gnu::always_inline]] const std::int16_t* from(std::size_t position, std::size_t channels) const {
        return x + (position - x_row * width) * channels;
    }
    [[gnu::always_inline]] std::int16_t* to(std::size_t position, std::size_t channels) const {
        return out + (position - out_row * width) * channels;
    }
};

// A 3x3 filter. weights: for every panel and row of the filter, the words (left, centre) and
// (right, 0) of its channels.
struct Filter {
    std::size_t channels;
    const std::int16_t* weights;
    const std::int32_t* bias;
    const std::int32_t* shift;
    std::int16_t limit;
};

struct GatedBlock {
    Filter spatial;
    Product expand, reduce;
    std::size_t hidden;
    std::int16_t value_limit;
    const std::int16_t* gain;  // of the level, natural order
};

struct Kernels {
    const char* name;
    std::size_t panel;
    Order order;
    bool (*supported)();
    // Sums of `rows` positions, `stride` values apart, to out[row][outputs] in natural order.
    void (*product)(const Product&, const std::int16_t* x, std::size_t stride, std::size_t rows,
                    std::int32_t* out);
    // Positions first .. last - 1 of a plane, counted row by row. Channels, and hidden ones, are
    // multiples of `panel` and at most kMostBlock. Null where there is none: plain code does it.
    void (*filter)(const Filter&, const Plane&, std::size_t first, std::size_t last);
    void (*gated_block)(const GatedBlock&, const Plane&, std::size_t first, std::size_t last);
    // out[i] = clamp(v[i], low[i], high[i])
    void (*narrow)(const std::int32_t* v, const std::int32_t* low, const std::int32_t* high,
                   std::size_t count, std::int16_t* out);
};

// Of this build and this processor, the fastest first; the last is "scalar".
extern const Kernels kScalarKernels;

}  // namespace networks
