#include "trellis.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "cdf.hpp"
#include "rans.hpp"
#include "trellis_walk.hpp"

namespace rans {

#ifdef RANS_X86
extern const Walk kWalkAvx2, kWalkAvx512, kWalkAvx2Few, kWalkAvx512Few;
#endif

namespace {

// The fastest that this processor has; all take the same ways.
template <unsigned kStates>
Walk walk_of_processor() {
#ifdef RANS_X86
    constexpr bool many = kStates == kManyStates;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        return many ? kWalkAvx512 : kWalkAvx512Few;
    }
    if (__builtin_cpu_supports("avx2")) return many ? kWalkAvx2 : kWalkAvx2Few;
#endif
    return {4, walk<kStates, 4>, rate};
}

constexpr std::size_t kStretch = 64;  // symbols of a chain whose prices are kept at a time

// The chains of one segment on their way.
template <unsigned kStates>
class Chains {
public:
    explicit Chains(std::size_t steps)
        : costs_(kChains * (kStates + 1) / kAligned + kChains), taken_(steps * kTaken) {
        for (unsigned chain = 0; chain < kChains; ++chain) {
            for (unsigned state = 1; state < kStates; ++state) cost(chain, state) = kFar;
        }
    }

    void go(std::size_t start, const Prices* prices, std::size_t steps) {
        for (unsigned first = 0; first < kChains; first += walk_.group) {
            walk_.go(&cost(first, 0), prices, steps, first, &taken_[start * kTaken]);
        }
    }

    void rate(const Rates& rates, const std::int32_t* residuals, const std::int32_t* indexes,
              Prices& prices, Magnitudes& magnitudes) const {
        walk_.rate(rates, residuals, indexes, prices, magnitudes);
    }

    unsigned cheapest(unsigned chain) {
        unsigned best = 0;
        for (unsigned state = 1; state < kStates; ++state) {
            if (cost(chain, state) < cost(chain, best)) best = state;
        }
        return best;
    }

    // The edge that chain took into `state` by its symbol n.
    unsigned edge(std::size_t n, unsigned chain, unsigned state) const {
        return taken_[n * kTaken + state / 8 * kChains + chain] >> state % 8 & 1u;
    }

private:
    static constexpr std::size_t kTaken = kStates / 8 * kChains;  // bytes for a symbol of each chain
    static constexpr std::size_t kAligned = 64 / sizeof(Cost);
    struct alignas(64) Line {
        Cost costs[kAligned];
    };

    Cost& cost(unsigned chain, unsigned state) {
        const unsigned group = chain / walk_.group;
        const std::size_t row = std::size_t{group} * (kStates + 1) + state;
        const std::size_t at = row * walk_.group + chain % walk_.group;
        return costs_[at / kAligned].costs[at % kAligned];
    }

