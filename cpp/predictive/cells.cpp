#include "cells.hpp"

#include <algorithm>

#include "each.hpp"
#include "photo.hpp"

namespace predictive {
namespace {

constexpr std::size_t kBlock = 8;

struct Sums {
    std::uint64_t equal = 0, steps = 0, spread = 0, sharp = 0;
};

// Within a block of up to 8 x 8 pixels: samples' squares less the square of their mean, times count.
template <typename T>
std::uint64_t block_spread(const Picture& p, const Rectangle& block) {
    std::uint64_t total = 0;
    const std::uint64_t count = block.width * block.height;
    for (std::size_t c = 0; c < p.channels; ++c) {
        std::uint64_t sum = 0, squares = 0;
        for (std::size_t y = block.y; y < block.bottom(); ++y) {
            const T* at = static_cast<const T*>(p.data) + (y * p.width + block.x) * p.channels + c;
            for (std::size_t x = 0; x < block.width; ++x, at += p.channels) {
                sum += *at;
                squares += std::uint64_t{*at} * *at;
            }
        }
        total += squares - sum * sum / count;
    }
    return total;
}

template <typename T>
Sums sums_of(const Picture& p, const Rectangle& cell) {
    Sums sums;
    const std::size_t channels = p.channels, stride = p.width * channels;
    std::uint64_t steps[kCellSide / kBlock][kCellSide / kBlock] = {};  // by block
    for (std::size_t y = cell.y; y < cell.bottom(); ++y) {
        const T* at = static_cast<const T*>(p.data) + y * stride + cell.x * channels;
        for (std::size_t x = cell.x; x < cell.right(); ++x, at += channels) {
            const T* left = x > 0 ? at - channels : at;
            const T* above = y > 0 ? at - stride : at;
            std::uint64_t to_left = 0, to_above = 0;
            for (std::size_t c = 0; c < channels; ++c) {
                const std::int64_t v = at[c], l = v - left[c], a = v - above[c];
                to_left += static_cast<std::uint64_t>(l * l);
                to_above += static_cast<std::uint64_t>(a * a);
            }
            sums.equal += (x > 0 && to_left == 0) || (y > 0 && to_above == 0);
            steps[(y - cell.y) / kBlock][(x - cell.x) / kBlock] += to_left + to_above;
        }
    }
    for (std::size_t y = cell.y; y < cell.bottom(); y += kBlock) {
        for (std::size_t x = cell.x; x < cell.right(); x += kBlock) {
            const Rectangle block{x, y, std::min(kBlock, cell.right() - x),
                                  std::min(kBlock, cell.bottom() - y)};
            sums.spread += block_spread<T>(p, block);
            const std::uint64_t found = steps[(y - cell.y) / kBlock][(x - cell.x) / kBlock];
            sums.steps += found;
            if (found >= 2 * kSharp * block.width * block.height * channels) sums.sharp += found;
        }
    }
    return sums;
}

Rectangle cell_at(const Picture& p, std::size_t column, std::size_t row) {
    const std::size_t x = column * kCellSide, y = row * kCellSide;
    return {x, y, std::min(kCellSide, p.width - x), std::min(kCellSide, p.height - y)};
}

// One level of a pyramid: the mean of what is known, by half the resolution each time.
struct Level {
    std::size_t width, height;
    std::vector<std::uint8_t> known, values;  // values: 3 channels

