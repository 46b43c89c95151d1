// The prices of symbols, and one stretch of the walk through the trellis for a group of chains:
// Viterbi's algorithm.
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

// The best magnitudes of one symbol of every chain, by choice.
using Magnitudes = std::int16_t[kChoices][kChains];

// All fits 32 bits: an error of 16 symbols costs at most 2^25, a symbol's bits little more than
// 2^26. So a way from state 0 to any other, of 8 symbols at most, costs less than one that began
// elsewhere, and that one, while it lasts, less than 2^31.
constexpr Cost kFar = Cost{1} << 30;
constexpr int kUnitBits = 8;  // residuals count 2^-8 symbol
constexpr int kStepBits = 5;  // steps count 2^-5
constexpr std::int32_t kMaxSymbol = 32000;
constexpr std::int32_t kMaxError = 1 << 12;

// What the prices follow from, as `TrellisCosts` has it.
struct Rates {
    const std::int32_t* costs;
    std::int32_t tables, magnitudes;
    std::int32_t step;  // in 2^-8 symbols
    std::int32_t weight;
};

// The walk of a group of chains, one to a lane of a register. `front` holds the costs of the best way
// to every state, less those of the cheapest state, and these: [states + 1][group], 64-aligned.
// It goes chains first .. first + group - 1 along `steps` symbols. `taken`, [steps][states / 8]
// [kChains], gets one bit a state: which edge into it is taken.
struct Walk {
    unsigned group;  // a divisor of kChains
    void (*go)(Cost* front, const Prices* prices, std::size_t steps, unsigned first,
               std::uint8_t* taken);
    // Magnitudes and their costs for one residual of every chain and the table it has.
    void (*rate)(const Rates& rates, const std::int32_t* residuals, const std::int32_t* indexes,
                 Prices& prices, Magnitudes& magnitudes);
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

// All chains at once: plain loops over them, which become vectors, but for the looking up of bits.
inline void rate(const Rates& rates, const std::int32_t* residuals, const std::int32_t* indexes,
                 Prices& prices, Magnitudes& magnitudes) {
    using Row = std::int32_t[kChains];
    const std::int32_t last = rates.magnitudes - 1, step = rates.step, weight = rates.weight;
    const std::int32_t most = (2 * kMaxSymbol - 2) * step, both = 2 * step;
    const float share = 1.0f / static_cast<float>(both);
    constexpr int kDown = 2 * kUnitBits - static_cast<int>(kCostBits);
    Row sizes;
    for (unsigned c = 0; c < kChains; ++c) {
        const std::int32_t high = residuals[c] < most ? residuals[c] : most;
        const std::int32_t near = high > -most ? high : -most;
        sizes[c] = near < 0 ? -near : near;
    }
    for (std::int32_t set = 0; set < 2; ++set) {
        Row below, known, bits[3];  // of the magnitude below, of the one above, of 0
        for (unsigned c = 0; c < kChains; ++c) {
            const std::int32_t x = sizes[c] + set * step;
            const std::int32_t guess = static_cast<std::int32_t>(static_cast<float>(x) * share);
            const std::int32_t rest = x - guess * both;  // the float may miss by one
            below[c] = guess + (rest >= both ? 1 : 0) - (rest < 0 ? 1 : 0);
            known[c] = below[c] < last ? below[c] : last;
        }
        for (unsigned c = 0; c < kChains; ++c) {
            const std::int32_t* const row =
                rates.costs + (set * rates.tables + indexes[c]) * rates.magnitudes;
            bits[0][c] = row[known[c]];
            bits[1][c] = row[known[c] + (known[c] < last ? 1 : 0)];
            bits[2][c] = row[0];
        }
        Cost* const even_price = prices[2 * set];
        Cost* const odd_price = prices[2 * set + 1];
        std::int16_t* const even_size = magnitudes[2 * set];
        std::int16_t* const odd_size = magnitudes[2 * set + 1];
        for (unsigned c = 0; c < kChains; ++c) {
            const auto squared = [&](std::int32_t off) {
                const std::int32_t size = off < 0 ? -off : off;
                const std::int32_t error = size < kMaxError ? size : kMaxError;
                return error * error * weight >> kDown;
            };
            const std::int32_t k = below[c], size = sizes[c];
            // Beyond the row every further magnitude costs a bit: an escape, only to be put in order.
            const std::int32_t beyond = k - known[c], above = k < last ? 0 : beyond + 1;
            const std::int32_t point = k != 0 ? (2 * k - set) * step : 0;
            const Cost zero = bits[2][c] + squared(size);
            const Cost first = bits[0][c] + beyond * (1 << kCostBits) + squared(size - point);
            const Cost second = bits[1][c] + above * (1 << kCostBits) +
                                squared(size - (2 * k + 2 - set) * step);
            const std::int32_t odd = k & 1;
            const Cost even = odd ? second : first;
            even_price[c] = zero <= even ? zero : even;
            odd_price[c] = odd ? first : second;
            even_size[c] = static_cast<std::int16_t>(zero <= even ? 0 : k + odd);
            odd_size[c] = static_cast<std::int16_t>(k + 1 - odd);
        }
    }
}

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
