#include <algorithm>
#include <stdexcept>

#include "gated_block.hpp"
#include "linear_map.hpp"
#include "team.hpp"

namespace transforms {

#ifdef TRANSFORMS_AVX512

void gated_block_avx512(const Trunk& trunk, const Block& block, bool bfloat16, std::size_t first,
                        std::size_t last);
template <typename In, typename Out>
void linear_map_avx512(const LinearMap& map, const Mapped<In, Out>& mapped, std::size_t first,
                       std::size_t last);

bool supported(bool bfloat16) {
    __builtin_cpu_init();
    const bool base = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return base && (!bfloat16 || __builtin_cpu_supports("avx512bf16"));
}

namespace {

constexpr std::size_t kPiecesEach = 3;  // what a thread loses to another process, the others make up

// work(first, last) for bands of rows, on the team.
template <typename Work>
void in_bands(threads::Team& team, std::size_t rows, bool bfloat16, Work&& work) {
    if (!supported(bfloat16)) throw std::logic_error("not on this processor");
    team.share(rows, std::min(rows, kPiecesEach * team.threads()), work);
}

}  // namespace

void gated_block(const Trunk& trunk, const Block& block, bool bfloat16, threads::Team& team) {
    in_bands(team, trunk.height, bfloat16, [&](std::size_t first, std::size_t last) {
        gated_block_avx512(trunk, block, bfloat16, first * trunk.width, last * trunk.width);
    });
}

template <typename In, typename Out>
void linear_map(const LinearMap& map, const Mapped<In, Out>& mapped, threads::Team& team) {
    in_bands(team, mapped.height, false, [&](std::size_t first, std::size_t last) {
        linear_map_avx512(map, mapped, first, last);
    });
}

#else

bool supported(bool) { return false; }

void gated_block(const Trunk&, const Block&, bool, threads::Team&) {
    throw std::logic_error("not in this build");
}

template <typename In, typename Out>
void linear_map(const LinearMap&, const Mapped<In, Out>&, threads::Team&) {
    throw std::logic_error("not in this build");
}

#endif

template void linear_map(const LinearMap& map, const Mapped<float, float>& mapped,
                         threads::Team& team);
template void linear_map(const LinearMap& map, const Mapped<std::uint8_t, float>& mapped,
                         threads::Team& team);
template void linear_map(const LinearMap& map, const Mapped<float, std::uint8_t>& mapped,
                         threads::Team& team);

}  // namespace transforms
