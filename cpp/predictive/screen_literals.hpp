// Colours that are not among the candidates: green, colours that had that green before, the other
// samples (entropy/SCREEN.md, Literals).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "screen_contexts.hpp"

namespace predictive {

template <class Colour>
class Literals {
public:
    Literals(ColourFormat<Colour> format, unsigned pixel_bits)
        : format_(format),
          nibbles_{Blocks(pixel_bits, 5), Blocks(pixel_bits, 5), Blocks(pixel_bits, 5),
                   Blocks(pixel_bits, 6)},
          greens_{SlotTable<Colour>(pixel_bits, 7), SlotTable<Colour>(pixel_bits, 7)},
          by_distance_(kPlaces * 64),
          by_confidence_(kPlaces * 64),
          by_colour_(pixel_bits, 5),
          by_left_(pixel_bits, 5) {}

    template <class Coder>
    Colour code(Coder& coder, const Neighbours<Colour>& at, Colour colour) {
        at_ = &at;
        w_ = at.w != 0 ? at.w : at.n;
        n_ = at.n != 0 ? at.n : w_;
        nw_ = at.nw != 0 ? at.nw : n_;
        before_ = 0;
        miss_ = 0;
        std::array<std::uint16_t, 3> pixel{};
        if (format_.channels == 1) {
            pixel[0] = sample(coder, 0, 0, colour);
            return format_.number(pixel.data());
        }
        pixel[1] = sample(coder, 0, 1, colour);
        for (std::size_t n = 0; n < kTables; ++n) {
            slots_[n] = &greens_[n].at((before_ + (n == 0 ? at.w * kFactors[1] : 0)) * kFactors[2]);
        }
        Colour found = same_green(coder, colour);
        if (found == 0) {
            pixel[0] = sample(coder, 1, 0, colour);
            pixel[2] = sample(coder, 2, 2, colour);
            found = format_.number(pixel.data());
        }
        for (Slot<Colour>* slot : slots_) slot->update(found);
        return found;
    }

private:
    using Blocks = HashedTable<std::array<AdaptiveBit, 16>>;
    static constexpr std::size_t kTables = 2, kPlaces = kTables * kSlotColours;

    // Number of bits of the eight highest bits of a difference, 7 at most.
    std::size_t width(int difference) const {
        const auto size = static_cast<unsigned>(std::abs(difference)) >> (format_.bits - 8);
        return std::min(static_cast<std::size_t>(std::bit_width(size)), std::size_t{7});
    }

    int at(Colour colour, std::size_t channel) const {
        return static_cast<int>(format_.sample(colour, channel));
    }

    // What the neighbours suggest for a sample, without and with what the last sample missed.
    int flat_guess(std::size_t channel) const {
        const int w = at(w_, channel), n = at(n_, channel);
        return std::clamp(w + n - at(nw_, channel), std::min(w, n), std::max(w, n));
    }
    int guess(std::size_t channel) const {
        return std::clamp(flat_guess(channel) + miss_, 0, (1 << format_.bits) - 1);
    }

    // The sample of `channel`, the k-th that is coded.
    template <class Coder>
    std::uint16_t sample(Coder& coder, std::size_t k, std::size_t channel, Colour colour) {
        const auto high = static_cast<std::uint64_t>(guess(channel)) >> (format_.bits - 8);
        const std::uint64_t spread = std::min<std::size_t>(width(miss_), 3);
        const std::uint64_t edge = width(at(w_, channel) - at(n_, channel));
        std::array<std::uint64_t, kEstimates> keys = {before_, before_ + at_->w * kFactors[1],
                                                      ((high * 16 + edge) * 4 + spread) * kFactors[3],
                                                      (high * 4 + spread) * kFactors[5]};
        const std::uint32_t value = format_.sample(colour, channel);
        std::uint32_t coded = 0;
        for (unsigned rest = format_.bits; rest > 0;) {
            rest -= 4;
            coded = coded << 4 | nibble(coder, k * 4 + rest / 4, keys, value >> rest & 15);
            for (auto& key : keys) key += (coded + 1) * kFactors[6];
        }
        miss_ = static_cast<int>(coded) - flat_guess(channel);
        before_ = (before_ + coded + 1) * kFactors[7];
        return static_cast<std::uint16_t>(coded);
    }

    template <class Coder>
    std::uint32_t nibble(Coder& coder, std::size_t place,
                         const std::array<std::uint64_t, kEstimates>& keys, std::uint32_t value) {
        Estimates blocks{};
        for (std::size_t n = 0; n < kEstimates; ++n) {
            blocks[n] = nibbles_[n].at(keys[n] + place + 1).data();
        }
        std::uint32_t node = 1;
        for (unsigned n = 4; n-- > 0;) {
            Estimates bits{};
            for (std::size_t k = 0; k < kEstimates; ++k) bits[k] = blocks[k] + node;
            const bool bit = code_mixed(coder, nibble_mixers_[place * 4 + n], bits, value >> n & 1);
            node = node << 1 | static_cast<std::uint32_t>(bit);
        }
        return node & 15;
    }

    // Offers the last literals that had this green; 0 if it is none of them.
    template <class Coder>
    Colour same_green(Coder& coder, Colour colour) {
        const int red = guess(0), blue = guess(2);
        std::array<Colour, kPlaces + 1> refused{};
        std::size_t count = 1;
        for (std::size_t place = 0; place < kPlaces; ++place) {
            const Slot<Colour>& slot = *slots_[place / kSlotColours];
            const Colour candidate = slot.colours[place % kSlotColours];
            const auto end = refused.begin() + static_cast<std::ptrdiff_t>(count);
            if (std::find(refused.begin(), end, candidate) != end) continue;
            refused[count++] = candidate;
            const std::size_t r = width(at(candidate, 0) - red), b = width(at(candidate, 2) - blue);
            const std::uint64_t key = candidate * kFactors[0];
            const Estimates bits = {&by_distance_[(place * 8 + r) * 8 + b],
                                    &by_confidence_[(place * 8 + slot.confidence) * 8 + std::max(r, b)],
                                    &by_colour_.at(key + place),
                                    &by_left_.at(key + at_->w * kFactors[1])};
            if (code_mixed(coder, green_mixers_[place], bits, candidate == colour)) return candidate;
        }
        return 0;
    }

    ColourFormat<Colour> format_;
    std::array<Blocks, kEstimates> nibbles_;
    std::array<Mixer, 48> nibble_mixers_;
    std::array<SlotTable<Colour>, kTables> greens_;
    std::vector<AdaptiveBit> by_distance_, by_confidence_;
    HashedBits by_colour_, by_left_;
    std::array<Mixer, kPlaces> green_mixers_;

    // Of the pixel at hand.
    const Neighbours<Colour>* at_ = nullptr;
    Colour w_ = 0, n_ = 0, nw_ = 0;  // known neighbours
    std::uint64_t before_ = 0;       // hash of the samples that are coded
    int miss_ = 0;                   // by how much the last sample exceeds its guess
    std::array<Slot<Colour>*, kTables> slots_{};
};

}  // namespace predictive
