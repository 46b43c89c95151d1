#include "integer_layer.hpp"

#include <stdexcept>

namespace integer {

#ifdef INTEGER_AVX512

void linear_avx512(const Linear& layer, const std::int16_t* x, std::size_t positions,
                   std::int16_t* out);
void linear_avx512(const Linear& layer, const std::int16_t* x, std::size_t positions, float* out);
void depthwise_avx512(const Depthwise& layer, const std::int16_t* x, std::size_t height,
                      std::size_t width, std::int16_t* out);

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

namespace {

void require_support() {
    if (!supported()) throw std::logic_error("not on this processor");
}

}  // namespace

void linear(const Linear& layer, const std::int16_t* x, std::size_t positions, std::int16_t* out) {
    require_support();
    linear_avx512(layer, x, positions, out);
}

void linear(const Linear& layer, const std::int16_t* x, std::size_t positions, float* out) {
    require_support();
    linear_avx512(layer, x, positions, out);
}

void depthwise(const Depthwise& layer, const std::int16_t* x, std::size_t height, std::size_t width,
               std::int16_t* out) {
    require_support();
    depthwise_avx512(layer, x, height, width, out);
}

#else

bool supported() { return false; }

void linear(const Linear&, const std::int16_t*, std::size_t, std::int16_t*) {
    throw std::logic_error("not in this build");
}

void linear(const Linear&, const std::int16_t*, std::size_t, float*) {
    throw std::logic_error("not in this build");
}

void depthwise(const Depthwise&, const std::int16_t*, std::size_t, std::size_t, std::int16_t*) {
    throw std::logic_error("not in this build");
}

#endif

}  // namespace integer
