#include <stdexcept>

#include "gated_block.hpp"
#include "linear_map.hpp"

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

void gated_block(const Trunk& trunk, const Block& block, bool bfloat16, std::size_t first,
                 std::size_t last) {
    if (!supported(bfloat16)) throw std::logic_error("not on this processor");
    gated_block_avx512(trunk, block, bfloat16, first, last);
}

template <typename In, typename Out>
void linear_map(const LinearMap& map, const Mapped<In, Out>& mapped, std::size_t first,
                std::size_t last) {
    if (!supported(false)) throw std::logic_error("not on this processor");
    linear_map_avx512(map, mapped, first, last);
}

#else

bool supported(bool) { return false; }

void gated_block(const Trunk&, const Block&, bool, std::size_t, std::size_t) {
    throw std::logic_error("not in this build");
}

template <typename In, typename Out>
void linear_map(const LinearMap&, const Mapped<In, Out>&, std::size_t, std::size_t) {
    throw std::logic_error("not in this build");
}

#endif

template void linear_map(const LinearMap& map, const Mapped<float, float>& mapped,
                         std::size_t first, std::size_t last);
template void linear_map(const LinearMap& map, const Mapped<std::uint8_t, float>& mapped,
                         std::size_t first, std::size_t last);
template void linear_map(const LinearMap& map, const Mapped<float, std::uint8_t>& mapped,
                         std::size_t first, std::size_t last);

}  // namespace transforms
