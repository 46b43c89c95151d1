// The order of coefficients: corners of 4x4 along diagonals, and diagonals in each (entropy/INTER.md, Residual).
#pragma once

#include <cstdint>

namespace video {

// Classes of a frequency's coordinate: where they start, and how many bits tell one within.
inline constexpr int kPositionStart[10] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24};
inline constexpr int kPositionBits[10] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3};
inline constexpr std::uint8_t kPosition[32] = {0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7,
                                               8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9};
inline int position(int coordinate) { return kPosition[coordinate]; }

struct Scan {
    std::uint8_t x[1024], y[1024];
    std::uint16_t place[32][32];  // [y][x]

    explicit Scan(int log2) {
        const int corners = 1 << (log2 - 2);
        int n = 0;
        diagonals(corners, [&](int cx, int cy) {
            diagonals(4, [&](int u, int v) {
                x[n] = static_cast<std::uint8_t>(4 * cx + u);
                y[n] = static_cast<std::uint8_t>(4 * cy + v);
                place[y[n]][x[n]] = static_cast<std::uint16_t>(n);
                ++n;
            });
        });
    }
    int number(int px, int py) const { return place[py][px]; }

private:
    // From the upper right end of each diagonal to its lower left one.
    template <typename Function>
    static void diagonals(int size, Function&& fn) {
        for (int d = 0; d < 2 * size - 1; ++d) {
            for (int v = d < size ? 0 : d - size + 1; v <= d && v < size; ++v) fn(d - v, v);
        }
    }
};

// Of squares of 2^log2, 2..5.
const Scan& scan_of(int log2);

}  // namespace video
