#include "tiled.hpp"

#include <algorithm>

#include "each.hpp"

namespace predictive {
namespace {

// Tiles per thread that are on the way at once: enough that one that is slow holds up nobody.
constexpr std::size_t kBatch = 4;

template <typename T>
void widen(const Picture& pixels, const Rectangle& from, std::uint16_t* to) {
    const std::size_t count = from.width * pixels.channels;
    for (std::size_t y = from.y; y < from.bottom(); ++y, to += count) {
        const T* row = static_cast<const T*>(pixels.data) +
                       (y * pixels.width + from.x) * pixels.channels;
        std::copy_n(row, count, to);
    }
}

template <typename T>
void narrow_row(const std::uint16_t* from, std::size_t count, void* data, std::size_t at) {
    T* to = static_cast<T*>(data) + at;
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<T>(from[i]);
}

// Runs of a tile's pixels in one row of cells that are predictive: f(x, width).
template <typename F>
void each_run(const Tile& tile, std::size_t y, std::size_t width, F&& f) {
    if (tile.kind == Kind::whole) return f(std::size_t{0}, width);
    if (tile.kind == Kind::learned) return;
    const std::size_t columns = cells_along(width);
    for (std::size_t c = 0; c < columns; ++c) {
        if (tile.map[y / kCellSide * columns + c] == kLearnedCell) continue;
        f(c * kCellSide, std::min(kCellSide, width - c * kCellSide));
    }
}

// The predictive pixels of a decoded tile that lie in a part of the picture.
void paste(const Tile& tile, const std::vector<std::uint16_t>& pixels, const Rectangle& place,
           const Rectangle& part, const Picture& out) {
    const std::size_t top = std::max(place.y, part.y), bottom = std::min(place.bottom(), part.bottom());
    for (std::size_t y = top; y < bottom; ++y) {
        each_run(tile, y - place.y, place.width, [&](std::size_t x, std::size_t width) {
            const std::size_t left = std::max(place.x + x, part.x);
            const std::size_t right = std::min(place.x + x + width, part.right());
            if (left >= right) return;
            const std::uint16_t* from = pixels.data() + ((y - place.y) * place.width + left - place.x) *
                                                            out.channels;
            const std::size_t at = ((y - part.y) * out.width + left - part.x) * out.channels;
            const std::size_t count = (right - left) * out.channels;
            if (out.bits > 8) {
                narrow_row<std::uint16_t>(from, count, out.data, at);
            } else {
                narrow_row<std::uint8_t>(from, count, out.data, at);
            }
        });
    }
}

void tell(const Progress& progress, std::size_t done, std::size_t all) {
    if (progress) progress(static_cast<double>(done) / static_cast<double>(all));
}

}  // namespace

Rectangle Cut::tile(std::size_t n) const {
    const std::size_t side = std::size_t{1} << tile_log2;
    const std::size_t x = n % columns() * side, y = n / columns() * side;
    return {x, y, std::min(side, width - x), std::min(side, height - y)};
}

Widened::Widened(const Picture& pixels, const Rectangle& from)
    : width_(from.width), height_(from.height), channels_(pixels.channels),
      samples_(width_ * height_ * channels_) {
    if (pixels.bits > 8) {
        widen<std::uint16_t>(pixels, from, samples_.data());
    } else {
        widen<std::uint8_t>(pixels, from, samples_.data());
    }
}

std::vector<std::vector<std::uint8_t>> encode_picture(const Picture& pixels, unsigned tile_log2,
                                                      const Format& format, Strength strength,
                                                      threads::Team& team,
                                                      const Progress& progress) {
    const Cut cut{pixels.width, pixels.height, tile_log2};
    std::vector<std::vector<std::uint8_t>> payloads(cut.count());
    for (std::size_t first = 0; first < payloads.size(); first += kBatch * team.threads()) {
        const std::size_t batch = std::min(kBatch * team.threads(), payloads.size() - first);
        threads::each(team, batch, [&](std::size_t n) {
            const Rectangle place = cut.tile(first + n);
            const Widened samples(pixels, place);
            payloads[first + n] = whole_tile(encode_part(samples.view(), format, strength));
        });
        tell(progress, first + batch, payloads.size());
    }
    return payloads;
}

std::vector<std::uint8_t> encode_cells(const Picture& tile, std::span<const std::uint8_t> map,
                                       const Format& format, Bytes learned) {
    const Widened samples(tile, {0, 0, tile.width, tile.height});
    const Samples view = samples.view();
    std::vector<std::uint8_t> cells(map.size()), shared;
    std::ranges::transform(map, cells.begin(), [](std::uint8_t cell) { return cell == kSharedCell; });
    if (std::ranges::count(cells, 1) > 0) shared = screen_encode(view, tile.bits, cells);
    std::vector<std::vector<std::uint8_t>> own;
    const std::size_t columns = cells_along(tile.width);
    for (std::size_t n = 0; n < map.size(); ++n) {
        if (map[n] != kOwnCell) continue;
        const std::size_t x = n % columns * kCellSide, y = n / columns * kCellSide;
        const Samples cell = view.part(x, y, std::min(kCellSide, tile.width - x),
                                       std::min(kCellSide, tile.height - y));
        own.push_back(encode_photo_part(cell, format));
    }
    return mixed_tile(map, shared, own, learned);
}

void decode_picture(const Cut& cut, const Tiles& tiles, const Format& format, bool only,
                    const Rectangle& part, const Picture& out, threads::Team& team,
                    const Progress& progress) {
    std::vector<std::size_t> needed;
    for (std::size_t row = part.y >> cut.tile_log2; row <= (part.bottom() - 1) >> cut.tile_log2; ++row) {
        for (std::size_t column = part.x >> cut.tile_log2;
             column <= (part.right() - 1) >> cut.tile_log2; ++column) {
            needed.push_back(row * cut.columns() + column);
        }
    }
    for (std::size_t first = 0; first < needed.size(); first += kBatch * team.threads()) {
        const std::size_t batch = std::min(kBatch * team.threads(), needed.size() - first);
        std::vector<Bytes> payloads;
        for (std::size_t n = 0; n < batch; ++n) payloads.push_back(tiles(needed[first + n]));
        threads::each(team, batch, [&](std::size_t n) {
            const Rectangle place = cut.tile(needed[first + n]);
            const Tile tile = read_tile(payloads[n], place.width, place.height);
            if (only && tile.has_learned()) {
                throw rans::CorruptStream("a learned tile in a picture without a model");
            }
            if (tile.kind == Kind::learned) return;
            std::vector<std::uint16_t> samples(place.width * place.height * out.channels);
            const Target target{samples.data(), place.width, place.height, out.channels,
                                place.width * out.channels};
            decode_tile(tile, format, target);
            paste(tile, samples, place, part, out);
        });
        tell(progress, first + batch, needed.size());
    }
}

}  // namespace predictive
