// Kernels for processors with AVX2.
#include "kernels_avx2.hpp"

namespace networks {
namespace {

struct Dot {
    static constexpr std::size_t kRows = 4;
    NETWORKS_INLINE static __m256i dot(__m256i sum, __m256i a, __m256i b) {
        return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
    }
};

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

using K = Simd<Avx2<Dot>>;

}  // namespace

extern const Kernels kAvx2Kernels;
const Kernels kAvx2Kernels{"avx2",     K::kPanel, Order::kPairs,  supported,
                           K::product, K::filter, K::gated_block, K::narrow};

}  // namespace networks
