// Bytes of a payload, read front to back: nothing is ever read behind their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "error.hpp"
#include "escape.hpp"

namespace predictive {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::size_t kMostVarintBytes = 5;  // of a number of 32 bits

class ByteStream {
public:
    explicit ByteStream(Bytes bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return take(1)[0]; }

    // Seven bits a byte, lowest first, at most five bytes, minimal.
    std::uint32_t varint() {
        const std::uint8_t* cursor = bytes_.data();
        std::uint64_t value = 0;
        const rans::Varint read =
            rans::read_varint(cursor, bytes_.data() + bytes_.size(), kMostVarintBytes, value);
        if (read == rans::Varint::kExhausted) {
            throw rans::StreamExhausted("a tile ends before its parts do");
        }
        if (read == rans::Varint::kMalformed || value >> 32 != 0) {
            throw rans::CorruptStream("a length is not a number of 32 bits in its shortest form");
        }
        bytes_ = bytes_.subspan(static_cast<std::size_t>(cursor - bytes_.data()));
        return static_cast<std::uint32_t>(value);
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
    std::uint8_t bytes[kMostVarintBytes];
    rans::write_varint(bytes, value);
    out.insert(out.end(), bytes, bytes + rans::varint_size(value));
}

inline void put(std::vector<std::uint8_t>& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace predictive
