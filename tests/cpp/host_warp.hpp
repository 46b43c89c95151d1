// A warp on a CPU: 32 threads played one after the other, so that the kernels of warp_coder.hpp can
// be tested without a GPU.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "warp_coder.hpp"

struct HostWarp {
    template <typename T>
    using PerLane = std::array<T, rans::kWarpSize>;

    template <class Function>
    void each(Function function) const {
        for (unsigned lane = 0; lane < rans::kWarpSize; ++lane) function(lane);
    }

    template <class Function>
    void once(Function function) const {
        function();
    }

    void sync() const {}

    std::uint32_t ballot(const PerLane<bool>& values) const {
        std::uint32_t bits = 0;
        each([&](unsigned lane) { bits |= static_cast<std::uint32_t>(values[lane]) << lane; });
        return bits;
    }

    std::uint64_t sum(const PerLane<std::uint64_t>& values) const {
        std::uint64_t total = 0;
        each([&](unsigned lane) { total += values[lane]; });
        return total;
    }

    PerLane<std::uint32_t> rotate(PerLane<std::uint32_t> values, unsigned distance) const {
        std::rotate(values.begin(), values.begin() + distance % rans::kWarpSize, values.end());
        return values;
    }
};
