#include "cells.hpp"

#include <algorithm>
#include <type_traits>

#include "each.hpp"
#include "photo.hpp"

namespace predictive {
namespace {

constexpr std::size_t kBlock = 8;

struct Sums {
    std::uint64_t equal = 0, steps = 0, spread = 0, sharp = 0;
};

// Sums that hold what a row of a cell, or a column of a block, adds up to.
template <typename T>
using Wide = std::conditional_t<sizeof(T) == 1, std::uint32_t, std::uint64_t>;

// Within a block of up to 8 x 8 pixels: samples' squares less the square of their mean, times count.
template <std::size_t kChannels, typename T>
std::uint64_t block_spread(const Picture& p, const Rectangle& block) {
    Wide<T> sums[kBlock * kChannels] = {}, squares[kBlock * kChannels] = {};
    const std::size_t samples = block.width * kChannels;
    for (std::size_t y = block.y; y < block.bottom(); ++y) {
        const T* at = static_cast<const T*>(p.data) + (y * p.width + block.x) * kChannels;
        for (std::size_t i = 0; i < samples; ++i) {
            sums[i] += at[i];
            squares[i] += Wide<T>{at[i]} * at[i];
        }
    }
    std::uint64_t total = 0;
    for (std::size_t c = 0; c < kChannels; ++c) {
        std::uint64_t sum = 0, square = 0;
        for (std::size_t i = c; i < samples; i += kChannels) sum += sums[i], square += squares[i];
        total += square - sum * sum / (block.width * block.height);
    }
    return total;
}

// Squared differences of a row of samples to others.
template <typename T>
void squared(const T* row, const T* other, std::size_t count, Wide<T>* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const Wide<T> off = row[i] > other[i] ? row[i] - other[i] : other[i] - row[i];
        out[i] = off * off;
    }
}

template <std::size_t kChannels, typename T>
Sums sums_of(const Picture& p, const Rectangle& cell) {
    Sums sums;
    const std::size_t stride = p.width * kChannels;
    std::uint64_t steps[kCellSide / kBlock][kCellSide / kBlock] = {};  // by block
    for (std::size_t y = cell.y; y < cell.bottom(); ++y) {
        const T* at = static_cast<const T*>(p.data) + y * stride + cell.x * kChannels;
        Wide<T> left[kCellSide * kChannels], above[kCellSide * kChannels];
        const std::size_t known = cell.x > 0 ? 0 : 1;  // the first pixel that has one to its left
        std::fill_n(left, known * kChannels, Wide<T>{0});
        const T* const from = at + known * kChannels;
        squared(from, from - kChannels, (cell.width - known) * kChannels, left + known * kChannels);
        squared(at, y > 0 ? at - stride : at, cell.width * kChannels, above);
        for (std::size_t x = 0; x < cell.width; ++x) {
            Wide<T> to_left = 0, to_above = 0;
            for (std::size_t c = 0; c < kChannels; ++c) {
                to_left += left[x * kChannels + c];
                to_above += above[x * kChannels + c];
            }
            sums.equal += (x >= known && to_left == 0) || (y > 0 && to_above == 0);
            steps[(y - cell.y) / kBlock][x / kBlock] += to_left + to_above;
        }
    }
    for (std::size_t y = cell.y; y < cell.bottom(); y += kBlock) {
        for (std::size_t x = cell.x; x < cell.right(); x += kBlock) {
            const Rectangle block{x, y, std::min(kBlock, cell.right() - x),
                                  std::min(kBlock, cell.bottom() - y)};
            sums.spread += block_spread<kChannels, T>(p, block);
            const std::uint64_t found = steps[(y - cell.y) / kBlock][(x - cell.x) / kBlock];
            sums.steps += found;
            if (found >= 2 * kSharp * block.width * block.height * kChannels) sums.sharp += found;
        }
    }
    return sums;
}

Sums sums_of(const Picture& p, const Rectangle& cell) {
    if (p.bits > 8) {
        return p.channels == 1 ? sums_of<1, std::uint16_t>(p, cell)
                               : sums_of<3, std::uint16_t>(p, cell);
    }
    return p.channels == 1 ? sums_of<1, std::uint8_t>(p, cell) : sums_of<3, std::uint8_t>(p, cell);
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
            const Sums sums = sums_of(pixels, cell);
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
        // Rows of cells above the first and below the last are not looked at.
        const auto is_marked = [](std::uint8_t cell) { return cell != 0; };
        const auto first = std::ranges::find_if(cells, is_marked) - cells.begin();
        const auto last = cells.rend() - std::ranges::find_if(cells.rbegin(), cells.rend(), is_marked);
        const std::size_t from = static_cast<std::size_t>(first) / across;
        const std::size_t to = (static_cast<std::size_t>(last) - 1) / across + 1;
        const Rectangle rows{place.x, place.y + from * kCellSide, place.width,
                             std::min(place.height, to * kCellSide) - from * kCellSide};
        const auto looked = std::span(cells).subspan(from * across, (to - from) * across);
        // A little more: bits by cell are summed in single precision.
        const double limit = most * pixels_marked * 1.001 + 1;
        const auto spent = screen_spent(Widened(pixels, rows).view(), pixels.bits, looked, limit);
        for (std::size_t i = 0; i < spent.size(); ++i) {
            bits[corner + (from + i / across) * columns + i % across] = spent[i];
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
