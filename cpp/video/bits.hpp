// Adaptive binary decisions of an inter frame: estimates, their mixture, their prices
// (entropy/INTER.md, Decisions). The logistic functions and the range coder are coder S's.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "screen_bits.hpp"
#include "screen_coder.hpp"

namespace video {

using Encoder = predictive::ScreenEncoder;
using Decoder = predictive::ScreenDecoder;
using predictive::kLogistic;

inline constexpr std::uint32_t kMemory = 128;  // decisions that an estimate looks back at most

// kRates[n]: 2^16 / (n + 3/2), the step of an estimate that has seen n decisions.
inline constexpr auto kRates = [] {
    std::array<std::uint16_t, kMemory + 1> rates{};
    for (std::uint32_t n = 0; n <= kMemory; ++n) rates[n] = static_cast<std::uint16_t>(131072 / (2 * n + 3));
    return rates;
}();

// How often a decision was true, in units of 2^-16, and how many decisions that rests on.
struct Estimate {
    std::uint16_t p = 1 << 15;
    std::uint16_t seen = 0;

    void update(bool decision) {
        const int way = (decision ? 65535 : 0) - static_cast<int>(p);
        p = static_cast<std::uint16_t>(p + (way * static_cast<int>(kRates[seen]) >> 16));
        if (seen < kMemory) ++seen;
    }
};

// Weights of the estimates of one kind of decision, in units of 2^-16.
template <std::size_t N>
struct Mixer {
    static constexpr int kRate = 16;
    std::array<std::int32_t, N> weights = [] {
        std::array<std::int32_t, N> first{};
        first.fill(static_cast<std::int32_t>(65536 * 5 / (4 * N)));
        return first;
    }();
};

template <std::size_t N>
using Estimates = std::array<Estimate*, N>;

// Bits of a decision in units of 2^-8 bit, from a probability in units of 2^-16.
class Prices {
public:
    Prices() {
        for (std::size_t n = 0; n < price_.size(); ++n) {
            price_[n] = static_cast<std::uint16_t>(
                std::lround(-256.0 * std::log2((static_cast<double>(n) + 0.5) / 4096.0)));
        }
    }
    int operator()(std::uint32_t p, bool decision) const {
        return price_[(decision ? p : 65535 - p) >> 4];
    }

private:
    std::array<std::uint16_t, 4096> price_{};
};

extern const Prices kPrices;

// In place of a coder: adds up what decisions would cost. Nothing learns from them.
struct Pricer {
    static constexpr bool kDecodes = false;
    int bits = 0;  // in units of 2^-8
    bool code(bool decision, std::uint32_t p) {
        bits += kPrices(p, decision);
        return decision;
    }
};

template <class Coder>
inline constexpr bool kLearns = true;
template <>
inline constexpr bool kLearns<Pricer> = false;

// Codes a decision with the mixture of its estimates; all of them learn from it.
template <class Coder, std::size_t N>
bool code_mixed(Coder& coder, Mixer<N>& mixer, const Estimates<N>& bits, bool decision = false) {
    std::array<int, N> inputs{};
    std::int64_t sum = 0;
    for (std::size_t n = 0; n < N; ++n) {
        inputs[n] = kLogistic.stretch(bits[n]->p);
        sum += std::int64_t{mixer.weights[n]} * inputs[n];
    }
    const std::uint32_t p = kLogistic.squash(static_cast<int>(sum >> 16));
    const bool coded = coder.code(decision, p);
    if constexpr (!kLearns<Coder>) return coded;
    const int error = ((coded ? 65535 : 0) - static_cast<int>(p)) * Mixer<N>::kRate >> 4;
    for (std::size_t n = 0; n < N; ++n) {
        mixer.weights[n] += (inputs[n] * error + (1 << 15)) >> 16;
        bits[n]->update(coded);
    }
    return coded;
}

template <class Coder>
bool code_bit(Coder& coder, Estimate& bit, bool decision = false) {
    const bool coded = coder.code(decision, bit.p);
    if constexpr (kLearns<Coder>) bit.update(coded);
    return coded;
}

// A decision that is true as often as not.
template <class Coder>
bool code_even(Coder& coder, bool decision = false) {
    return coder.code(decision, 1u << 15);
}

}  // namespace video
