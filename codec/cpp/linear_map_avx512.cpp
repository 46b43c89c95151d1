// Compiled for processors with AVX-512 (CMakeLists.txt): includes nothing but intrinsics, so that no
// function compiled here can be linked into what runs elsewhere.
#include "linear_map.hpp"
#include "panel_avx512.hpp"

namespace transforms {
namespace {

constexpr std::size_t kStrips = 4;  // that share a panel of weights while it is in the cache
constexpr std::size_t kPositions = kStrips * kRows;
constexpr std::size_t kStride = kMaxInputs + kLanes;  // words from position to position

// `count` values of a run as floats.
void gather(const float* run, std::size_t count, float* to) {
    for (std::size_t k = 0; k < count; ++k) to[k] = run[k];
}

void gather(const std::uint8_t* run, std::size_t count, float* to) {
    for (std::size_t k = 0; k < count; ++k) to[k] = static_cast<float>(run[k]);
}

// Where a square's runs lie in a picture that is folded by `fold`.
struct Runs {
    std::size_t fold, length, row, width;

    Runs(std::size_t values, std::size_t factor, std::size_t positions)
        : fold(factor), length(values / factor), row(positions * length), width(positions) {}

    std::size_t first(std::size_t position) const {
        return position / width * fold * row + position % width * length;
    }
};

// 32 floats from the output `first` on, all of one run.
void scatter(const Runs& runs, std::size_t first, __m512 low, __m512 high, float* square) {
    float* to = square + first / runs.length * runs.row + first % runs.length;
    _mm512_storeu_ps(to, low);
    _mm512_storeu_ps(to + kLanes, high);
}

__m128i bytes(__m512 x) {
    x = _mm512_min_ps(_mm512_max_ps(x, _mm512_setzero_ps()), _mm512_set1_ps(255.0F));
    return _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x));
}

// 32 bytes, of as many runs as it takes.
void scatter(const Runs& runs, std::size_t first, __m512 low, __m512 high, std::uint8_t* square) {
    std::uint8_t values[kPanel];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values), bytes(low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + kLanes), bytes(high));
    for (std::size_t k = 0; k < kPanel;) {
        const std::size_t run = (first + k) / runs.length, start = (first + k) % runs.length;
        const std::size_t left = runs.length - start, count = left < kPanel - k ? left : kPanel - k;
        std::uint8_t* to = square + run * runs.row + start;
        for (std::size_t i = 0; i < count; ++i) to[i] = values[k + i];
        k += count;
    }
}

}  // namespace

template <typename In, typename Out>
void linear_map_avx512(const LinearMap& map, const Mapped<In, Out>& mapped, std::size_t first,
                       std::size_t last) {
    alignas(64) float inputs[kPositions * kStride];
    Out* squares[kPositions];
    const Runs from(map.inputs, map.fold, mapped.width), to(map.outputs, map.unfold, mapped.width);
    const std::size_t end = last * mapped.width;
    for (std::size_t start = first * mapped.width; start < end; start += kPositions) {
        const std::size_t count = end - start < kPositions ? end - start : kPositions;
        const std::size_t padded = (count + kRows - 1) / kRows * kRows;
        for (std::size_t n = 0; n < padded; ++n) {
            const std::size_t position = start + (n < count ? n : count - 1);
            squares[n] = mapped.out + to.first(position);
            const In* square = mapped.x + from.first(position);
            for (std::size_t i = 0; i < map.fold; ++i) {
                gather(square + i * from.row, from.length, inputs + n * kStride + i * from.length);
            }
        }
        for (std::size_t output = 0; output < map.outputs; output += kPanel) {
            const __m512 low = _mm512_loadu_ps(map.bias + output);
            const __m512 high = _mm512_loadu_ps(map.bias + output + kLanes);
            for (std::size_t strip = 0; strip < padded; strip += kRows) {
                const Sums sums =
                    panel<false, kStride>(inputs + strip * kStride, map.inputs,
                                          map.weights + output * map.inputs, low, high);
                // Positions past the last one are copies of it: they store what it stores.
#pragma GCC unroll 12
                for (std::size_t n = 0; n < kRows; ++n) {
                    scatter(to, output, sums.low[n], sums.high[n], squares[strip + n]);
                }
            }
        }
    }
}

template void linear_map_avx512(const LinearMap& map, const Mapped<float, float>& mapped,
                                std::size_t first, std::size_t last);
template void linear_map_avx512(const LinearMap& map, const Mapped<std::uint8_t, float>& mapped,
                                std::size_t first, std::size_t last);
template void linear_map_avx512(const LinearMap& map, const Mapped<float, std::uint8_t>& mapped,
                                std::size_t first, std::size_t last);

}  // namespace transforms