    const std::uint8_t* at(std::size_t x, std::size_t y) const { return &values[(y * width + x) * 3]; }
    std::uint8_t* at(std::size_t x, std::size_t y) { return &values[(y * width + x) * 3]; }
};

Level halved(const Level& fine) {
    Level coarse{(fine.width + 1) / 2, (fine.height + 1) / 2, {}, {}};
    coarse.known.resize(coarse.width * coarse.height);
    coarse.values.resize(coarse.known.size() * 3);
    for (std::size_t y = 0; y < coarse.height; ++y) {
        for (std::size_t x = 0; x < coarse.width; ++x) {
            unsigned count = 0, sum[3] = {};
            for (std::size_t v = 2 * y; v < std::min(2 * y + 2, fine.height); ++v) {
                for (std::size_t u = 2 * x; u < std::min(2 * x + 2, fine.width); ++u) {
                    if (!fine.known[v * fine.width + u]) continue;
                    ++count;
                    for (std::size_t c = 0; c < 3; ++c) sum[c] += fine.at(u, v)[c];
                }
            }
            if (count == 0) continue;
            coarse.known[y * coarse.width + x] = 1;
            for (std::size_t c = 0; c < 3; ++c) {
                coarse.at(x, y)[c] = static_cast<std::uint8_t>((2 * sum[c] + count) / (2 * count));
            }
        }
    }
    return coarse;
}

// What is not known becomes the coarser level's value, then the mean of 3 x 3 twice.
void complete(Level& fine, const Level& coarse) {
    for (std::size_t y = 0; y < fine.height; ++y) {
        for (std::size_t x = 0; x < fine.width; ++x) {
            if (!fine.known[y * fine.width + x]) std::copy_n(coarse.at(x / 2, y / 2), 3, fine.at(x, y));
        }
    }
    for (int pass = 0; pass < 2; ++pass) {
        const std::vector<std::uint8_t> before = fine.values;
        for (std::size_t y = 0; y < fine.height; ++y) {
            for (std::size_t x = 0; x < fine.width; ++x) {
                if (fine.known[y * fine.width + x]) continue;
                for (std::size_t c = 0; c < 3; ++c) {
                    unsigned sum = 0, count = 0;
                    for (std::size_t v = y > 0 ? y - 1 : 0; v < std::min(y + 2, fine.height); ++v) {
                        for (std::size_t u = x > 0 ? x - 1 : 0; u < std::min(x + 2, fine.width); ++u) {
                            sum += before[(v * fine.width + u) * 3 + c];
                            ++count;
                        }
                    }
                    fine.at(x, y)[c] = static_cast<std::uint8_t>((2 * sum + count) / (2 * count));
                }
            }
        }
    }
}

}  // namespace

std::vector<CellFacts> cell_facts(const Picture& pixels, threads::Team& team) {
    const std::size_t columns = cells_along(pixels.width), rows = cells_along(pixels.height);
    std::vector<CellFacts> facts(columns * rows);
    team.run(rows, [&](std::size_t row) {
        for (std::size_t column = 0; column < columns; ++column) {
            const Rectangle cell = cell_at(pixels, column, row);
            const Sums sums = pixels.bits > 8 ? sums_of<std::uint16_t>(pixels, cell)
                                              : sums_of<std::uint8_t>(pixels, cell);
            const auto count = static_cast<double>(cell.width * cell.height);
            const double samples = count * static_cast<double>(pixels.channels);
            facts[row * columns + column] = {
                static_cast<float>(static_cast<double>(sums.equal) / count),
                static_cast<float>(static_cast<double>(sums.steps) / (2 * samples)),
                static_cast<float>(static_cast<double>(sums.spread) / samples),
                static_cast<float>(static_cast<double>(sums.sharp) / (2 * samples))};
        }
    });
    return facts;
}

std::vector<float> screen_bits(const Picture& pixels, unsigned tile_log2,
                               std::span<const std::uint8_t> marked, double most,
                               threads::Team& team) {
    const Cut cut{pixels.width, pixels.height, tile_log2};
    const std::size_t columns = cells_along(pixels.width);
    std::vector<float> bits(marked.size());
    threads::each(team, cut.count(), [&](std::size_t n) {
        const Rectangle place = cut.tile(n);
        const std::size_t across = cells_along(place.width), down = cells_along(place.height);
        const std::size_t corner = place.y / kCellSide * columns + place.x / kCellSide;
        std::vector<std::uint8_t> cells(across * down);
        for (std::size_t i = 0; i < cells.size(); ++i) {
            cells[i] = marked[corner + i / across * columns + i % across] != 0;
        }
        double pixels_marked = 0;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (cells[i] == 0) continue;
            const std::size_t x = i % across * kCellSide, y = i / across * kCellSide;
            pixels_marked += static_cast<double>(std::min(kCellSide, place.width - x) *
                                                 std::min(kCellSide, place.height - y));
        }
        if (pixels_marked == 0) return;
        // A little more: bits by cell are summed in single precision.
        const double limit = most * pixels_marked * 1.001 + 1;
        const auto spent = screen_spent(Widened(pixels, place).view(), pixels.bits, cells, limit);
        for (std::size_t i = 0; i < cells.size(); ++i) {
            bits[corner + i / across * columns + i % across] = spent[i];
        }
    });
    return bits;
}

std::vector<float> photo_bits_by_tile(const Picture& pixels, unsigned tile_log2,
                                      std::span<const std::uint8_t> marked,
                                      const std::string& kernels, threads::Team& team) {
    const Cut cut{pixels.width, pixels.height, tile_log2};
    std::vector<float> bits(marked.size());
    threads::each(team, marked.size(), [&](std::size_t n) {
        if (marked[n] == 0) return;
        const Rectangle place = cut.tile(n);
        const Widened samples(pixels, place);
        bits[n] = static_cast<float>(photo_bits(samples.view(), pixels.bits, 0, kernels));
    });
    return bits;
}

void fill(const Picture& pixels, std::span<const std::uint8_t> marked) {
    const std::size_t columns = cells_along(pixels.width);
    auto* const data = static_cast<std::uint8_t*>(pixels.data);
    std::vector<Level> levels(1);
    Level& whole = levels[0];
    whole.width = pixels.width;
    whole.height = pixels.height;
    whole.values.assign(data, data + pixels.width * pixels.height * 3);
    whole.known.resize(pixels.width * pixels.height);
    for (std::size_t y = 0; y < pixels.height; ++y) {
        for (std::size_t x = 0; x < pixels.width; ++x) {
            const std::size_t cell = y / kCellSide * columns + x / kCellSide;
            whole.known[y * pixels.width + x] = marked[cell] == 0;
        }
    }
    while (levels.back().width > 1 || levels.back().height > 1) levels.push_back(halved(levels.back()));
    for (std::size_t n = levels.size() - 1; n-- > 0;) complete(levels[n], levels[n + 1]);
    std::ranges::copy(levels[0].values, data);
}

}  // namespace predictive
