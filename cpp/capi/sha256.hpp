// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace capi {

std::array<std::uint8_t, 32> sha256(std::span<const std::uint8_t> data);

}  // namespace capi
