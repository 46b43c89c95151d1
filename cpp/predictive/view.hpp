// A rectangle of a picture whose samples are coded as they are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace predictive {

// Rows of interleaved samples in memory that somebody else owns. Samples have 16 bits whatever their
// depth; a picture of 8 bits has values up to 255.
template <typename T>
struct View {
    T* data = nullptr;
    std::size_t width = 0, height = 0, channels = 0;  // channels: 1 grey, 3 RGB
    std::size_t stride = 0;                           // samples from one row to the next

    T* row(std::size_t y) const { return data + y * stride; }

    View part(std::size_t x, std::size_t y, std::size_t columns, std::size_t rows) const {
        return {row(y) + x * channels, columns, rows, channels, stride};
    }
};

using Samples = View<const std::uint16_t>;
using Target = View<std::uint16_t>;

}  // namespace predictive
