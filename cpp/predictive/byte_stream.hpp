// Bytes of a payload, read front to back: nothing is ever read behind their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"

namespace predictive {

using Bytes = std::span<const std::uint8_t>;

class ByteStream {
public:
    explicit ByteStream(Bytes bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return take(1)[0]; }

    // Seven bits a byte, lowest first, at most five bytes, minimal.
    std::uint32_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 35; shift += 7) {
            const std::uint8_t byte = u8();
            value |= std::uint64_t{byte & 0x7Fu} << shift;
            if ((byte & 0x80) != 0) continue;
            if ((byte == 0 && shift > 0) || value >> 32 != 0) break;
            return static_cast<std::uint32_t>(value);
        }
        throw rans::CorruptStream("a length is not a number of 32 bits in its shortest form");
    }

    Bytes take(std::size_t count) {
        if (count > bytes_.size()) throw rans::StreamExhausted("a tile ends before its parts do");
        const Bytes taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }

    Bytes rest() { return take(bytes_.size()); }

private:
    Bytes bytes_;
};

inline void put_varint(std::vector<std::uint8_t>& out, std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
    out.push_back(static_cast<std::uint8_t>(value));
}

inline void put(std::vector<std::uint8_t>& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace predictive
