#include "transform.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "targets.hpp"

namespace video {

namespace {

// 256 sqrt(2) cos(pi j / 64), rounded.
constexpr std::int16_t kCosines[33] = {362, 362, 360, 358, 355, 351, 346, 341, 334, 327, 319,
                                       311, 301, 291, 280, 268, 256, 243, 230, 216, 201, 186,
                                       171, 155, 139, 122, 105, 88,  71,  53,  35,  18,  0};

// 256 sqrt(2) cos(pi j / 64) for any j.
constexpr std::int16_t cosine(int j) {
    j %= 128;
    if (j > 64) j = 128 - j;
    return j <= 32 ? kCosines[j] : static_cast<std::int16_t>(-kCosines[64 - j]);
}

// Row k, frequency k: position n. Rows have norm 256 sqrt(N).
template <int N>
constexpr auto kMatrix = [] {
    std::array<std::array<std::int16_t, N>, N> matrix{};
    for (int k = 0; k < N; ++k) {
        for (int n = 0; n < N; ++n) {
            matrix[static_cast<std::size_t>(k)][static_cast<std::size_t>(n)] =
                k == 0 ? std::int16_t{256} : cosine((2 * n + 1) * k * (32 / N));
        }
    }
    return matrix;
}();

VIDEO_INLINE std::int16_t saturated(std::int32_t value) {
    return static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
}

constexpr int kFirstShift = 9;

template <int N>
VIDEO_INLINE void inverse_of(const Coefficient* in, int columns, int rows, std::int16_t* out) {
    constexpr int kLog = N == 4 ? 2 : N == 8 ? 3 : N == 16 ? 4 : 5;
    constexpr int kSecond = 16 + kLog - kFirstShift;
    // Frequencies of columns to rows of samples: middle[y][u].
    std::int16_t middle[N][N];
    for (int y = 0; y < N; ++y) {
        std::int32_t sums[N] = {};
        for (int k = 0; k < rows; ++k) {
            const std::int32_t c = kMatrix<N>[static_cast<std::size_t>(k)][static_cast<std::size_t>(y)];
            for (int u = 0; u < N; ++u) sums[u] += c * in[k * N + u];
        }
        for (int u = 0; u < N; ++u) middle[y][u] = saturated((sums[u] + (1 << (kFirstShift - 1))) >> kFirstShift);
    }
    for (int y = 0; y < N; ++y) {
        std::int32_t sums[N] = {};
        for (int u = 0; u < columns; ++u) {
            const std::int32_t c = middle[y][u];
            for (int x = 0; x < N; ++x) sums[x] += c * kMatrix<N>[static_cast<std::size_t>(u)][static_cast<std::size_t>(x)];
        }
        for (int x = 0; x < N; ++x) out[y * N + x] = saturated((sums[x] + (1 << (kSecond - 1))) >> kSecond);
    }
}

// The matrix with positions as rows: kTurned[n][k].
template <int N>
constexpr auto kTurned = [] {
    std::array<std::array<std::int16_t, N>, N> turned{};
    for (std::size_t k = 0; k < N; ++k) {
        for (std::size_t n = 0; n < N; ++n) turned[n][k] = kMatrix<N>[k][n];
    }
    return turned;
}();

template <int N>
VIDEO_INLINE void forward_of(const std::int16_t* in, int stride, std::int32_t* out) {
    constexpr int kLog = N == 4 ? 2 : N == 8 ? 3 : N == 16 ? 4 : 5;
    constexpr int kFirst = kLog + 3, kSecond = 16 + kLog - kFirst - kFineBits;
    std::int32_t middle[N][N];  // [y][u]
    for (int y = 0; y < N; ++y) {
        std::int32_t sums[N] = {};
        for (int x = 0; x < N; ++x) {
            const std::int32_t value = in[y * stride + x];
            for (int u = 0; u < N; ++u) sums[u] += value * kTurned<N>[static_cast<std::size_t>(x)][static_cast<std::size_t>(u)];
        }
        for (int u = 0; u < N; ++u) middle[y][u] = (sums[u] + (1 << (kFirst - 1))) >> kFirst;
    }
    for (int v = 0; v < N; ++v) {
        std::int32_t sums[N] = {};
        for (int y = 0; y < N; ++y) {
            const std::int32_t c = kMatrix<N>[static_cast<std::size_t>(v)][static_cast<std::size_t>(y)];
            for (int u = 0; u < N; ++u) sums[u] += c * middle[y][u];
        }
        for (int u = 0; u < N; ++u) out[v * N + u] = (sums[u] + (1 << (kSecond - 1))) >> kSecond;
    }
}

VIDEO_TARGETS void inverse4(const Coefficient* in, int c, int r, std::int16_t* out) { inverse_of<4>(in, c, r, out); }
VIDEO_TARGETS void inverse8(const Coefficient* in, int c, int r, std::int16_t* out) { inverse_of<8>(in, c, r, out); }
VIDEO_TARGETS void inverse16(const Coefficient* in, int c, int r, std::int16_t* out) { inverse_of<16>(in, c, r, out); }
VIDEO_TARGETS void inverse32(const Coefficient* in, int c, int r, std::int16_t* out) { inverse_of<32>(in, c, r, out); }
VIDEO_TARGETS void forward4(const std::int16_t* in, int stride, std::int32_t* out) { forward_of<4>(in, stride, out); }
VIDEO_TARGETS void forward8(const std::int16_t* in, int stride, std::int32_t* out) { forward_of<8>(in, stride, out); }
VIDEO_TARGETS void forward16(const std::int16_t* in, int stride, std::int32_t* out) { forward_of<16>(in, stride, out); }
VIDEO_TARGETS void forward32(const std::int16_t* in, int stride, std::int32_t* out) { forward_of<32>(in, stride, out); }

}  // namespace

void inverse(const Coefficient* in, int log2, int columns, int rows, std::int16_t* out) {
    switch (log2) {
        case 2: return inverse4(in, columns, rows, out);
        case 3: return inverse8(in, columns, rows, out);
        case 4: return inverse16(in, columns, rows, out);
        default: return inverse32(in, columns, rows, out);
    }
}

void forward(const std::int16_t* in, int stride, int log2, std::int32_t* out) {
    switch (log2) {
        case 2: return forward4(in, stride, out);
        case 3: return forward8(in, stride, out);
        case 4: return forward16(in, stride, out);
        default: return forward32(in, stride, out);
    }
}

}  // namespace video
