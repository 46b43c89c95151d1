#include "crc32.hpp"

#include <array>

namespace container {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320;  // reflected

// What one byte does to the register.
constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kPolynomial : 0);
        table[byte] = value;
    }
    return table;
}();

}  // namespace

std::uint32_t crc32(Bytes data, std::uint32_t start) {
    std::uint32_t value = ~start;
    for (const std::uint8_t byte : data) value = value >> 8 ^ kTable[(value ^ byte) & 0xFF];
    return ~value;
}

}  // namespace container
