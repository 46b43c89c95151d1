// The header chunk (bitstream/SPEC.md, section 2).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "byte_reader.hpp"
#include "byte_writer.hpp"

namespace container {

inline constexpr std::size_t kMostHeadBytes = 255;

// Everything that a decoder must know before the first tile. Version 1 has still images in sRGB,
// or as the ICC profile says, and nothing else.
struct Header {
    std::uint64_t width = 0, height = 0;         // pixels, 1 .. 2^30
    unsigned channels = 3;                       // colour planes, 1 or 3; alpha does not count
    bool alpha = false;
    unsigned bit_depth = 8;                      // 8 or 16
    std::uint16_t model_id = 0;
    std::array<std::uint8_t, 4> weights_hash{};  // first bytes of the SHA-256 of the weights file
    std::uint8_t level = 0;                      // 0 .. 63
    std::uint8_t tile_log2 = 10;                 // side of a tile = 2^tile_log2 pixels, 6 .. 15
    std::vector<std::uint8_t> extension;         // fields that later versions appended

    // Number of tiles of the picture.
    std::uint64_t tiles() const;
};

// Throws Kind::bad_field if a value is outside of its range; `where` is for the message.
void check_header(const Header& header, const Where& where = {});

// Payload of the chunk. Throws Kind::bad_field.
std::vector<std::uint8_t> encode_header(const Header& header);

// Reads the payload to its end. Throws Kind::bad_field, unsupported_version, truncated.
Header decode_header(ByteReader& reader);

}  // namespace container
