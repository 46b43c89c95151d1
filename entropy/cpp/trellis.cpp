#include "trellis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "rans.hpp"

namespace rans {
namespace {

using Cost = std::int64_t;

constexpr Cost kFar = Cost{1} << 60;
constexpr int kUnitBits = 8;   // residuals count 2^-8 symbol
constexpr int kMeanBits = 5;   // steps count 2^-5
constexpr std::int64_t kMaxSymbol = 32000;
constexpr std::int64_t kMaxError = std::int64_t{1} << 24;

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

// Best symbol magnitudes of one residual by quantiser and parity.
struct Choice {
    std::array<std::array<std::int16_t, 2>, 2> magnitude;
    std::array<std::array<Cost, 2>, 2> cost;
    std::uint8_t edges;  // bit s: which edge into state s was taken
};

class Search {
public:
    explicit Search(const TrellisCosts& costs)
        : costs_(costs), step_(std::int64_t{costs.step} << (kUnitBits - kMeanBits)) {}

    // Magnitudes and costs for a residual under a table.
    void rate(float residual, std::uint8_t index, Choice& choice) const {
        const std::int64_t size = magnitude_of(residual);
        for (unsigned set = 0; set < 2; ++set) {
            const std::int32_t* const row =
                &costs_.costs[(set * costs_.tables + index) * costs_.magnitudes];
            // 32 bits hold all sizes, and divide much faster.
            const std::int64_t below = static_cast<std::uint32_t>(size + (set ? step_ : 0)) /
                                       static_cast<std::uint32_t>(2 * step_);
            choice.cost[set] = {kFar, kFar};
            choice.magnitude[set] = {0, 1};
            for (const std::int64_t k : {std::int64_t{0}, below, below + 1}) {
                const std::int64_t point = k ? (2 * k - set) * step_ : 0;
                const std::int64_t error = std::min(std::abs(size - point), kMaxError);
                const Cost cost = bits(row, k) + (error * error * costs_.weight >>
                                                  (2 * kUnitBits - kCostBits));
                if (cost < choice.cost[set][k & 1]) {
                    choice.cost[set][k & 1] = cost;
                    choice.magnitude[set][k & 1] = static_cast<std::int16_t>(k);
                }
            }
        }
    }

private:
    std::int64_t magnitude_of(float residual) const {
        const float size = std::nearbyint(std::fabs(residual) * (1 << kUnitBits));
        const auto limit = static_cast<float>((2 * kMaxSymbol - 2) * step_);
        return size < limit ? static_cast<std::int64_t>(size)
                            : static_cast<std::int64_t>(limit);  // so is what is not a number
    }

    // Beyond the row every further magnitude costs a bit: an escape, only to be put in order.
    Cost bits(const std::int32_t* row, std::int64_t k) const {
        const auto last = static_cast<std::int64_t>(costs_.magnitudes) - 1;
        return k <= last ? Cost{row[k]} : Cost{row[last]} + ((k - last) << kCostBits);
    }

    const TrellisCosts& costs_;
    std::int64_t step_;
};

// The cheapest way through the choices of one chain: edges forward, then the last state.
std::uint8_t walk(std::span<Choice> choices) {
    std::array<Cost, kTrellisStates> best;
    best.fill(kFar);
    best[0] = 0;
    for (Choice& choice : choices) {
        std::array<Cost, kTrellisStates> next;
        choice.edges = 0;
        for (unsigned state = 0; state < kTrellisStates; ++state) {
            const auto [a, b] = kEdges[state];
            const Cost first = best[a.from] + choice.cost[trellis_set(a.from)][a.parity];
            const Cost second = best[b.from] + choice.cost[trellis_set(b.from)][b.parity];
            next[state] = std::min(first, second);
            choice.edges |= static_cast<std::uint8_t>((second < first ? 1u : 0u) << state);
        }
        const Cost least = *std::min_element(next.begin(), next.end());
        for (unsigned state = 0; state < kTrellisStates; ++state) {
            best[state] = std::min(next[state] - least, kFar);
        }
    }
    return static_cast<std::uint8_t>(std::min_element(best.begin(), best.end()) - best.begin());
}

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
    const Search search(costs);
    std::vector<Choice> choices(coded.size() / kChains + 1);
    for (std::size_t chain = 0; chain < std::min<std::size_t>(kChains, coded.size()); ++chain) {
        const std::size_t length = (coded.size() - chain - 1) / kChains + 1;
        for (std::size_t n = 0; n < length; ++n) {
            const std::size_t i = coded[chain + n * kChains];
            search.rate(residuals[i], indexes[i], choices[n]);
        }
        std::uint8_t state = walk({choices.data(), length});
        for (std::size_t n = length; n-- > 0;) {
            const Choice& choice = choices[n];
            const Edge edge = kEdges[state][choice.edges >> state & 1];
            const unsigned set = trellis_set(edge.from);
            const std::size_t i = coded[chain + n * kChains];
            const std::int16_t size = choice.magnitude[set][edge.parity];
            symbols[i] = std::signbit(residuals[i]) ? static_cast<std::int16_t>(-size) : size;
            sets[i] = static_cast<std::uint8_t>(set);
            state = edge.from;
        }
    }
}

}  // namespace rans
