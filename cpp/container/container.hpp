// A whole file: magic, version | HEAD | ICCP? | EXIF? | XMP? | ALPH? | TILE (bitstream/SPEC.md).
#pragma once

#include <optional>

#include "header.hpp"
#include "limits.hpp"
#include "tiles.hpp"

namespace container {

// Kept byte for byte, never interpreted. Absent is not the same as empty.
struct Metadata {
    std::optional<Bytes> icc, exif, xmp;
};

// The content of a file, which must outlive this.
struct Container {
    Header header;
    Metadata metadata;
    std::optional<Bytes> alpha;  // there if and only if the header says so
    StoredTiles tiles;
};

// The header and nothing behind it, of a file or at least its first 267 bytes. Throws Error.
Header read_header(Bytes data, const Limits& limits = {});

// Structure, header, metadata and alpha are verified, tiles are not yet. Throws Error; the SPEC's
// section 6 says of which kind.
Container read(Bytes data, const Limits& limits = {});

// The file; the same content always gives the same bytes. Throws Error of kind bad_field,
// missing_chunk or limit_exceeded on what a reader with these limits would refuse.
std::vector<std::uint8_t> write(const Header& header, const Metadata& metadata,
                                const std::optional<Bytes>& alpha, std::span<const Bytes> tiles,
                                const Limits& limits = {});

}  // namespace container
