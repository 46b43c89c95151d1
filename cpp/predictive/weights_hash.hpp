// Which weights coder P has: what files say of them (bitstream/SPEC.md, section 2a).
#pragma once

#include <array>
#include <cstdint>

namespace predictive {

// First four bytes of the SHA-256 of the weights file that this library was built with.
constexpr std::array<std::uint8_t, 4> weights_hash() {
    constexpr std::uint32_t hash = PREDICTIVE_WEIGHTS_HASH;  // as it is written, the first byte highest
    return {hash >> 24 & 0xFF, hash >> 16 & 0xFF, hash >> 8 & 0xFF, hash & 0xFF};
}

}  // namespace predictive
