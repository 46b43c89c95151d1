// Dependent quantisation: the trellis, and the encoder's choice of symbols along it.
// entropy/SPEC.md, section Trellis, is normative for the states; the choice is the encoder's own.
//
// Sources: M. W. Marcellin, T. R. Fischer, "Trellis coded quantization of memoryless and
// Gauss-Markov sources", IEEE Trans. Communications 38(1), 1990; H. Schwarz et al., "Quantization
// and entropy coding in the Versatile Video Coding (VVC) standard", IEEE TCSVT 31(10), 2021.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rans {

constexpr unsigned kChains = 32;
constexpr unsigned kTrellisStates = 8;

// State after an even and after an odd symbol.
constexpr std::array<std::array<std::uint8_t, 2>, kTrellisStates> kTrellisNext = {
    {{0, 2}, {5, 7}, {1, 3}, {6, 4}, {2, 0}, {4, 6}, {3, 1}, {7, 5}}};

constexpr std::uint8_t trellis_next(std::uint8_t state, std::int16_t symbol) {
    return kTrellisNext[state][symbol & 1];
}

// Which of the two quantisers a state has: 0 with the even points, 1 with zero and the odd ones.
constexpr unsigned trellis_set(std::uint8_t state) { return state & 1u; }

// What the choice depends on besides the residuals.
struct TrellisCosts {
    // (2, tables, magnitudes): 2^-11 bits of a symbol of that magnitude, by quantiser and index.
    std::span<const std::int32_t> costs;
    std::size_t tables;
    std::size_t magnitudes;
    unsigned skip_below;
    unsigned step;    // distance of the points of both quantisers together, in 2^-5 symbols
    unsigned weight;  // bits that a squared error of one symbol is worth, at most 64
};

// Symbols of one segment, with the least bits + weight * squared error along every chain, and their
// quantisers (0 where skipped). All spans have one size. Integers only: equal on all machines.
void quantise_trellis(std::span<const float> residuals, std::span<const std::uint8_t> indexes,
                      const TrellisCosts& costs, std::span<std::int16_t> symbols,
                      std::span<std::uint8_t> sets);

}  // namespace rans
