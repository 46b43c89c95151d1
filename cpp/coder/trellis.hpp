// Dependent quantisation: the trellis, and the encoder's choice of symbols along it.
// entropy/SPEC.md, section Trellis, is normative for the states; the choice is the encoder's own.
//
// Sources: M. W. Marcellin, T. R. Fischer, "Trellis coded quantization of memoryless and
// Gauss-Markov sources", IEEE Trans. Communications 38(1), 1990; H. Schwarz et al., "Quantization
// and entropy coding in the Versatile Video Coding (VVC) standard", IEEE TCSVT 31(10), 2021; of 256
// states: G. Ungerboeck, "Channel coding with multilevel/phase signals", IEEE Trans. Information
// Theory 28(1), 1982.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cdf.hpp"

#include "rans.hpp"

namespace rans {

constexpr unsigned kChains = 32;
constexpr unsigned kFewStates = 8, kManyStates = 256;

constexpr bool has_trellis(unsigned states) { return states == kFewStates || states == kManyStates; }

// State after a symbol, of the trellis with that many states; `symbol` may be its parity.
RANS_FUNCTION constexpr unsigned trellis_next(unsigned states, unsigned state, int symbol) {
    constexpr std::uint8_t few[kFewStates][2] = {{0, 2}, {5, 7}, {1, 3}, {6, 4},
                                                 {2, 0}, {4, 6}, {3, 1}, {7, 5}};
    const bool odd = (symbol & 1) != 0;
    if (states == kFewStates) return few[state][odd];
    return (state >> 1) ^ (state & 1u ? 166u : 0u) ^ (odd ? 121u : 0u);
}

// Which of the two quantisers a state has: 0 with the even points, 1 with zero and the odd ones.
RANS_FUNCTION constexpr unsigned trellis_set(unsigned state) { return state & 1u; }

// What the choice depends on besides the residuals.
struct TrellisCosts {
    // (2, tables, magnitudes): 2^-11 bits of a symbol of that magnitude, by quantiser and index.
    std::span<const std::int32_t> costs;
    std::size_t tables;
    std::size_t magnitudes;
    unsigned skip_below;
    unsigned step;    // distance of the points of both quantisers together, in 2^-5 symbols
    unsigned weight;  // bits that a squared error of one symbol is worth, at most 64
    unsigned states;  // kFewStates or kManyStates
};

// Prices of the symbols of a set of tables, (2, tables, magnitudes): tables 0 .. tables - 1 are those of
// quantiser 0, the next as many of quantiser 1. Integers only.
struct TrellisPrices {
    std::vector<std::int32_t> costs;
    std::size_t magnitudes;
};
TrellisPrices trellis_prices(const Tables& set, std::size_t tables);

// Symbols of one segment, with the least bits + weight * squared error along every chain, and their
// quantisers (0 where skipped). Residuals count 2^-8 symbol. All spans have one size. Integers only:
// equal on all machines.
void quantise_trellis(std::span<const std::int32_t> residuals, std::span<const std::uint8_t> indexes,
                      const TrellisCosts& costs, std::span<std::int16_t> symbols,
                      std::span<std::uint8_t> sets);

}  // namespace rans
