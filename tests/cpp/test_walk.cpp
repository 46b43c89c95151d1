// The walks that are compiled for other processors go the ways of the plain one.
#include "trellis_walk.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

namespace rans {

extern const Walk kWalkAvx2, kWalkAvx512;

namespace {

struct alignas(64) Line {
    Cost costs[16];
};

constexpr std::size_t kSteps = 70, kTaken = kManyStates / 8 * kChains;

// The edges taken, and after them the cost of every state by chain.
std::vector<std::int32_t> go(const Walk& walk, const std::vector<Cost>& prices) {
    const auto* const rows = reinterpret_cast<const Prices*>(prices.data());
    std::vector<std::uint8_t> taken(kSteps * kTaken);
    std::vector<std::int32_t> costs(kManyStates * kChains);
    for (unsigned first = 0; first < kChains; first += walk.group) {
        std::vector<Line> front((kManyStates + 1) * walk.group / 16 + 1);
        Cost* const at = front[0].costs;
        for (unsigned i = walk.group; i < kManyStates * walk.group; ++i) at[i] = 1 << 30;
        walk.go(at, rows, kSteps / 2, first, taken.data());
        walk.go(at, rows + kSteps / 2, kSteps - kSteps / 2, first, &taken[kSteps / 2 * kTaken]);
        for (unsigned state = 0; state < kManyStates; ++state) {
            for (unsigned c = 0; c < walk.group; ++c) {
                costs[state * kChains + first + c] = at[state * walk.group + c];
            }
        }
    }
    std::vector<std::int32_t> all(taken.begin(), taken.end());
    all.insert(all.end(), costs.begin(), costs.end());
    return all;
}

int run() {
    std::mt19937 random(5);
    for (const unsigned range : {1u << 26, 3u}) {  // dear symbols, and many ties
        std::vector<Cost> prices(kSteps * kChoices * kChains);
        for (Cost& price : prices) price = static_cast<Cost>(random() % range);
        const auto expected = go({4, walk<kManyStates, 4>}, prices);
        if (__builtin_cpu_supports("avx2") && go(kWalkAvx2, prices) != expected) return 1;
        if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
            go(kWalkAvx512, prices) != expected) {
            return 1;
        }
    }
    std::puts("test_walk: ok");
    return 0;
}

}  // namespace
}  // namespace rans

int main() { return rans::run(); }
