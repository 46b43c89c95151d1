// Little-endian values in unaligned memory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "rans.hpp"

namespace rans {

RANS_FUNCTION std::uint16_t load_u16(const std::uint8_t* at) {
#if defined(__CUDA_ARCH__)
    return static_cast<std::uint16_t>(at[0] | at[1] << 8);
#else
    std::uint16_t value;
    std::memcpy(&value, at, sizeof value);
    if constexpr (std::endian::native == std::endian::big) {
        value = static_cast<std::uint16_t>(value << 8 | value >> 8);
    }
    return value;
#endif
}

inline void store_u16(std::uint8_t* at, std::uint16_t value) {
    if constexpr (std::endian::native == std::endian::big) {
        value = static_cast<std::uint16_t>(value << 8 | value >> 8);
    }
    std::memcpy(at, &value, sizeof value);
}

inline State load_state(const std::uint8_t* at) {
    State value = 0;
    for (std::size_t i = 0; i < kStateBytes; ++i) value |= static_cast<State>(at[i]) << (8 * i);
    return value;
}

inline void store_state(std::uint8_t* at, State value) {
    for (std::size_t i = 0; i < kStateBytes; ++i)
        at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace rans
