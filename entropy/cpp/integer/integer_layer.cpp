#include "integer_layer.hpp"

#include <algorithm>
#include <stdexcept>

#include "team.hpp"

namespace integer {

#ifdef INTEGER_AVX512

void linear_avx512(const Linear& layer, const std::int16_t* x, std::size_t positions,
                   std::int16_t* out);
void linear_avx512(const Linear& layer, const std::int16_t* x, std::size_t positions, float* out);
void depthwise_avx512(const Depthwise& layer, const std::int16_t* x, std::size_t height,
                      std::size_t width, std::int16_t* out, std::size_t first, std::size_t last);

bool supported() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

namespace {

constexpr std::size_t kLeastProducts = std::size_t{1} << 19;  // some 10 us: not worth less
constexpr std::size_t kPiecesEach = 2;  // a thread that another process holds up does one of them

void require_support() {
    if (!supported()) throw std::logic_error("not on this processor");
}

// work(first, last) for parts of `count` places of so many products each, on the team.
template <typename Work>
void share(threads::Team& team, std::size_t count, std::size_t products, Work&& work) {
    const std::size_t most = std::max<std::size_t>(1, count * products / kLeastProducts);
    const std::size_t pieces = std::min({count, most, kPiecesEach * team.threads()});
    team.share(count, pieces, work);
}

template <typename T>
void linear_shared(const Linear& layer, const std::int16_t* x, std::size_t positions, T* out,
                   threads::Team& team) {
    require_support();
    const std::size_t strips = (positions + kStrip - 1) / kStrip;
    share(team, strips, kStrip * layer.inputs * layer.outputs,
          [&](std::size_t first, std::size_t last) {
              const std::size_t start = first * kStrip;
              const std::size_t end = std::min(last * kStrip, positions);
              linear_avx512(layer, x + start * layer.inputs, end - start,
                            out + start * layer.outputs);
          });
}

}  // namespace

void linear(const Linear& layer, const std::int16_t* x, std::size_t positions, std::int16_t* out,
            threads::Team& team) {
    linear_shared(layer, x, positions, out, team);
}

void linear(const Linear& layer, const std::int16_t* x, std::size_t positions, float* out,
            threads::Team& team) {
    linear_shared(layer, x, positions, out, team);
}

void depthwise(const Depthwise& layer, const std::int16_t* x, std::size_t height, std::size_t width,
               std::int16_t* out, threads::Team& team) {
    require_support();
    share(team, height, 9 * width * layer.channels, [&](std::size_t first, std::size_t last) {
        depthwise_avx512(layer, x, height, width, out, first, last);
    });
}

#else

bool supported() { return false; }

void linear(const Linear&, const std::int16_t*, std::size_t, std::int16_t*, threads::Team&) {
    throw std::logic_error("not in this build");
}

void linear(const Linear&, const std::int16_t*, std::size_t, float*, threads::Team&) {
    throw std::logic_error("not in this build");
}

void depthwise(const Depthwise&, const std::int16_t*, std::size_t, std::size_t, std::int16_t*,
               threads::Team&) {
    throw std::logic_error("not in this build");
}

#endif

}  // namespace integer
