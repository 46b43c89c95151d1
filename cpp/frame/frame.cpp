#include "frame.hpp"

#include <cstring>
#include <map>
#include <set>

#include "each.hpp"
#include "guard.hpp"

namespace frame {
namespace {

using networks::Type;

// work(n) for n < count, which may throw: side by side where there are several, each with one thread;
// a single one has the whole team.
template <typename Work>
void each_tile(threads::Team& team, std::size_t count, Work&& work) {
    if (count < 2 || team.threads() < 2) {
        for (std::size_t n = 0; n < count; ++n) work(n, team);
        return;
    }
    threads::each(team, count, [&](std::size_t n) {
        threads::Team alone(1);
        work(n, alone);
    });
}

// The part `area` of an array that covers `from`.
Array cut(const Array& array, const Area& from, const Area& area) {
    if (area.x == from.x && area.y == from.y && area.width == from.width &&
        area.height == from.height) {
        return array;
    }
    Array part = Array::make(array.type, area.height, area.width, array.channels);
    const std::size_t value = array.channels * networks::size_of(array.type);
    for (std::size_t i = 0; i < area.height; ++i) {
        const std::size_t at = (area.y - from.y + i) * array.width + area.x - from.x;
        std::memcpy(part.as<std::uint8_t>() + i * area.width * value,
                    array.as<std::uint8_t>() + at * value, area.width * value);
    }
    return part;
}

// Puts what `array`, which covers `from`, has of `to`'s area into `to`.
void put(const Array& array, const Area& from, const Array& to, const Area& area) {
    const Area common = from.overlap(area);
    const std::size_t value = array.channels * networks::size_of(array.type);
    for (std::size_t i = 0; i < common.height; ++i) {
        const std::size_t out = (common.y - area.y + i) * area.width + common.x - area.x;
        const std::size_t in = (common.y - from.y + i) * from.width + common.x - from.x;
        std::memcpy(to.as<std::uint8_t>() + out * value, array.as<std::uint8_t>() + in * value,
                    common.width * value);
    }
}

// An area as a network has to be given it: windows of attention are those of the picture.
Area placed(const networks::Network& network, const Area& area) {
    return network.has_windows() ? area.whole_windows() : area;
}

// The pixels of an area; beyond the picture its last row and column go on.
Array padded(const Grid& grid, const Array& pixels, const Area& area) {
    const std::size_t width = area.width * kLatentPx, height = area.height * kLatentPx;
    const std::size_t left = area.x * kLatentPx, top = area.y * kLatentPx;
    Array part = Array::make(Type::u8, height, width, 3);
    const std::size_t inside = std::min(width, grid.width - left);
    for (std::size_t i = 0; i < height; ++i) {
        const std::size_t row = std::min(top + i, grid.height - 1);
        std::uint8_t* to = part.as<std::uint8_t>() + i * width * 3;
        std::memcpy(to, pixels.as<std::uint8_t>() + (row * grid.width + left) * 3, inside * 3);
        for (std::size_t j = inside; j < width; ++j) std::memcpy(to + 3 * j, to + 3 * (inside - 1), 3);
    }
    return part;
}

Array zeros(Type type, std::size_t height, std::size_t width, std::size_t channels) {
    const Array array = Array::make(type, height, width, channels);
    std::memset(array.data, 0, array.count() * networks::size_of(type));
    return array;
}

// Windows of one band of an area, from left to right.
std::vector<Area> windows_of(const Grid& grid, const Area& area, std::size_t top) {
    const std::size_t width = grid.window_width();
    std::vector<Area> windows;
    for (std::size_t left = area.x / width * width; left < area.right(); left += width) {
        windows.push_back(Area{left, top, width, grid.window_height()}.overlap(area));
    }
    return windows;
}

// Pixels of a window of latents, of which y_hat covers `source`, to their place in a crop.
void synthesise(const Model& model, const Array& y_hat, const Area& source, const Area& window,
                const Crop& crop, const Array& out, std::size_t level, threads::Team& team) {
    const Array image = model.synthesis().run({y_hat}, level, team)[0];
    const std::size_t x0 = std::max(window.x * kLatentPx, crop.x);
    const std::size_t y0 = std::max(window.y * kLatentPx, crop.y);
    const std::size_t x1 = std::min(window.right() * kLatentPx, crop.x + crop.width);
    const std::size_t y1 = std::min(window.bottom() * kLatentPx, crop.y + crop.height);
    if (x1 <= x0) return;
    for (std::size_t y = y0; y < y1; ++y) {
        const std::size_t from = (y - source.y * kLatentPx) * image.width + x0 - source.x * kLatentPx;
        const std::size_t to = (y - crop.y) * crop.width + x0 - crop.x;
        std::memcpy(out.as<std::uint8_t>() + 3 * to, image.as<std::uint8_t>() + 3 * from,
                    3 * (x1 - x0));
    }
}

void tell(const Progress& progress, std::size_t done, std::size_t all) {
    if (progress) progress(static_cast<double>(done) / static_cast<double>(all));
}

}  // namespace

Array analyse(const Model& model, const Grid& grid, const Array& pixels, const Area& area,
              std::size_t level, threads::Team& team) {
    const networks::Network& analysis = model.analysis();
    const Area source = placed(analysis, area).grown(model.recipe().analysis_margin, grid.whole());
    const Array y = analysis.run({padded(grid, pixels, source)}, level, team)[0];
    return cut(y, source, area);
}

Encoded encode(const Model& model, const Grid& grid, const Array& pixels, std::size_t level,
               std::span<const std::uint8_t> wanted, bool decoded, threads::Team& team,
               const Progress& progress) {
    const Area whole = grid.whole();
    std::vector<std::size_t> coded;
    for (std::size_t n = 0; n < grid.count(); ++n) {
        if (wanted.empty() || wanted[n] != 0) coded.push_back(n);
    }
    const auto touched = [&](const Area& area) {
        return std::ranges::any_of(coded, [&](std::size_t n) {
            return !grid.tile(n).overlap(area).empty();
        });
    };
    Encoded encoded;
    encoded.tiles.resize(grid.count());
    Array y_hat;
    if (decoded) y_hat = zeros(Type::i32, whole.height, whole.width, model.recipe().latent);
    const std::size_t side = grid.window_height();
    for (std::size_t top = 0; top < whole.height; top += side) {
        const Area band = Area{0, top, whole.width, side}.overlap(whole);
        Array y = Array::make(Type::i32, band.height, band.width, model.recipe().latent);
        for (const Area& window : windows_of(grid, band, top)) {
            if (!touched(window)) continue;
            put(analyse(model, grid, pixels, window, level, team), window, y, band);
        }
        std::vector<std::size_t> tiles;
        for (const std::size_t n : coded) {
            if (!grid.tile(n).overlap(band).empty()) tiles.push_back(n);
        }
        each_tile(team, tiles.size(), [&](std::size_t n, threads::Team& own) {
            const Area area = grid.tile(tiles[n]);
            const Array part = cut(y, band, area);
            Coded coded = guarded(model, grid, pixels, area, encode_latents(model, part, level, own),
                                  level, own);
            encoded.tiles[tiles[n]] = std::move(coded.payload);
            if (decoded) put(coded.y_hat, area, y_hat, whole);
        });
        tell(progress, band.bottom(), whole.height);
    }
    if (!decoded) return encoded;
    encoded.pixels = zeros(Type::u8, grid.height, grid.width, 3);
    const Crop all{0, 0, grid.width, grid.height};
    for (std::size_t top = 0; top < whole.height; top += side) {
        for (const Area& window : windows_of(grid, whole, top)) {
            if (!touched(window)) continue;
            const Area source = window.grown(model.recipe().synthesis_margin, whole);
            synthesise(model, cut(y_hat, whole, source), source, window, all, encoded.pixels, level,
                       team);
        }
    }
    return encoded;
}

Array decode(const Model& model, const Grid& grid, const Tiles& tiles, std::size_t level,
             const Crop& crop, bool conceal, threads::Team& team, const Progress& progress) {
    const Area whole = grid.whole();
    const std::size_t x = crop.x / kLatentPx, y = crop.y / kLatentPx;
    const Area touched{x, y, (crop.x + crop.width + kLatentPx - 1) / kLatentPx - x,
                       (crop.y + crop.height + kLatentPx - 1) / kLatentPx - y};
    const Area wanted = placed(model.synthesis(), touched);
    const Array pixels = zeros(Type::u8, crop.height, crop.width, 3);
    std::map<std::size_t, Array> decoded;  // y_hat of tiles that are still needed
    std::set<std::size_t> learned;         // tiles that have a payload
    const std::size_t side = grid.window_height();
    for (std::size_t top = wanted.y / side * side; top < wanted.bottom(); top += side) {
        const Area band = Area{wanted.x, top, wanted.width, side}.overlap(wanted);
        const Area around = band.grown(model.recipe().synthesis_margin, whole);
        std::erase_if(decoded, [&](const auto& tile) {
            return grid.tile(tile.first).bottom() <= around.y;
        });
        std::vector<std::size_t> missing;
        const std::size_t tile = grid.side() / kLatentPx;
        const std::size_t last_row = std::min(grid.rows(), (around.bottom() + tile - 1) / tile);
        const std::size_t last_column = std::min(grid.columns(), (around.right() + tile - 1) / tile);
        for (std::size_t row = around.y / tile; row < last_row; ++row) {
            for (std::size_t column = around.x / tile; column < last_column; ++column) {
                const std::size_t n = row * grid.columns() + column;
                if (!decoded.contains(n)) missing.push_back(n);
            }
        }
        std::vector<std::optional<std::span<const std::uint8_t>>> payloads;
        std::vector<Array> found(missing.size());
        for (const std::size_t n : missing) payloads.push_back(tiles(n));
        each_tile(team, missing.size(), [&](std::size_t n, threads::Team& own) {
            const Area area = grid.tile(missing[n]);
            found[n] = payloads[n] ? decode_latents(model, *payloads[n], area.height, area.width, level,
                                                    conceal, own)
                                   : zeros(Type::i32, area.height, area.width, model.recipe().latent);
        });
        for (std::size_t n = 0; n < missing.size(); ++n) {
            decoded.emplace(missing[n], found[n]);
            if (payloads[n]) learned.insert(missing[n]);
        }
        for (const Area& window : windows_of(grid, band, top)) {
            if (std::ranges::none_of(learned, [&](std::size_t n) {
                    return !grid.tile(n).overlap(window).empty();
                })) {
                continue;
            }
            const Area source = window.grown(model.recipe().synthesis_margin, whole);
            Array y_hat = Array::make(Type::i32, source.height, source.width, model.recipe().latent);
            for (const auto& [n, array] : decoded) put(array, grid.tile(n), y_hat, source);
            synthesise(model, y_hat, source, window, crop, pixels, level, team);
        }
        tell(progress, band.bottom() - wanted.y, wanted.height);
    }
    return pixels;
}

}  // namespace frame
