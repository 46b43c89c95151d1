// Coder for one warp of 32 threads: lanes are threads, words are allotted by ballot and popcount.
// The bytes are those of rans_encoder.cpp and rans_decoder.cpp; SPEC.md is normative. This file
// holds what the encoder (warp_encoder.hpp) and the decoder (warp_decoder.hpp) share.
//
// The code is written against a Warp so that it runs on a GPU (cuda/device_warp.cuh) and, lane
// after lane, on a CPU (tests/cpp/host_warp.hpp). A Warp has
//
//     Warp::PerLane<T>        one T per thread; value[lane] is the own one on a GPU
//     each(f)                 calls f(lane): on a GPU for the own lane, on a CPU for all
//     once(f)                 calls f() on one thread
//     sync()                  what a thread wrote before it, all threads read after it
//     ballot(PerLane<bool>)   sync(), then bit l is the value of lane l
//     sum(PerLane<uint64_t>)  sync(), then the sum over all lanes
//     rotate(PerLane<uint32_t>, n)
//                             lane l gets the value of lane (l + n) mod 32
//
// Everything outside each() and once() is uniform: all threads hold the same values.
#pragma once

#include <cstdint>

#include "cdf.hpp"
#include "rans.hpp"

#if defined(__CUDACC__)
#define RANS_WARP_FUNCTION __device__ inline
#else
#define RANS_WARP_FUNCTION inline
#endif

namespace rans {

constexpr unsigned kWarpSize = 32;
static_assert(kMaxLanes <= kWarpSize);

// What a warp reports instead of throwing.
enum class Status : std::uint32_t {
    kOk,
    kBadIndex,
    kSkippedSymbol,
    kEmptyPayload,
    kWordsExhausted,
    kEscapesExhausted,
    kEscapeMalformed,
};

// Tables as plain pointers; see cdf.hpp.
struct TablesView {
    const EncoderTable* encoder_tables;
    const EncoderEntry* entries;
    const std::uint16_t* costs;
    const DecoderTable* decoder_tables;
    const std::uint32_t* lookup;
    std::uint32_t count;
    std::uint32_t skip_below;
};

RANS_WARP_FUNCTION std::uint32_t lanes_below(unsigned lane) {
    return (std::uint32_t{1} << lane) - 1;
}

}  // namespace rans
