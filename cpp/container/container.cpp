#include "container.hpp"

#include <algorithm>
#include <array>

namespace container {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {0x8A, 'L', 'I', 'C'};
constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kMostError = 65535;

void check_limits(const Header& header, const Limits& limits, const Where& where = {}) {
    limits.check_size(header.width, header.height, where);
    limits.check_tiles(header.tiles(), where);
}

void check_alpha(const Header& header, bool present, const Where& where = {}) {
    if (header.alpha && !present) {
        throw Error(Kind::missing_chunk, "header says alpha and there is none", {}, where);
    }
    if (present && !header.alpha) {
        throw Error(Kind::bad_field, "alpha, but header says there is none", {}, where);
    }
}

void require_short(std::size_t size, const Where& where) {
    if (size <= kMostHeadBytes) return;
    throw Error(Kind::bad_field, "modes are too long", found(size, "at most 255"), where);
}

std::vector<std::uint8_t> encode_modes(const Modes& modes) {
    ByteWriter writer;
    writer.u16(modes.coder_id);
    writer.put(modes.weights_hash);
    writer.varint(modes.error);
    writer.put(modes.extension);
    require_short(writer.bytes().size(), {{}, chunk_name(kMode)});
    return writer.take();
}

Modes decode_modes(const Chunk& chunk) {
    require_short(chunk.payload.size(), chunk.where());
    ByteReader reader(chunk.payload, chunk.payload_offset(), chunk.name());
    Modes modes;
    modes.coder_id = reader.u16("coder_id");
    std::ranges::copy(reader.take(modes.weights_hash.size(), "weights_hash"),
                      modes.weights_hash.begin());
    modes.error = reader.varint("error");
    const Bytes extension = reader.take(reader.remaining(), "the extension");
    modes.extension.assign(extension.begin(), extension.end());
    if (modes.error > kMostError) {
        throw Error(Kind::bad_field, "error", found(modes.error, "0 to 65535"), chunk.where());
    }
    return modes;
}

void check_modes(const Header& header, const std::optional<Modes>& modes) {
    const bool whole = modes && modes->whole(header);
    if (header.bit_depth == 16 && !whole) {
        throw Error(Kind::bad_field, "16 bits although the picture is not predictive as a whole");
    }
    if (whole && header.level > 0) {
        throw Error(Kind::bad_field, "level of a predictive picture", found(header.level, "0"));
    }
}

// Magic, version and the header chunk, which is given to `chunk`.
Header read_start(ByteReader& reader, const Limits& limits, Chunk& chunk) {
    const Bytes magic = reader.take(std::min(kMagic.size(), reader.remaining()), "the magic");
    if (!std::equal(magic.begin(), magic.end(), kMagic.begin())) {
        throw Error(Kind::bad_magic, "not a file of this format");
    }
    if (magic.size() < kMagic.size()) throw Error(Kind::truncated, "data end inside the magic");
    const Where at = reader.where();
    const std::uint8_t version = reader.u8("the version");
    if (version != kVersion) {
        throw Error(Kind::unsupported_version, "format version", found(version, "1"), at);
    }
    chunk = read_chunk(reader);
    chunk.verify();
    check_sequence(chunk, nullptr);
    if (chunk.payload.size() > kMostHeadBytes) {
        throw Error(Kind::bad_field, "header is too long",
                    found(chunk.payload.size(), "at most 255"), chunk.where());
    }
    ByteReader payload(chunk.payload, chunk.payload_offset(), chunk.name());
    Header header = decode_header(payload);
    check_limits(header, limits, chunk.where());
    return header;
}

}  // namespace

Header read_header(Bytes data, const Limits& limits) {
    ByteReader reader(data);
    Chunk chunk;
    return read_start(reader, limits, chunk);
}

Container read(Bytes data, const Limits& limits) {
    limits.check_file(data.size());
    ByteReader reader(data);

    // 1. Magic, version, header.
    Chunk previous;
    Header header = read_start(reader, limits, previous);

    // 2. The optional chunks. Ids ascend and TILE has the greatest, so it ends the file.
    std::optional<Chunk> icc, exif, xmp, alpha, mode;
    while (previous.code != kTile) {
        if (reader.remaining() == 0) {
            throw Error(Kind::truncated, "data end before chunk TILE", {}, reader.where());
        }
        const Chunk chunk = read_chunk(reader);
        if (chunk.code != kTile) chunk.verify();
        check_sequence(chunk, &previous);
        previous = chunk;
        switch (chunk.code) {
            case kIccp: icc = chunk; break;
            case kExif: exif = chunk; break;
            case kXmp: xmp = chunk; break;
            case kAlph: alpha = chunk; break;
            case kMode: mode = chunk; break;
            default: break;
        }
    }

    // 3. Every byte belongs to something, and the chunks agree with the header.
    if (reader.remaining() > 0) {
        throw Error(Kind::trailing_data, "bytes after the end of the file", {}, reader.where());
    }
    check_alpha(header, alpha.has_value(), alpha ? alpha->where() : previous.where());
    const auto payload_of = [](const std::optional<Chunk>& chunk) -> std::optional<Bytes> {
        if (!chunk) return std::nullopt;
        return chunk->payload;
    };
    for (const auto& chunk : {icc, exif, xmp}) {
        if (chunk) limits.check_metadata(chunk->payload.size(), chunk->where());
    }
    std::optional<Modes> modes;
    if (mode) modes = decode_modes(*mode);
    check_modes(header, modes);
    StoredTiles tiles(previous, header.tiles());
    return {std::move(header), {payload_of(icc), payload_of(exif), payload_of(xmp)},
            payload_of(alpha), std::move(modes), std::move(tiles)};
}

std::vector<std::uint8_t> write(const Header& header, const Metadata& metadata,
                                const std::optional<Bytes>& alpha, const std::optional<Modes>& modes,
                                std::span<const Bytes> tiles,
                                const Limits& limits) {
    check_header(header);
    check_limits(header, limits);
    check_alpha(header, alpha.has_value());
    check_modes(header, modes);
    if (tiles.size() != header.tiles()) {
        throw Error(Kind::bad_field, "number of tiles",
                    found(tiles.size(), std::to_string(header.tiles())));
    }
    ByteWriter writer;
    writer.put(kMagic);
    writer.u8(kVersion);
    put_chunk(writer, kHead, encode_header(header));
    const std::pair<Type, const std::optional<Bytes>&> kept[] = {
        {kIccp, metadata.icc}, {kExif, metadata.exif}, {kXmp, metadata.xmp}};
    for (const auto& [type, payload] : kept) {
        if (!payload) continue;
        limits.check_metadata(payload->size(), {{}, chunk_name(type)});
        put_chunk(writer, type, *payload);
    }
    if (alpha) put_chunk(writer, kAlph, *alpha);
    if (modes) put_chunk(writer, kMode, encode_modes(*modes));
    put_tiles(writer, tiles);
    limits.check_file(writer.bytes().size());
    return writer.take();
}

}  // namespace container
