// Symbols outside their table: the escape stream of SPEC.md. Also compiles as CUDA device code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rans.hpp"

namespace rans {

constexpr std::size_t kMaxEscapeBytes = 3;  // u <= 2 * 65535 + 1 < 2^21
constexpr std::size_t kMaxLengthBytes = 5;  // B < 2^32 < 2^35

enum class Varint { kOk, kExhausted, kMalformed };

RANS_FUNCTION std::size_t varint_size(std::uint32_t value) {
    std::size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        ++size;
    }
    return size;
}

// Writes varint_size(value) bytes.
RANS_FUNCTION void write_varint(std::uint8_t* out, std::uint32_t value) {
    while (value >= 0x80) {
        *out++ = static_cast<std::uint8_t>((value & 0x7f) | 0x80);
        value >>= 7;
    }
    *out = static_cast<std::uint8_t>(value);
}

// Reads at most `max_bytes` from `cursor`, never at or behind `end`; moves `cursor` behind the
// varint.
RANS_FUNCTION Varint read_varint(const std::uint8_t*& cursor, const std::uint8_t* end,
                                 std::size_t max_bytes, std::uint64_t& value) {
    value = 0;
    for (std::size_t i = 0; i < max_bytes; ++i) {
        if (cursor == end) return Varint::kExhausted;
        const std::uint8_t byte = *cursor++;
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if (byte < 0x80) return byte == 0 && i > 0 ? Varint::kMalformed : Varint::kOk;
    }
    return Varint::kMalformed;
}

// Distance of an int16 symbol outside low..high from the nearer border, zigzag.
RANS_FUNCTION std::uint32_t escape_code(std::int32_t symbol, std::int32_t low, std::int32_t high) {
    return symbol > high ? 2u * static_cast<std::uint32_t>(symbol - high - 1)
                         : 2u * static_cast<std::uint32_t>(low - 1 - symbol) + 1u;
}

// The symbol of an escape code below 2^21; may lie outside int16, which the caller rejects.
RANS_FUNCTION std::int32_t escape_symbol(std::uint32_t code, std::int32_t low, std::int32_t high) {
    const auto distance = static_cast<std::int32_t>(code >> 1);
    return code & 1u ? low - 1 - distance : high + 1 + distance;
}

RANS_FUNCTION bool is_int16(std::int32_t symbol) { return symbol >= -32768 && symbol <= 32767; }

}  // namespace rans
