// The payload around the lanes: how many lanes, and where the parts lie. See SPEC.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rans.hpp"

namespace rans {

constexpr std::size_t kBytesPerLane = 8192;  // a lane costs 4 bytes on average: 0.05 %

// Number of lanes for coded symbols whose entry costs sum to `cost`.
RANS_FUNCTION constexpr unsigned choose_lanes(std::uint64_t cost) {
    const std::uint64_t ideal_bytes = cost >> (kCostBits + 3);
    unsigned lanes = 1;
    while (lanes < kMaxLanes && 2 * lanes * kBytesPerLane <= ideal_bytes) lanes *= 2;
    return lanes;
}

// A payload taken apart; views into its bytes. `lanes` is 0 when nothing was coded.
struct Payload {
    unsigned lanes = 0;
    std::array<State, kMaxLanes> states{};
    std::span<const std::uint8_t> words;  // an even number of bytes
    std::span<const std::uint8_t> escapes;
};

// Throws StreamExhausted or CorruptStream.
Payload parse_payload(std::span<const std::uint8_t> data);

// `states` is empty when nothing was coded; else a power of two of them.
std::vector<std::uint8_t> build_payload(std::span<const State> states, std::span<const Word> words,
                                        std::span<const std::uint8_t> escapes);

}  // namespace rans
