#include "trellis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "rans.hpp"

namespace rans {
namespace {

using Cost = std::int32_t;

// All fits 32 bits: an error of 16 symbols costs at most 2^25, a symbol's bits at most 2^27.
constexpr Cost kFar = Cost{1} << 29;
constexpr unsigned kUnitBits = 8;  // residuals count 2^-8 symbol
constexpr unsigned kStepBits = 5;  // steps count 2^-5
constexpr std::int32_t kMaxSymbol = 32000;
constexpr std::int32_t kMaxError = 1 << 12;

// The two states that lead to a state, and the parities of the symbols that do.
struct Edge {
    std::uint8_t from, parity;
};

constexpr std::array<std::array<Edge, 2>, kTrellisStates> edges_into() {
    std::array<std::array<Edge, 2>, kTrellisStates> edges{};
    std::array<unsigned, kTrellisStates> count{};
    for (std::uint8_t state = 0; state < kTrellisStates; ++state) {
        for (std::uint8_t parity = 0; parity < 2; ++parity) {
            const std::uint8_t next = kTrellisNext[state][parity];
            edges[next][count[next]++] = {state, parity};
        }
    }
    return edges;
}

constexpr auto kEdges = edges_into();

// One symbol of every chain: what is best for either quantiser and parity. Chains lie side by side,
// so that one instruction works on several of them.
template <typename T>
using PerChoice = std::array<std::array<std::array<T, kChains>, 2>, 2>;

struct Moment {
    PerChoice<std::int16_t> magnitude;      // [quantiser][parity][chain]
    std::array<std::uint8_t, kChains> edges;  // bit s: which edge into state s was taken
};

class Search {
public:
    explicit Search(const TrellisCosts& costs)
        : costs_(costs), step_(static_cast<std::int32_t>(costs.step << (kUnitBits - kStepBits))) {
        for (auto& row : best_) row.fill(kFar);
        best_[0].fill(0);
    }

    // Magnitudes and their costs for the residual of one chain.
    void rate(float residual, std::uint8_t index, unsigned chain, Moment& moment) {
        const std::int32_t size = magnitude_of(residual);
        for (unsigned set = 0; set < 2; ++set) {
            const std::int32_t* const row =
                &costs_.costs[(set * costs_.tables + index) * costs_.magnitudes];
            const auto below = static_cast<std::int32_t>(
                static_cast<std::uint32_t>(size + (set ? step_ : 0)) /
                static_cast<std::uint32_t>(2 * step_));
            const unsigned odd = below & 1;
            std::array<Cost, 2> cost;
            std::array<std::int32_t, 2> magnitude;
            magnitude[odd] = below;
            magnitude[odd ^ 1] = below + 1;
            cost[odd] = cost_of(row, set, below, size);
            cost[odd ^ 1] = cost_of(row, set, below + 1, size);
            const Cost zero = cost_of(row, set, 0, size);
            if (zero <= cost[0]) {
                cost[0] = zero;
                magnitude[0] = 0;
            }
            for (unsigned parity = 0; parity < 2; ++parity) {
                cost_[set][parity][chain] = cost[parity];
                moment.magnitude[set][parity][chain] =
                    static_cast<std::int16_t>(magnitude[parity]);
            }
        }
    }

    // Takes the first `count` chains one symbol further.
    void advance(unsigned count, Moment& moment) {
        if (count == kChains) {
            walk(kChains, moment);  // a constant: loops of a known length
        } else {
            walk(count, moment);
        }
    }

