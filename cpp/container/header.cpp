#include "header.hpp"

#include <algorithm>

namespace container {
namespace {

constexpr std::uint64_t kMostSide = std::uint64_t{1} << 30;

//  samples    7   6   5       4        3   2   1   0
//           +-------+-------+--------+---------------+
//           | kind  | alpha | colour | bit depth - 1 |
//           +-------+-------+--------+---------------+
constexpr unsigned kKindShift = 6, kAlphaBit = 5, kColourBit = 4, kDepthMask = 0x0F;

void require_range(const char* name, std::uint64_t value, std::uint64_t low, std::uint64_t high,
                   const Where& where) {
    if (low <= value && value <= high) return;
    throw Error(Kind::bad_field, name,
                found(value, std::to_string(low) + " to " + std::to_string(high)), where);
}

void require_value(const char* name, unsigned value, unsigned only, const Where& where) {
    if (value == only) return;
    throw Error(Kind::unsupported_version, std::string(name) + " is reserved for later versions",
                found(value, std::to_string(only)), where);
}

}  // namespace

std::uint64_t Header::tiles() const {
    const std::uint64_t last = (std::uint64_t{1} << tile_log2) - 1;
    return ((width + last) >> tile_log2) * ((height + last) >> tile_log2);
}

void check_header(const Header& header, const Where& where) {
    require_range("width", header.width, 1, kMostSide, where);
    require_range("height", header.height, 1, kMostSide, where);
    if (header.channels != 1 && header.channels != 3) {
        throw Error(Kind::bad_field, "channels", found(header.channels, "1 or 3"), where);
    }
    if (header.bit_depth != 8 && header.bit_depth != 16) {
        throw Error(Kind::unsupported_version, "bit depth is reserved for later versions",
                    found(header.bit_depth, "8 or 16"), where);
    }
    require_range("level", header.level, 0, 63, where);
    require_range("tile_log2", header.tile_log2, 6, 15, where);
}

std::vector<std::uint8_t> encode_header(const Header& header) {
    check_header(header);
    ByteWriter writer;
    writer.varint(header.width);
    writer.varint(header.height);
    writer.u8(static_cast<std::uint8_t>((header.alpha ? 1u << kAlphaBit : 0u) |
                                        (header.channels == 3 ? 1u << kColourBit : 0u) |
                                        (header.bit_depth - 1)));
    writer.u8(0);  // color
    writer.u16(header.model_id);
    writer.put(header.weights_hash);
    writer.u8(header.level);
    writer.u8(header.tile_log2);
    writer.put(header.extension);
    if (writer.bytes().size() > kMostHeadBytes) {
        throw Error(Kind::bad_field, "header is too long", found(writer.bytes().size(), "at most 255"));
    }
    return writer.take();
}

Header decode_header(ByteReader& reader) {
    const Where start = reader.where();
    Header header;
    header.width = reader.varint("width");
    header.height = reader.varint("height");
    const unsigned samples = reader.u8("samples"), color = reader.u8("color");
    header.channels = (samples >> kColourBit & 1) != 0 ? 3 : 1;
    header.alpha = (samples >> kAlphaBit & 1) != 0;
    header.bit_depth = (samples & kDepthMask) + 1;
    header.model_id = reader.u16("model_id");
    std::ranges::copy(reader.take(header.weights_hash.size(), "weights_hash"),
                      header.weights_hash.begin());
    header.level = reader.u8("level");
    header.tile_log2 = reader.u8("tile_log2");
    const Bytes extension = reader.take(reader.remaining(), "the extension");
    header.extension.assign(extension.begin(), extension.end());
    check_header(header, start);
    require_value("kind", samples >> kKindShift, 0, start);
    require_value("color", color, 0, start);
    return header;
}

}  // namespace container
