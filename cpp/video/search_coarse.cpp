// Large motion: every displacement of a picture of a quarter of the size.
#include "searcher.hpp"
#include "targets.hpp"

namespace video {

// Sums of absolute differences of a block of up to 4 x 4 coarse samples for `steps` rows of `count`
// (a multiple of 16) displacements.
VIDEO_TARGETS void coarse_sums(const std::uint8_t* source, std::size_t source_stride,
                              const std::uint8_t* reference, std::size_t stride, int width,
                              int height, int steps, int count, std::uint16_t* sums) {
    for (int step = 0; step < steps; ++step, reference += stride, sums += count) {
        for (int i = 0; i < count; ++i) sums[i] = 0;
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
                const int sample = source[y * source_stride + x];
                const std::uint8_t* row = reference + y * stride + x;
                for (int i = 0; i < count; ++i) {
                    const int difference = row[i] - sample;
                    sums[i] = static_cast<std::uint16_t>(
                        sums[i] + (difference < 0 ? -difference : difference));
                }
            }
        }
    }
}

VIDEO_TARGETS void add_sums(std::uint16_t* to, const std::uint16_t* from, int count) {
    for (int i = 0; i < count; ++i) to[i] = static_cast<std::uint16_t>(to[i] + from[i]);
}

// All displacements of the coarse picture, for blocks of 16, 32 and 64 samples in a row of 64.
void Searcher::search_coarse(int row) {
    const int range = std::min((range_ + kCoarse - 1) / kCoarse, kCoarseRange);
    const int steps = 2 * range + 1, count = (steps + 15) / 16 * 16;
    const std::size_t size = static_cast<std::size_t>(steps) * count;
    const int width = source_.width / kCoarse, height = source_.height / kCoarse;
    std::vector<std::uint16_t> sums(size * (1 + 4 + 16));
    std::vector<std::uint32_t> price(static_cast<std::size_t>(steps));
    for (int i = 0; i < steps; ++i) {
        const int d = std::min(std::abs(i - range) * 4 * kCoarse, 8 * range_);
        price[static_cast<std::size_t>(i)] = costs_.of(d);
    }

    const auto lowest = [&](const std::uint16_t* map) {
        std::uint32_t best = UINT32_MAX;
        Vector vector;
        for (int dy = 0; dy < steps; ++dy) {
            for (int dx = 0; dx < steps; ++dx) {
                const std::uint32_t cost = (std::uint32_t{map[dy * count + dx]} << 4) +
                                           price[static_cast<std::size_t>(dx)] +
                                           price[static_cast<std::size_t>(dy)];
                if (cost >= best) continue;
                best = cost;
                vector = {static_cast<std::int16_t>((dx - range) * 4 * kCoarse),
                          static_cast<std::int16_t>((dy - range) * 4 * kCoarse)};
            }
        }
        return within(vector);
    };
    const auto keep = [&](int n, int column, int line, const std::uint16_t* map) {
        if (column >= field.columns[n] || line >= field.rows[n]) return;
        const std::size_t block = static_cast<std::size_t>(line) * field.columns[n] + column;
        coarse_vectors_[n][block] = lowest(map);
    };

    for (int column = 0; column < field.columns[0]; ++column) {
        std::uint16_t* map64 = sums.data();
        std::fill_n(map64, 5 * size, std::uint16_t{0});
        for (int cell = 0; cell < 16; ++cell) {
            const int cx = 4 * column + cell % 4, cy = 4 * row + cell / 4;
            if (4 * cx >= width || 4 * cy >= height) continue;
            std::uint16_t* map16 = map64 + (5 + cell) * size;
            std::uint16_t* map32 = map64 + (1 + cell % 4 / 2 + cell / 8 * 2) * size;
            coarse_sums(coarse_.at(4 * cx, 4 * cy), coarse_.stride,
                        reference_.coarse.at(4 * cx - range, 4 * cy - range),
                        reference_.coarse.stride, std::min(4, width - 4 * cx),
                        std::min(4, height - 4 * cy), steps, count, map16);
            add_sums(map32, map16, static_cast<int>(size));
            keep(2, cx, cy, map16);
        }
        for (int i = 0; i < 4; ++i) {
            add_sums(map64, map64 + (1 + i) * size, static_cast<int>(size));
            keep(1, 2 * column + i % 2, 2 * row + i / 2, map64 + (1 + i) * size);
        }
        keep(0, column, row, map64);
    }
}

}  // namespace video
