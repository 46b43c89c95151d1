// Which weights coder P has: what files say of them (bitstream/SPEC.md, section 2a).
#pragma once

#include <array>
#include <cstdint>

namespace predictive {

// First four bytes of the SHA-256 of the weights file that this library was built with.
constexpr std::array<std::uint8_t, 4> weights_hash() {
    constexpr std::uint32_t hash = PREDICTIVE_WEIGHTS_HASH;  // as it is written, the first byte highest
    return {static_cast<std::uint8_t>(hash >> 24), static_cast<std::uint8_t>(hash >> 16),
            static_cast<std::uint8_t>(hash >> 8), static_cast<std::uint8_t>(hash)};
}

}  // namespace predictive
