// One stretch of the walk through the trellis, for a group of chains: Viterbi's algorithm.
//
// Included by files that are compiled for different processors: each has a `walk` of its own, and
// that uses nothing which could be shared between them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trellis.hpp"

namespace rans {

using Cost = std::int32_t;

// What a symbol of one chain costs, by quantiser and parity: 2 * quantiser + parity.
constexpr unsigned kChoices = 4;
using Prices = Cost[kChoices][kChains];

// The walk of a group of chains, one to a lane of a register. `front` holds the costs of the best way
// to every state, less those of the cheapest state, and these: [states + 1][group], 64-aligned.
// It goes chains first .. first + group - 1 along `steps` symbols. `taken`, [steps][states / 8]
// [kChains], gets one bit a state: which edge into it is taken.
struct Walk {
    unsigned group;  // a divisor of kChains
    void (*go)(Cost* front, const Prices* prices, std::size_t steps, unsigned first,
               std::uint8_t* taken);
};

namespace {

// The two edges into a state: where they come from, and the choice that they are.
struct Edges {
    std::uint8_t from[2], choice[2];
};

template <unsigned kStates>
struct Trellis {
    Edges edges[kStates] = {};

    constexpr Trellis() {
        unsigned count[kStates] = {};
        for (unsigned state = 0; state < kStates; ++state) {
            for (unsigned parity = 0; parity < 2; ++parity) {
                const unsigned next = trellis_next(kStates, state, parity);
                const unsigned edge = count[next]++;
                edges[next].from[edge] = static_cast<std::uint8_t>(state);
                edges[next].choice[edge] =
                    static_cast<std::uint8_t>(2 * trellis_set(state) + parity);
            }
        }
    }
};

#if defined(__GNUC__)  // and Clang: a register, or as many as it takes
template <unsigned kGroup>
using Lanes [[gnu::vector_size(sizeof(Cost) * kGroup), gnu::may_alias]] = Cost;

template <typename L>
inline L sum(L a, L b) {
    return a + b;
}

// The lesser of both. `bits` gets `bit` where that is the second.
template <typename L>
inline L lesser(L a, L b, Cost bit, L& bits) {
    const L second = b < a;
    bits |= second & bit;
    return second ? b : a;
}
#else
template <unsigned kGroup>
struct Lanes {
    Cost lane[kGroup];
    Cost& operator[](unsigned c) { return lane[c]; }
    Cost operator[](unsigned c) const { return lane[c]; }
};

template <unsigned kGroup>
Lanes<kGroup> sum(const Lanes<kGroup>& a, const Lanes<kGroup>& b) {
    Lanes<kGroup> both;
    for (unsigned c = 0; c < kGroup; ++c) both[c] = a[c] + b[c];
    return both;
}

template <unsigned kGroup>
Lanes<kGroup> lesser(const Lanes<kGroup>& a, const Lanes<kGroup>& b, Cost bit,
                     Lanes<kGroup>& bits) {
    Lanes<kGroup> best;
    for (unsigned c = 0; c < kGroup; ++c) {
        bits[c] |= b[c] < a[c] ? bit : 0;
        best[c] = b[c] < a[c] ? b[c] : a[c];
    }
    return best;
}
#endif

template <unsigned kStates, unsigned kGroup>
void walk(Cost* front, const Prices* prices, std::size_t steps, unsigned first,
          std::uint8_t* taken) {
    using L = Lanes<kGroup>;
    constexpr Trellis<kStates> trellis;
    L other[kStates + 1];
    L* const home = reinterpret_cast<L*>(front);
    L *from = home, *to = other;
    for (std::size_t n = 0; n < steps; ++n) {
        L price[kChoices], least{}, unused{};
        for (unsigned choice = 0; choice < kChoices; ++choice) {
            const Cost* const row = prices[n][choice] + first;
            for (unsigned c = 0; c < kGroup; ++c) price[choice][c] = row[c] - from[kStates][c];
        }
#pragma GCC unroll 32
        for (unsigned eight = 0; eight < kStates / 8; ++eight) {
            L bits{};
#pragma GCC unroll 8
            for (unsigned bit = 0; bit < 8; ++bit) {
                const unsigned state = 8 * eight + bit;
                const Edges edges = trellis.edges[state];
                const L a = sum(from[edges.from[0]], price[edges.choice[0]]);
                const L b = sum(from[edges.from[1]], price[edges.choice[1]]);
                const L best = lesser(a, b, Cost{1} << bit, bits);
                to[state] = best;
                least = state == 0 ? best : lesser(least, best, 0, unused);
            }
            std::uint8_t* const out = taken + (n * (kStates / 8) + eight) * kChains + first;
            for (unsigned c = 0; c < kGroup; ++c) out[c] = static_cast<std::uint8_t>(bits[c]);
        }
        to[kStates] = least;
        L* const swap = from;
        from = to;
        to = swap;
    }
    if (from != home) {
        for (unsigned state = 0; state <= kStates; ++state) home[state] = from[state];
    }
}

}  // namespace
}  // namespace rans
