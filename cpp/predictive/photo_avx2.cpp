// Kernels of coder P for processors with AVX2; see photo_lanes.hpp.
#include "photo_avx2.hpp"

namespace predictive {
namespace {

struct Dot {
    PREDICTIVE_INLINE static Int8 dot(Int8 sum, Int8 a, Int8 b) {
        return sum + reinterpret_cast<Int8>(
                         _mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
    }
    // No two products exceed 16 bits: weights are bounded so (entropy/PREDICTIVE.md).
    PREDICTIVE_INLINE static Int8 dot4(Int8 sum, Int8 a, Int8 b) {
        const __m256i two = _mm256_maddubs_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b));
        return sum + reinterpret_cast<Int8>(_mm256_madd_epi16(two, _mm256_set1_epi16(1)));
    }
};

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2");
}

using K = Photo<Avx2<Dot>>;

}  // namespace

extern const PhotoKernels kPhotoAvx2;
const PhotoKernels kPhotoAvx2{"avx2", supported,
                              {K::predict<0>, K::predict<1>, K::predict<2>},
                              K::decode, K::encode, K::commit,
                              {K::inputs<0>, K::inputs<1>, K::inputs<2>},
                              K::products};

}  // namespace predictive
