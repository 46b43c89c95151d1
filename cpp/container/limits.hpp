// What a caller is willing to read: compared before anything is allocated (bitstream/SPEC.md, 5).
#pragma once

#include <cstdint>

#include "container_error.hpp"

namespace container {

// 0 means unlimited.
struct Limits {
    std::uint64_t max_pixels = std::uint64_t{1} << 28;
    std::uint64_t max_dimension = 32768;                          // pixels
    std::uint64_t max_tiles = std::uint64_t{1} << 17;
    std::uint64_t max_metadata_bytes = std::uint64_t{16} << 20;   // each of ICC, EXIF and XMP
    std::uint64_t max_file_bytes = std::uint64_t{1} << 30;

    // Throw Kind::limit_exceeded. Sides are at most 2^30.
    void check_size(std::uint64_t width, std::uint64_t height, const Where& where = {}) const;
    void check_tiles(std::uint64_t count, const Where& where = {}) const;
    void check_metadata(std::uint64_t size, const Where& where = {}) const;
    void check_file(std::uint64_t size) const;
};

}  // namespace container
