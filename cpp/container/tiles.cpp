#include "tiles.hpp"

namespace container {

StoredTiles::StoredTiles(const Chunk& chunk, std::uint64_t count) : chunk_(chunk) {
    // 1. An index entry has at least 5 bytes: nothing is allocated that the chunk cannot fill.
    ByteReader reader(chunk.payload, chunk.payload_offset(), chunk.name());
    const Where start = reader.where();
    if (reader.remaining() / 5 < count - 1) {
        throw Error(Kind::bad_field, "chunk is too short for its index",
                    found(std::to_string(reader.remaining()) + " bytes",
                          "an index of " + std::to_string(count) + " tiles"),
                    start);
    }
    // 2. The index.
    const auto listed = static_cast<std::size_t>(count - 1);
    std::vector<std::uint64_t> lengths(listed);
    for (std::uint64_t& length : lengths) length = reader.varint("the length of a tile");
    prefix_ = crc32(reader.since(*start.offset), crc32(chunk.framing));
    checks_.reserve(listed + 1);
    for (std::size_t n = 0; n < listed; ++n) checks_.push_back(reader.u32("the check of a tile"));
    checks_.push_back(chunk.check);
    // 3. The last tile has the rest.
    ends_.reserve(listed + 2);
    ends_.push_back(reader.offset() - chunk.payload_offset());
    for (const std::uint64_t length : lengths) {
        if (length > chunk.payload.size() - ends_.back()) {
            throw Error(Kind::bad_field, "tiles are longer than their chunk", {}, start);
        }
        ends_.push_back(ends_.back() + static_cast<std::size_t>(length));
    }
    ends_.push_back(chunk.payload.size());
}

Bytes StoredTiles::tile(std::size_t n) const {
    if (n >= size()) {
        throw Error(Kind::out_of_range, "no such tile", found(n, "below " + std::to_string(size())));
    }
    const Bytes payload = chunk_.payload.subspan(ends_[n], ends_[n + 1] - ends_[n]);
    if (crc32(payload, prefix_) != checks_[n]) {
        throw Error(Kind::bad_checksum, "CRC-32 of tile " + std::to_string(n) + " does not match", {},
                    {chunk_.payload_offset() + ends_[n], chunk_.name()});
    }
    return payload;
}

void put_tiles(ByteWriter& writer, std::span<const Bytes> tiles) {
    ByteWriter index;
    std::uint64_t size = 4 * (tiles.size() - 1);
    for (const Bytes tile : tiles.first(tiles.size() - 1)) index.varint(tile.size());
    for (const Bytes tile : tiles) size += tile.size();
    size += index.bytes().size();
    const std::vector<std::uint8_t> framing = chunk_framing(kTile, size);
    const std::uint32_t prefix = crc32(index.bytes(), crc32(framing));
    writer.put(framing);
    writer.put(index.bytes());
    for (const Bytes tile : tiles.first(tiles.size() - 1)) writer.u32(crc32(tile, prefix));
    for (const Bytes tile : tiles) writer.put(tile);
    writer.u32(crc32(tiles.back(), prefix));
}

}  // namespace container