    Walk walk_ = walk_of_processor<kStates>();
    std::vector<Line> costs_;
    std::vector<std::uint8_t> taken_;
};

template <unsigned kStates>
void search(std::span<const std::int32_t> residuals, std::span<const std::uint8_t> indexes,
            const std::vector<std::size_t>& coded, const TrellisCosts& costs,
            std::span<std::int16_t> symbols, std::span<std::uint8_t> sets) {
    static constexpr Trellis<kStates> trellis;
    const std::size_t whole = coded.size() / kChains;  // symbols that every chain has
    const auto longer = static_cast<unsigned>(coded.size() % kChains);  // chains with one more
    const std::size_t steps = whole + (longer > 0 ? 1 : 0);
    const Rates rates{costs.costs.data(), static_cast<std::int32_t>(costs.tables),
                      static_cast<std::int32_t>(costs.magnitudes),
                      static_cast<std::int32_t>(costs.step << (kUnitBits - kStepBits)),
                      static_cast<std::int32_t>(costs.weight)};
    const auto magnitudes = std::make_unique_for_overwrite<Magnitudes[]>(steps);
    Chains<kStates> chains(steps);
    const auto prices = std::make_unique<Prices[]>(kStretch);
    const auto rate = [&](std::size_t n, unsigned count, Prices& row) {
        std::int32_t residual[kChains] = {}, index[kChains] = {};
        for (unsigned chain = 0; chain < count; ++chain) {
            const std::size_t i = coded[n * kChains + chain];
            residual[chain] = residuals[i];
            index[chain] = indexes[i];
        }
        chains.rate(rates, residual, index, row, magnitudes[n]);
    };
    for (std::size_t start = 0; start < whole; start += kStretch) {
        const std::size_t count = std::min(kStretch, whole - start);
        for (std::size_t n = 0; n < count; ++n) rate(start + n, kChains, prices[n]);
        chains.go(start, prices.get(), count);
    }
    std::array<unsigned, kChains> states;  // of every chain, at its end and then back to its start
    for (unsigned chain = 0; chain < kChains; ++chain) states[chain] = chains.cheapest(chain);
    if (longer > 0) {
        rate(whole, longer, prices[0]);
        chains.go(whole, prices.get(), 1);
        for (unsigned chain = 0; chain < longer; ++chain) states[chain] = chains.cheapest(chain);
    }
    for (std::size_t n = steps; n-- > 0;) {  // all chains back together, through one memory
        const unsigned count = n < whole ? kChains : longer;
        for (unsigned chain = 0; chain < count; ++chain) {
            const Edges& edges = trellis.edges[states[chain]];
            const unsigned edge = chains.edge(n, chain, states[chain]);
            const std::size_t i = coded[n * kChains + chain];
            const std::int16_t size = magnitudes[n][edges.choice[edge]][chain];
            symbols[i] = residuals[i] < 0 ? static_cast<std::int16_t>(-size) : size;
            states[chain] = edges.from[edge];
            sets[i] = static_cast<std::uint8_t>(trellis_set(states[chain]));
        }
    }
}

}  // namespace

TrellisPrices trellis_prices(const Tables& set, std::size_t tables) {
    // The magnitudes of a table that are symbols on both sides of zero, of all tables the most.
    const auto reach = [&](std::size_t t) {
        const EncoderTable& table = set.encoder_table(static_cast<std::uint8_t>(t));
        const std::int32_t last = table.offset + table.escape - 1;
        return std::max(0, std::min<std::int32_t>(-table.offset, last) + 1);
    };
    std::int32_t most = 1;
    for (std::size_t t = 0; t < 2 * tables; ++t) most = std::max(most, reach(t));
    TrellisPrices prices{{}, static_cast<std::size_t>(most)};
    prices.costs.reserve(2 * tables * prices.magnitudes);
    for (std::size_t t = 0; t < 2 * tables; ++t) {
        const EncoderTable& table = set.encoder_table(static_cast<std::uint8_t>(t));
        const auto cost = [&](std::int32_t symbol) {
            return std::int32_t{set.costs()[table.base + static_cast<std::uint32_t>(symbol - table.offset)]};
        };
        for (std::int32_t k = 0; k < most; ++k) {
            // A magnitude outside its table is an escape: dear, and dearer the larger it is.
            const auto escape = static_cast<std::int32_t>((kPrecisionBits << kCostBits) + (k << kCostBits));
            prices.costs.push_back(k < reach(t) ? std::max(cost(k), cost(-k)) : escape);
        }
    }
    return prices;
}

void quantise_trellis(std::span<const std::int32_t> residuals, std::span<const std::uint8_t> indexes,
                      const TrellisCosts& costs, std::span<std::int16_t> symbols,
                      std::span<std::uint8_t> sets) {
    std::vector<std::size_t> coded;
    coded.reserve(indexes.size());
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        symbols[i] = 0;
        sets[i] = 0;
        if (indexes[i] >= costs.skip_below) coded.push_back(i);
    }
    if (costs.states == kFewStates) {
        search<kFewStates>(residuals, indexes, coded, costs, symbols, sets);
    } else {
        search<kManyStates>(residuals, indexes, coded, costs, symbols, sets);
    }
}

}  // namespace rans
