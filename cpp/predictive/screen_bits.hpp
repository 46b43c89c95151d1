// Adaptive probabilities of decisions and their mixture (entropy/SCREEN.md, Probabilities).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace predictive {

inline constexpr std::uint32_t kMemory = 60;  // decisions that an estimate looks back

// kRates[n]: 2^16 / (n + 3/2), the step of an estimate that has seen n decisions.
inline constexpr auto kRates = [] {
    std::array<std::int32_t, kMemory + 1> rates{};
    for (std::int32_t n = 0; auto& rate : rates) rate = 131072 / (2 * n++ + 3);
    return rates;
}();

// How often a decision was true: 22 bits of probability, 10 bits of how many it has seen.
struct AdaptiveBit {
    std::uint32_t state = 1u << 31;

    std::uint32_t p() const { return state >> 16; }  // in units of 2^-16
    std::uint32_t count() const { return state & 1023; }

    void update(bool decision) {
        const std::uint32_t seen = count();
        const auto now = static_cast<std::int32_t>(state >> 10);
        const std::int64_t way = (decision ? (1 << 22) - 1 : 0) - now;
        const std::int32_t next = now + static_cast<std::int32_t>(way * kRates[seen] >> 16);
        state = static_cast<std::uint32_t>(next) << 10 | std::min(seen + 1, kMemory);
    }
};

template <class Coder>
bool code_bit(Coder& coder, AdaptiveBit& bit, bool decision) {
    const bool coded = coder.code(decision, bit.p());
    bit.update(coded);
    return coded;
}

// Codes `width` bits of a number, the highest first, each with a probability of its own for what is
// above it; `nodes` has 2^width of them.
template <class Coder>
std::uint32_t code_tree(Coder& coder, AdaptiveBit* nodes, unsigned width, std::uint32_t number) {
    std::uint32_t node = 1;
    for (unsigned n = width; n-- > 0;) {
        node = node << 1 | static_cast<std::uint32_t>(code_bit(coder, nodes[node], number >> n & 1));
    }
    return node - (1u << width);
}

// squash(s) is 2^16 / (1 + exp(-s / 256)); stretch is its inverse, up to kMostStretch.
class Logistic {
public:
    static constexpr int kEnd = 2815, kMostStretch = 2047;

    constexpr Logistic() {
        constexpr std::uint64_t kOne = std::uint64_t{1} << 32, kStep = 4278222805;  // exp(-1 / 256) 2^32
        std::uint64_t power = kOne;  // exp(-n / 256) 2^32
        for (int n = 0; n <= kEnd; ++n) {
            const std::uint64_t low = (power << 16) / (kOne + power);
            squash_[static_cast<std::size_t>(kEnd - n)] = static_cast<std::uint16_t>(low);
            squash_[static_cast<std::size_t>(kEnd + n)] = static_cast<std::uint16_t>(65535 - low);
            power = power * kStep >> 32;
        }
        int s = -kEnd;
        for (std::uint32_t n = 0; n < stretch_.size(); ++n) {
            while (squash(s) < 16 * n + 8) ++s;
            stretch_[n] = static_cast<std::int16_t>(std::clamp(s, -kMostStretch, kMostStretch));
        }
    }

    constexpr std::uint32_t squash(int s) const {
        return squash_[static_cast<std::size_t>(std::clamp(s, -kEnd, kEnd) + kEnd)];
    }
    int stretch(std::uint32_t p) const { return stretch_[p >> 4]; }

private:
    std::array<std::uint16_t, 2 * kEnd + 1> squash_{};
    std::array<std::int16_t, 4096> stretch_{};
};

extern const Logistic kLogistic;

inline constexpr std::size_t kEstimates = 4;
using Estimates = std::array<AdaptiveBit*, kEstimates>;

// Weights of the estimates of one kind of decision, in units of 2^-16.
struct Mixer {
    static constexpr int kFirst = 23405, kRate = 24;
    std::array<std::int32_t, kEstimates> weights{kFirst, kFirst, kFirst, kFirst};
};

// Codes a decision with the mixture of its estimates; all of them learn from it.
template <class Coder>
bool code_mixed(Coder& coder, Mixer& mixer, const Estimates& bits, bool decision) {
    std::array<int, kEstimates> inputs{};
    std::int64_t sum = 0;
    for (std::size_t n = 0; n < kEstimates; ++n) {
        inputs[n] = kLogistic.stretch(bits[n]->p());
        sum += std::int64_t{mixer.weights[n]} * inputs[n];
    }
    const std::uint32_t p = kLogistic.squash(static_cast<int>(sum >> 16));
    const bool coded = coder.code(decision, p);
    const int error = (((coded ? 65535 : 0) - static_cast<int>(p)) * Mixer::kRate) >> 4;
    for (std::size_t n = 0; n < kEstimates; ++n) {
        mixer.weights[n] += (inputs[n] * error + (1 << 15)) >> 16;
        bits[n]->update(coded);
    }
    return coded;
}

}  // namespace predictive
