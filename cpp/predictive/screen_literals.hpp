// Colours that are not among the candidates, four bits after four bits (entropy/SCREEN.md, Literals).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "screen_bits.hpp"
#include "screen_colour.hpp"

namespace predictive {

template <class Colour>
class Literals {
public:
    Literals(ColourFormat<Colour> format, unsigned log2_pixels)
        : format_(format), shift_(64 - (std::max(log2_pixels, 10u) - 6)) {
        for (auto& table : tables_) table.resize(std::size_t{1} << (64 - shift_));
    }

    template <class Coder>
    Colour code(Coder& coder, const Neighbours<Colour>& at, Colour colour) {
        const Colour w = at.w != 0 ? at.w : at.n, n = at.n != 0 ? at.n : w, nw = at.nw != 0 ? at.nw : n;
        std::array<std::uint16_t, 3> pixel{};
        std::uint64_t before = 0;  // hash of the samples that are coded
        int miss = 0;              // by how much the last sample exceeds its guess
        for (std::size_t k = 0; k < format_.channels; ++k) {
            const std::size_t channel = format_.channels == 1 ? 0 : kSequence[k];
            const auto a = static_cast<int>(format_.sample(w, channel)), b = static_cast<int>(format_.sample(n, channel)),
                       c = static_cast<int>(format_.sample(nw, channel));
            const int flat = std::clamp(a + b - c, std::min(a, b), std::max(a, b));
            const int guess = std::clamp(flat + miss, 0, (1 << format_.bits) - 1);
            const auto high = static_cast<std::uint64_t>(guess) >> (format_.bits - 8);
            const std::uint64_t spread = std::min(width(miss), 3u), edge = width(a - b);
            std::array<std::uint64_t, kEstimates> keys = {before, before + at.w * kFactors[1],
                                                          ((high * 16 + edge) * 4 + spread) * kFactors[3],
                                                          (high * 4 + spread) * kFactors[5]};
            const std::uint32_t sample = format_.sample(colour, channel);
            std::uint32_t coded = 0;
            for (unsigned n_bits = format_.bits; n_bits > 0;) {
                n_bits -= 4;
                const std::size_t place = k * 4 + (n_bits / 4);
                coded = coded << 4 | nibble(coder, place, keys, sample >> n_bits & 15);
                for (auto& key : keys) key += (coded + 1) * kFactors[6];
            }
            pixel[channel] = static_cast<std::uint16_t>(coded);
            miss = static_cast<int>(coded) - flat;
            before = (before + coded + 1) * kFactors[7];
        }
        return format_.number(pixel.data());
    }

private:
    static constexpr std::array<std::size_t, 3> kSequence = {1, 0, 2};

    // Number of bits of the eight highest bits of a difference.
    unsigned width(int difference) const {
        return static_cast<unsigned>(std::bit_width(static_cast<unsigned>(std::abs(difference)) >> (format_.bits - 8)));
    }

    template <class Coder>
    std::uint32_t nibble(Coder& coder, std::size_t place, const std::array<std::uint64_t, kEstimates>& keys,
                         std::uint32_t value) {
        std::array<AdaptiveBit*, kEstimates> blocks;
        for (std::size_t n = 0; n < kEstimates; ++n) {
            blocks[n] = tables_[n][((keys[n] + place + 1) * kFactors[4]) >> shift_].data();
        }
        std::uint32_t node = 1;
        for (unsigned n = 4; n-- > 0;) {
            Estimates bits;
            for (std::size_t k = 0; k < kEstimates; ++k) bits[k] = blocks[k] + node;
            node = node << 1 | static_cast<std::uint32_t>(code_mixed(coder, mixers_[place * 4 + n], bits, value >> n & 1));
        }
        return node & 15;
    }

    ColourFormat<Colour> format_;
    unsigned shift_;
    std::array<std::vector<std::array<AdaptiveBit, 16>>, kEstimates> tables_;
    std::array<Mixer, 48> mixers_;
};

}  // namespace predictive
