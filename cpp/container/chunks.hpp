// Framing of chunks and the rules on their sequence (bitstream/SPEC.md, section 1).
//
// +------+--------+===============+-------+
// | type | length |    payload    | check |      check = CRC-32 of all that stands before it
// +------+--------+===============+-------+
// '-- framing ----'
#pragma once

#include "byte_reader.hpp"
#include "byte_writer.hpp"

namespace container {

// Chunk types of version 1: the low seven bits are the id, the high bit says ignorable.
enum Type : std::uint8_t {
    kHead = 0x01, kIccp = 0x02, kExif = 0x83, kXmp = 0x84, kAlph = 0x05, kMode = 0x06, kTile = 0x7F
};

// Display name of a type: four letters, or for unknown ones like ?x2A.
std::string chunk_name(std::uint8_t code);

// A chunk as it stands in a file; its check is not verified before `verify` is called.
struct Chunk {
    std::uint8_t code = 0;
    std::size_t offset = 0;  // of the type, in the file
    Bytes framing, payload;
    std::uint32_t check = 0;

    std::uint8_t id() const { return code & 0x7F; }
    bool ignorable() const { return (code & 0x80) != 0; }
    std::string name() const { return chunk_name(code); }
    std::size_t payload_offset() const { return offset + framing.size(); }
    Where where() const { return {offset, name()}; }

    // Throws Kind::bad_checksum if type, length or payload are not what was written. Not for TILE,
    // which has rules of its own.
    void verify() const;
};

// Reads the framing of the next chunk and steps over its payload.
Chunk read_chunk(ByteReader& reader);

// Throws if a chunk may not follow the one before it (null: the start of the file).
void check_sequence(const Chunk& chunk, const Chunk* previous);

// The bytes of type and length.
std::vector<std::uint8_t> chunk_framing(Type type, std::uint64_t length);

void put_chunk(ByteWriter& writer, Type type, Bytes payload);

}  // namespace container
