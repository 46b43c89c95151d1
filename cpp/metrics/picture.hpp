// Pictures to be compared.
#pragma once

#include <cstddef>
#include <cstdint>

namespace metrics {

// Interleaved samples, all bits in use, in memory that somebody else owns.
template <typename Sample>
struct Picture {
    const Sample* samples;
    std::size_t width, height;  // in pixels
    std::size_t channels;       // 1 grey, 3 RGB
};

}  // namespace metrics
