// Offers the colours that the contexts and the neighbours suggest (entropy/SCREEN.md, Candidates).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "screen_bits.hpp"
#include "screen_contexts.hpp"

namespace predictive {

template <class Colour>
class Candidates {
public:
    // pixel_bits: number of bits of the number of coded pixels, which sizes the tables.
    explicit Candidates(unsigned pixel_bits)
        : by_pattern_(kPlaces * 64 * 8),
          by_agreement_(kPlaces * 1024),
          by_four_(pixel_bits, 5),
          by_eight_(pixel_bits, 5) {
        for (unsigned less : {3u, 3u, 4u, 7u, 7u}) tables_.emplace_back(pixel_bits, less);
    }

    // Codes `colour` if it is among the candidates and returns it; else returns 0. `excluded` (0: none)
    // is known not to be the colour.
    template <class Coder>
    Colour code(Coder& coder, const Neighbours<Colour>& at, Colour excluded, Colour colour) {
        at_ = &at;
        keys_ = context_keys(at);
        for (std::size_t n = 0; n < kOrders; ++n) slots_[n] = &tables_[n].at(keys_[n]);
        pattern_ = std::size_t{at.w == at.n} | std::size_t{at.n == at.nw} << 1 |
                   std::size_t{at.w == at.nw} << 2 | std::size_t{at.n == at.ne} << 3 |
                   std::size_t{at.w == at.ww} << 4 | std::size_t{at.n == at.nn} << 5;
        refused_ = {0, excluded};
        count_ = 2;
        for (std::size_t n = 0; n < kOrders; ++n) {
            for (std::size_t k = 0; k < kSlotColours; ++k) {
                const Colour candidate = slots_[n]->colours[k];
                const std::size_t place = n * kSlotColours + k;
                if (offer(coder, candidate, place, slots_[n]->confidence, colour)) return candidate;
            }
        }
        const std::array<Colour, 4> beside = {at.w, at.n, at.nw, at.ne};
        for (std::size_t k = 0; k < beside.size(); ++k) {
            if (offer(coder, beside[k], kOrders * kSlotColours + k, 0, colour)) return beside[k];
        }
        return 0;
    }

    // To be called with the colour of every pixel for which `code` was called.
    void update(Colour colour) {
        for (Slot<Colour>* slot : slots_) slot->update(colour);
    }

private:
    static constexpr std::size_t kPlaces = kOrders * kSlotColours + 4;

    // Whether the colour is `candidate`. What has been refused is not offered again.
    template <class Coder>
    bool offer(Coder& coder, Colour candidate, std::size_t place, std::size_t confidence,
               Colour colour) {
        for (std::size_t n = 0; n < count_; ++n) {
            if (refused_[n] == candidate) return false;
        }
        refused_[count_++] = candidate;
        std::size_t agreement = std::size_t{slots_[0]->confidence > 2} << 9;
        for (std::size_t n = 0; n < kOrders; ++n) {
            agreement |= std::size_t{slots_[n]->colours[0] == candidate} << n;
        }
        agreement |= std::size_t{at_->w == candidate} << 5 | std::size_t{at_->n == candidate} << 6 |
                     std::size_t{at_->nw == candidate} << 7 | std::size_t{at_->ne == candidate} << 8;
        const std::uint64_t salt = candidate * kFactors[4];
        const Estimates bits = {&by_pattern_[(place * 64 + pattern_) * 8 + confidence],
                                &by_agreement_[place * 1024 + agreement],
                                &by_four_.at(keys_[1] + salt), &by_eight_.at(keys_[0] + salt)};
        return code_mixed(coder, mixers_[place], bits, candidate == colour);
    }

    std::vector<SlotTable<Colour>> tables_;
    std::vector<AdaptiveBit> by_pattern_, by_agreement_;
    HashedBits by_four_, by_eight_;
    std::array<Mixer, kPlaces> mixers_;

    // Of the pixel at hand.
    const Neighbours<Colour>* at_ = nullptr;
    Keys keys_{};
    std::array<Slot<Colour>*, kOrders> slots_{};
    std::size_t pattern_ = 0;
    std::array<Colour, kPlaces + 2> refused_{};
    std::size_t count_ = 0;
};

}  // namespace predictive
