#include "chunks.hpp"

#include <array>

namespace container {
namespace {

struct Known {
    Type type;
    const char* name;
};
constexpr std::array<Known, 7> kKnown = {{{kHead, "HEAD"}, {kIccp, "ICCP"}, {kExif, "EXIF"},
                                          {kXmp, "XMP"}, {kAlph, "ALPH"},
                                          {kMode, "MODE"}, {kTile, "TILE"}}};

std::string hex(std::uint8_t code) {
    constexpr char digits[] = "0123456789ABCDEF";
    return {digits[code >> 4], digits[code & 15]};
}

}  // namespace

std::string chunk_name(std::uint8_t code) {
    for (const Known& known : kKnown) {
        if (known.type == code) return known.name;
    }
    return "?x" + hex(code);
}

void Chunk::verify() const {
    if (crc32(payload, crc32(framing)) != check) {
        throw Error(Kind::bad_checksum, "CRC-32 does not match", {}, where());
    }
}

Chunk read_chunk(ByteReader& reader) {
    Chunk chunk;
    chunk.offset = reader.offset();
    chunk.code = reader.u8("the type of a chunk");
    const std::uint64_t length = reader.varint("the length of a chunk");
    chunk.framing = reader.since(chunk.offset);
    chunk.payload = reader.take(length, "the payload of a chunk");
    chunk.check = reader.u32("the check of a chunk");
    return chunk;
}

void check_sequence(const Chunk& chunk, const Chunk* previous) {
    if (chunk.id() == 0) throw Error(Kind::bad_field, "chunk id is 0", {}, chunk.where());
    if (previous == nullptr && chunk.id() != kHead) {
        throw Error(Kind::missing_chunk, "file does not begin with its header", {}, chunk.where());
    }
    if (previous != nullptr && chunk.id() == previous->id()) {
        throw Error(Kind::duplicate_chunk, "chunk stands here again", {}, chunk.where());
    }
    if (previous != nullptr && chunk.id() < previous->id()) {
        throw Error(Kind::chunk_order, "chunk stands behind " + previous->name(), {}, chunk.where());
    }
    for (const Known& known : kKnown) {
        if ((known.type & 0x7F) != chunk.id()) continue;
        if (known.type == chunk.code) return;
        throw Error(Kind::bad_field, std::string("wrong ignorable bit of ") + known.name, {},
                    chunk.where());
    }
    if (!chunk.ignorable()) {
        throw Error(Kind::unknown_critical_chunk,
                    "unknown chunk that must not be skipped; a newer version may read it", {},
                    chunk.where());
    }
}

std::vector<std::uint8_t> chunk_framing(Type type, std::uint64_t length) {
    ByteWriter writer;
    writer.u8(type);
    writer.varint(length);
    return writer.take();
}

void put_chunk(ByteWriter& writer, Type type, Bytes payload) {
    const std::vector<std::uint8_t> framing = chunk_framing(type, payload.size());
    writer.put(framing);
    writer.put(payload);
    writer.u32(crc32(payload, crc32(framing)));
}

}  // namespace container
