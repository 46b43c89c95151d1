// The chunk that holds the tiles (bitstream/SPEC.md, section 4).
//
// payload of TILE = | lengths of tiles 0..n-2 | checks of tiles 0..n-2 | payloads of tiles 0..n-1 |
//
// check of tile i = CRC-32 of  framing of the chunk, all lengths, payload of tile i
// (the check of tile n-1 stands where every chunk has its check)
#pragma once

#include "chunks.hpp"

namespace container {

// The tiles of a file: each is verified when, and only when, it is asked for. The file must outlive
// this.
class StoredTiles {
public:
    // `count` has been compared with the limits. Throws Kind::bad_field if the lengths do not fit into
    // the chunk, Kind::truncated if the chunk ends inside its index.
    StoredTiles(const Chunk& chunk, std::uint64_t count);

    std::size_t size() const { return checks_.size(); }
    // Payload of a tile. Throws Kind::out_of_range, bad_checksum.
    Bytes tile(std::size_t n) const;

private:
    Chunk chunk_;
    std::uint32_t prefix_ = 0;           // CRC-32 of what stands before every tile
    std::vector<std::uint32_t> checks_;
    std::vector<std::size_t> ends_;      // where tiles start in the payload, and the end of the last
};

// Writes the chunk; there is at least one tile.
void put_tiles(ByteWriter& writer, std::span<const Bytes> tiles);

}  // namespace container
