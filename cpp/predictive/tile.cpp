#include "tile.hpp"

#include <algorithm>
#include <utility>

namespace predictive {
namespace {

constexpr std::size_t kCellsInByte = 4, kCellBits = 2, kCellMask = 3;

[[noreturn]] void corrupt(const char* what) { throw rans::CorruptStream(what); }

std::vector<std::uint8_t> read_map(ByteStream& stream, std::size_t cells) {
    const Bytes packed = stream.take((cells + kCellsInByte - 1) / kCellsInByte);
    std::vector<std::uint8_t> map(packed.size() * kCellsInByte);
    for (std::size_t n = 0; n < map.size(); ++n) {
        map[n] = packed[n / kCellsInByte] >> (n % kCellsInByte * kCellBits) & kCellMask;
        if (map[n] > kOwnCell || (n >= cells && map[n] != 0)) corrupt("a cell of a tile has no mode");
    }
    map.resize(cells);
    return map;
}

std::vector<std::uint8_t> with_kind(Kind kind, Bytes rest) {
    std::vector<std::uint8_t> payload;
    payload.reserve(1 + rest.size());
    payload.push_back(static_cast<std::uint8_t>(kind));
    put(payload, rest);
    return payload;
}

}  // namespace

Tile read_tile(Bytes payload, std::size_t width, std::size_t height) {
    ByteStream stream(payload);
    Tile tile;
    const std::uint8_t kind = stream.u8();
    if (kind > static_cast<std::uint8_t>(Kind::cells)) corrupt("a tile is of no known kind");
    tile.kind = static_cast<Kind>(kind);
    if (tile.kind == Kind::whole) {
        tile.whole = stream.rest();
        return tile;
    }
    if (tile.kind == Kind::cells) {
        tile.map = read_map(stream, cells_along(width) * cells_along(height));
        if (std::ranges::count(tile.map, kSharedCell) > 0) tile.shared = stream.take(stream.varint());
        for (const std::uint8_t cell : tile.map) {
            if (cell == kOwnCell) tile.own.push_back(stream.take(stream.varint()));
        }
    }
    tile.learned = stream.rest();
    const auto learned = std::ranges::count(tile.map, kLearnedCell);
    if (tile.kind == Kind::cells && std::cmp_equal(learned, tile.map.size())) {
        corrupt("a tile in cells has none that is predictive");
    }
    const bool expected = tile.kind == Kind::learned || learned > 0;
    if (expected != tile.has_learned()) corrupt("the learned part of a tile does not fit its cells");
    return tile;
}

void decode_tile(const Tile& tile, const Format& format, const Target& out) {
    if (tile.kind == Kind::whole) return decode_part(tile.whole, format, out);
    if (tile.kind == Kind::learned) return;
    std::vector<std::uint8_t> shared(tile.map.size());
    for (std::size_t n = 0; n < shared.size(); ++n) shared[n] = tile.map[n] == kSharedCell;
    if (std::ranges::count(shared, 1) > 0) screen_decode(tile.shared, format.bits, shared, out);
    std::size_t next = 0;
    const std::size_t columns = cells_along(out.width);
    for (std::size_t n = 0; n < tile.map.size(); ++n) {
        if (tile.map[n] != kOwnCell) continue;
        const std::size_t x = n % columns * kCellSide, y = n / columns * kCellSide;
        const Target cell = out.part(x, y, std::min(kCellSide, out.width - x),
                                     std::min(kCellSide, out.height - y));
        decode_part(tile.own[next++], format, cell);
    }
}

std::vector<std::uint8_t> learned_tile(Bytes learned) {
    return with_kind(Kind::learned, learned);
}

std::vector<std::uint8_t> whole_tile(Bytes part) {
    return with_kind(Kind::whole, part);
}

std::vector<std::uint8_t> mixed_tile(std::span<const std::uint8_t> map, Bytes shared,
                                     std::span<const std::vector<std::uint8_t>> own,
                                     Bytes learned) {
    std::vector<std::uint8_t> packed((map.size() + kCellsInByte - 1) / kCellsInByte);
    for (std::size_t n = 0; n < map.size(); ++n) {
        packed[n / kCellsInByte] |=
            static_cast<std::uint8_t>(map[n] << (n % kCellsInByte * kCellBits));
    }
    std::vector<std::uint8_t> payload = with_kind(Kind::cells, packed);
    if (std::ranges::count(map, kSharedCell) > 0) {
        put_varint(payload, static_cast<std::uint32_t>(shared.size()));
        put(payload, shared);
    }
    for (const auto& part : own) {
        put_varint(payload, static_cast<std::uint32_t>(part.size()));
        put(payload, part);
    }
    put(payload, learned);
    return payload;
}

}  // namespace predictive
