#include "sha256.hpp"

#include <algorithm>
#include <bit>

namespace capi {
namespace {

using Block = std::array<std::uint8_t, 64>;
using State = std::array<std::uint32_t, 8>;

// First 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void take_in(State& state, const std::uint8_t* block) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t n = 0; n < 16; ++n) {
        w[n] = std::uint32_t{block[4 * n]} << 24 | std::uint32_t{block[4 * n + 1]} << 16 |
               std::uint32_t{block[4 * n + 2]} << 8 | block[4 * n + 3];
    }
    for (std::size_t n = 16; n < w.size(); ++n) {
        const std::uint32_t x = w[n - 15], y = w[n - 2];
        w[n] = w[n - 16] + (std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3) + w[n - 7] +
               (std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10);
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t n = 0; n < w.size(); ++n) {
        const std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                 ((e & f) ^ (~e & g)) + kRounds[n] + w[n];
        const std::uint32_t t2 =
            (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const State worked = {a, b, c, d, e, f, g, h};
    for (std::size_t n = 0; n < state.size(); ++n) state[n] += worked[n];
}

}  // namespace

std::array<std::uint8_t, 32> sha256(std::span<const std::uint8_t> data) {
    // First 32 bits of the fractional parts of the square roots of the first 8 primes.
    State state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const std::uint64_t bits = std::uint64_t{data.size()} * 8;
    for (; data.size() >= sizeof(Block); data = data.subspan(sizeof(Block))) {
        take_in(state, data.data());
    }
    // The rest, a bit 1, zeros, and the number of bits in the last 8 bytes.
    Block last{};
    std::ranges::copy(data, last.begin());
    last[data.size()] = 0x80;
    if (data.size() >= 56) {
        take_in(state, last.data());
        last.fill(0);
    }
    for (std::size_t n = 0; n < 8; ++n) last[63 - n] = static_cast<std::uint8_t>(bits >> (8 * n));
    take_in(state, last.data());
    std::array<std::uint8_t, 32> digest;
    for (std::size_t n = 0; n < digest.size(); ++n) {
        digest[n] = static_cast<std::uint8_t>(state[n / 4] >> (24 - 8 * (n % 4)));
    }
    return digest;
}

}  // namespace capi
