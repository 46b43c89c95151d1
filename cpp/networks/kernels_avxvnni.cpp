// Kernels for processors with AVX-VNNI: as AVX2, with products and sums in one instruction.
#include <cpuid.h>

#include "kernels_avx2.hpp"

namespace networks {
namespace {

struct Dot {
    static constexpr std::size_t kRows = 6;
    NETWORKS_INLINE static __m256i dot(__m256i sum, __m256i a, __m256i b) {
        asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
        return sum;
    }
};

bool supported() {
    __builtin_cpu_init();
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
           (eax >> 4 & 1) != 0;
}

using K = Simd<Avx2<Dot>>;

}  // namespace

extern const Kernels kAvxVnniKernels;
const Kernels kAvxVnniKernels{"avxvnni",  K::kPanel, Order::kPairs,  supported,
                              K::product, K::filter, K::gated_block, K::narrow};

}  // namespace networks
