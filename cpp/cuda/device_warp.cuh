// A warp of the GPU as warp_coder.hpp wants it.
#pragma once

#include <cstdint>

#include "warp_coder.hpp"

namespace rans::cuda {

struct DeviceWarp {
    unsigned lane;

    template <typename T>
    struct PerLane {
        T own;
        __device__ T& operator[](unsigned) { return own; }
        __device__ const T& operator[](unsigned) const { return own; }
    };

    template <class Function>
    __device__ void each(Function function) const {
        function(lane);
    }

    template <class Function>
    __device__ void once(Function function) const {
        if (lane == 0) function();
    }

    __device__ void sync() const { __syncwarp(); }

    __device__ std::uint32_t ballot(const PerLane<bool>& values) const {
        __syncwarp();
        return __ballot_sync(0xffffffffu, values.own);
    }

    __device__ std::uint64_t sum(const PerLane<std::uint64_t>& values) const {
        __syncwarp();
        std::uint64_t total = values.own;
        for (unsigned distance = kWarpSize / 2; distance > 0; distance /= 2) {
            total += __shfl_xor_sync(0xffffffffu, total, distance);
        }
        return total;
    }

    __device__ PerLane<std::uint32_t> rotate(const PerLane<std::uint32_t>& values,
                                             unsigned distance) const {
        return {__shfl_sync(0xffffffffu, values.own, (lane + distance) % kWarpSize)};
    }
};

}  // namespace rans::cuda
