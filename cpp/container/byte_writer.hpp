// Collects little-endian fields: the counterpart of ByteReader.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "crc32.hpp"

namespace container {

class ByteWriter {
public:
    void put(Bytes data);
    void u8(std::uint8_t value) { data_.push_back(value); }
    void u16(std::uint16_t value) { fixed(value, 2); }
    void u32(std::uint32_t value) { fixed(value, 4); }

    // In its shortest form.
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) u8(static_cast<std::uint8_t>((value & 0x7F) | 0x80));
        u8(static_cast<std::uint8_t>(value));
    }

    Bytes bytes() const { return data_; }
    std::vector<std::uint8_t> take() { return std::move(data_); }

private:
    void fixed(std::uint32_t value, unsigned bytes) {
        for (unsigned n = 0; n < bytes; ++n) u8(static_cast<std::uint8_t>(value >> (8 * n)));
    }

    std::vector<std::uint8_t> data_;
};

}  // namespace container
