// The rANS state: constants, put, get, renormalisation. Plain integer arithmetic that also compiles
// as CUDA device code; entropy/SPEC.md is normative.
//
// Sources: J. Duda, arXiv 1311.2540; F. Giesen, "Interleaved entropy coders", arXiv 1402.3392;
// R. Alverson, "Integer division using reciprocals", ARITH 1991.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#define RANS_FUNCTION __host__ __device__ inline
#else
#define RANS_FUNCTION inline
#endif

namespace rans {

using State = std::uint64_t;
using Word = std::uint16_t;

constexpr unsigned kPrecisionBits = 16;
constexpr unsigned kWordBits = 16;
constexpr unsigned kLowerBits = 24;
constexpr unsigned kCostBits = 11;  // costs count 2^-11 bit
constexpr std::uint32_t kTotal = 1u << kPrecisionBits;
constexpr State kLower = State{1} << kLowerBits;
constexpr std::size_t kStateBytes = 5;  // a state is below 2^40
constexpr std::size_t kWordBytes = 2;
constexpr unsigned kMaxLanes = 32;

// High 64 bits of a 128-bit product.
RANS_FUNCTION std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
#if defined(__CUDA_ARCH__)
    return __umul64hi(a, b);
#elif defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 Wide;
    return static_cast<std::uint64_t>((static_cast<Wide>(a) * b) >> 64);
#else
    const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const std::uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32),
                        mid2 = a0 * b1 + (mid & 0xffffffffu);
    return a1 * b1 + (mid >> 32) + (mid2 >> 32);
#endif
}

// What the encoder needs to know about a table entry; 16 bytes, four to a cache line.
//
// The quotient x / f is the high half of x * reciprocal with reciprocal = ceil(2^64 / f): its error
// e = reciprocal * f - 2^64 is below f <= 2^16, and x < 2^40, so x * e < 2^56 < 2^64 never carries
// into the quotient. For f = 1 that reciprocal does not fit; 2^64 - 1 gives x - 1 for every x >= 1,
// and `bias` makes up for it.
struct EncoderEntry {
    std::uint64_t reciprocal;
    std::uint32_t bias;
    std::uint16_t frequency;
    std::uint16_t complement;  // 2^16 - frequency
};
static_assert(sizeof(EncoderEntry) == 16);

RANS_FUNCTION unsigned count_ones(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
    return static_cast<unsigned>(__popc(bits));
#else
    return static_cast<unsigned>(std::popcount(bits));
#endif
}

// Position of the lowest set bit of a number that is not 0.
RANS_FUNCTION unsigned lowest_one(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
    return static_cast<unsigned>(__ffs(static_cast<int>(bits)) - 1);
#else
    return static_cast<unsigned>(std::countr_zero(bits));
#endif
}

// Bits of an entry in units of 2^-11 bit, truncated as SPEC.md says.
constexpr std::uint16_t entry_cost(std::uint32_t frequency) {
    unsigned result = static_cast<unsigned>(std::bit_width(frequency)) - 1;
    std::uint64_t y = static_cast<std::uint64_t>(frequency) << (31 - result);
    for (unsigned i = 0; i < kCostBits; ++i) {
        y = y * y >> 31;
        result <<= 1;
        if (y >> 32) {
            y >>= 1;
            ++result;
        }
    }
    return static_cast<std::uint16_t>((kPrecisionBits << kCostBits) - result);
}

// frequency in 1..65535, start + frequency <= 65536.
constexpr EncoderEntry make_encoder_entry(std::uint32_t start, std::uint32_t frequency) {
    const std::uint64_t reciprocal =
        frequency == 1 ? ~std::uint64_t{0} : ~std::uint64_t{0} / frequency + 1;
    const std::uint32_t bias = frequency == 1 ? start + kTotal - 1 : start;
    return {reciprocal, bias, static_cast<std::uint16_t>(frequency),
            static_cast<std::uint16_t>(kTotal - frequency)};
}

// A state that leaves at least 2^24 after `put` may need to give up a word before it.
RANS_FUNCTION bool must_emit(State x, std::uint32_t frequency) {
    return x >= (static_cast<State>(frequency) << kLowerBits);
}

// x -> floor(x / f) * 2^16 + x mod f + start, without a division.
RANS_FUNCTION State put(State x, const EncoderEntry& entry) {
    return x + entry.bias + multiply_high(x, entry.reciprocal) * entry.complement;
}

RANS_FUNCTION std::uint32_t slot_of(State x) {
    return static_cast<std::uint32_t>(x & (kTotal - 1));
}

// Inverse of put; `rest` = slot - start.
RANS_FUNCTION State get(State x, std::uint32_t frequency, std::uint32_t rest) {
    return frequency * (x >> kPrecisionBits) + rest;
}

RANS_FUNCTION bool must_refill(State x) { return x < kLower; }

RANS_FUNCTION State refill(State x, Word word) { return (x << kWordBits) | word; }

}  // namespace rans
