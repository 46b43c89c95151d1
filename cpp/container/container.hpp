// A whole file: magic, version | HEAD | ICCP? | EXIF? | XMP? | ALPH? | MODE? | TILE (bitstream/SPEC.md).
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

// The predictive coder of a file whose tiles have modes (bitstream/SPEC.md, section 2a).
struct Modes {
    std::uint16_t coder_id = 0;
    std::array<std::uint8_t, 4> weights_hash{};
    std::uint64_t error = 0;  // no predictive sample is off by more
    std::vector<std::uint8_t> extension;

    // Whether the coder codes the whole picture.
    bool whole(const Header& header) const {
        return header.model_id == coder_id && header.weights_hash == weights_hash;
    }
};

// The content of a file, which must outlive this.
struct Container {
    Header header;
    Metadata metadata;
    std::optional<Bytes> alpha;  // there if and only if the header says so
    std::optional<Modes> modes;
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
                                const std::optional<Bytes>& alpha, const std::optional<Modes>& modes,
                                std::span<const Bytes> tiles,
                                const Limits& limits = {});

}  // namespace container