    std::uint8_t last_state(unsigned chain) const {
        std::uint8_t state = 0;
        for (std::uint8_t s = 1; s < kTrellisStates; ++s) {
            if (best_[s][chain] < best_[state][chain]) state = s;
        }
        return state;
    }

private:
    [[gnu::always_inline]] inline void walk(unsigned count, Moment& moment) {
        std::array<std::array<Cost, kChains>, kTrellisStates> next;
        std::array<Cost, kChains> least;
        std::array<Cost, kChains> edges{};
        least.fill(kFar);
        for (unsigned state = 0; state < kTrellisStates; ++state) {
            const auto [a, b] = kEdges[state];
            const auto& from_a = best_[a.from];
            const auto& from_b = best_[b.from];
            const auto& by_a = cost_[trellis_set(a.from)][a.parity];
            const auto& by_b = cost_[trellis_set(b.from)][b.parity];
            for (unsigned c = 0; c < count; ++c) {
                const Cost first = from_a[c] + by_a[c], second = from_b[c] + by_b[c];
                edges[c] |= (second < first ? 1 : 0) << state;
                next[state][c] = std::min(first, second);
                least[c] = std::min(least[c], next[state][c]);
            }
        }
        for (unsigned state = 0; state < kTrellisStates; ++state) {
            for (unsigned c = 0; c < count; ++c) {
                best_[state][c] = std::min(next[state][c] - least[c], kFar);
            }
        }
        for (unsigned c = 0; c < count; ++c) {
            moment.edges[c] = static_cast<std::uint8_t>(edges[c]);
        }
    }

    Cost cost_of(const std::int32_t* row, unsigned set, std::int32_t k, std::int32_t size) const {
        const std::int32_t point = k ? (2 * k - static_cast<std::int32_t>(set)) * step_ : 0;
        const std::int32_t error = std::min(std::abs(size - point), kMaxError);
        return bits(row, k) + (error * error * static_cast<std::int32_t>(costs_.weight) >>
                               (2 * kUnitBits - kCostBits));
    }

    std::int32_t magnitude_of(float residual) const {
        const float size = std::fabs(residual) * (1 << kUnitBits) + 0.5f;
        const auto limit = static_cast<float>((2 * kMaxSymbol - 2) * step_);
        return static_cast<std::int32_t>(size < limit ? size : limit);  // so is what is no number
    }

    // Beyond the row every further magnitude costs a bit: an escape, only to be put in order.
    Cost bits(const std::int32_t* row, std::int32_t k) const {
        const auto last = static_cast<std::int32_t>(costs_.magnitudes) - 1;
        return k <= last ? row[k] : row[last] + ((k - last) << kCostBits);
    }

    const TrellisCosts& costs_;
    std::int32_t step_;
    PerChoice<Cost> cost_{};
    std::array<std::array<Cost, kChains>, kTrellisStates> best_;
};

}  // namespace

void quantise_trellis(std::span<const float> residuals, std::span<const std::uint8_t> indexes,
                      const TrellisCosts& costs, std::span<std::int16_t> symbols,
                      std::span<std::uint8_t> sets) {
    std::vector<std::size_t> coded;
    coded.reserve(indexes.size());
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        symbols[i] = 0;
        sets[i] = 0;
        if (indexes[i] >= costs.skip_below) coded.push_back(i);
    }
    Search search(costs);
    std::vector<Moment> moments((coded.size() + kChains - 1) / kChains);
    for (std::size_t n = 0; n < moments.size(); ++n) {
        const auto count =
            static_cast<unsigned>(std::min<std::size_t>(kChains, coded.size() - n * kChains));
        for (unsigned chain = 0; chain < count; ++chain) {
            const std::size_t i = coded[n * kChains + chain];
            search.rate(residuals[i], indexes[i], chain, moments[n]);
        }
        search.advance(count, moments[n]);
    }
    for (unsigned chain = 0; chain < std::min<std::size_t>(kChains, coded.size()); ++chain) {
        std::uint8_t state = search.last_state(chain);
        for (std::size_t n = (coded.size() - chain - 1) / kChains + 1; n-- > 0;) {
            const Moment& moment = moments[n];
            const Edge edge = kEdges[state][moment.edges[chain] >> state & 1];
            const unsigned set = trellis_set(edge.from);
            const std::size_t i = coded[n * kChains + chain];
            const std::int16_t size = moment.magnitude[set][edge.parity][chain];
            symbols[i] = std::signbit(residuals[i]) ? static_cast<std::int16_t>(-size) : size;
            sets[i] = static_cast<std::uint8_t>(set);
            state = edge.from;
        }
    }
}

}  // namespace rans
