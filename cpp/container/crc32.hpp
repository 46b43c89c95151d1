// The one checksum of the format: CRC-32 as in zlib, PNG and Ethernet (bitstream/SPEC.md, section 1).
#pragma once

#include <cstdint>
#include <span>

namespace container {

using Bytes = std::span<const std::uint8_t>;

// CRC-32 of `data`; `start` is the CRC of the bytes before them, if any.
std::uint32_t crc32(Bytes data, std::uint32_t start = 0);

}  // namespace container
