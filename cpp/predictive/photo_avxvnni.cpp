// Kernels of coder P for processors with AVX-VNNI: as AVX2, with products and sums in one instruction.
#include <cpuid.h>

#include "photo_avx2.hpp"

namespace predictive {
namespace {

struct Dot {
    PREDICTIVE_INLINE static Int8 dot(Int8 sum, Int8 a, Int8 b) {
        asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
        return sum;
    }
    PREDICTIVE_INLINE static Int8 dot4(Int8 sum, Int8 a, Int8 b) {
        asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
        return sum;
    }
};

bool supported() {
    __builtin_cpu_init();
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
           (eax >> 4 & 1) != 0;
}

using K = Photo<Avx2<Dot>>;

}  // namespace

extern const PhotoKernels kPhotoAvxVnni;
const PhotoKernels kPhotoAvxVnni{"avxvnni", supported,
                                 {K::predict<0>, K::predict<1>, K::predict<2>},
                                 K::decode, K::encode, K::commit,
                                 {K::inputs<0>, K::inputs<1>, K::inputs<2>},
                                 K::products};

}  // namespace predictive
