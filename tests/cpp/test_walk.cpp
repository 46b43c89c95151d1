// The walks that are compiled for other processors go the ways of the plain one, at the same prices.
#include "trellis_walk.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace rans {

extern const Walk kWalkAvx2, kWalkAvx512, kWalkAvx2Few, kWalkAvx512Few;

namespace {

struct alignas(64) Line {
    Cost costs[16];
};

constexpr std::size_t kSteps = 70;

// The edges taken, and after them the cost of every state by chain.
template <unsigned kStates>
std::vector<std::int32_t> go(const Walk& walk, const std::vector<Cost>& prices) {
    constexpr std::size_t kTaken = kStates / 8 * kChains;
    const auto* const rows = reinterpret_cast<const Prices*>(prices.data());
    std::vector<std::uint8_t> taken(kSteps * kTaken);
    std::vector<std::int32_t> costs(kStates * kChains);
    for (unsigned first = 0; first < kChains; first += walk.group) {
        std::vector<Line> front((kStates + 1) * walk.group / 16 + 1);
        Cost* const at = front[0].costs;
        for (unsigned i = walk.group; i < kStates * walk.group; ++i) at[i] = 1 << 30;
        walk.go(at, rows, kSteps / 2, first, taken.data());
        walk.go(at, rows + kSteps / 2, kSteps - kSteps / 2, first, &taken[kSteps / 2 * kTaken]);
        for (unsigned state = 0; state < kStates; ++state) {
            for (unsigned c = 0; c < walk.group; ++c) {
                costs[state * kChains + first + c] = at[state * walk.group + c];
            }
        }
    }
    std::vector<std::int32_t> all(taken.begin(), taken.end());
    all.insert(all.end(), costs.begin(), costs.end());
    return all;
}

// Prices and magnitudes of random residuals, small and far beyond the tables.
std::vector<std::int32_t> rates(const Walk& walk) {
    std::mt19937 random(7);
    std::vector<std::int32_t> costs(2 * 5 * 9), all;
    for (std::int32_t& cost : costs) cost = static_cast<std::int32_t>(random() % 40000);
    const Rates known{costs.data(), 5, 9, 160, 8};
    for (int n = 0; n < 400; ++n) {
        std::int32_t residuals[kChains], indexes[kChains];
        Prices prices;
        Magnitudes magnitudes;
        for (unsigned c = 0; c < kChains; ++c) {
            residuals[c] = static_cast<std::int32_t>(random()) >> (n % 32);
            indexes[c] = static_cast<std::int32_t>(random() % 5);
        }
        if (n == 0) residuals[0] = INT32_MIN, residuals[1] = INT32_MAX;
        walk.rate(known, residuals, indexes, prices, magnitudes);
        for (const auto& row : prices) all.insert(all.end(), row, row + kChains);
        for (const auto& row : magnitudes) all.insert(all.end(), row, row + kChains);
    }
    return all;
}

template <unsigned kStates>
bool agree(const std::vector<Cost>& prices, const Walk& avx2, const Walk& avx512) {
    const Walk plain{4, walk<kStates, 4>, rate};
    const auto expected = go<kStates>(plain, prices);
    const auto priced = rates(plain);
    if (__builtin_cpu_supports("avx2") &&
        (go<kStates>(avx2, prices) != expected || rates(avx2) != priced)) {
        return false;
    }
    return !(__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) ||
           (go<kStates>(avx512, prices) == expected && rates(avx512) == priced);
}

int run() {
    std::mt19937 random(5);
    for (const unsigned range : {1u << 26, 3u}) {  // dear symbols, and many ties
        std::vector<Cost> prices(kSteps * kChoices * kChains);
        for (Cost& price : prices) price = static_cast<Cost>(random() % range);
        if (!agree<kManyStates>(prices, kWalkAvx2, kWalkAvx512)) return 1;
        if (!agree<kFewStates>(prices, kWalkAvx2Few, kWalkAvx512Few)) return 1;
    }
    std::puts("test_walk: ok");
    return 0;
}

}  // namespace
}  // namespace rans

int main() { return rans::run(); }
