#include "limits.hpp"

namespace container {
namespace {

void check(const char* what, std::uint64_t value, std::uint64_t limit, const Where& where) {
    if (limit == 0 || value <= limit) return;
    throw Error(Kind::limit_exceeded, std::string(what) + " exceeds its limit",
                found(value, "at most " + std::to_string(limit)), where);
}

}  // namespace

void Limits::check_size(std::uint64_t width, std::uint64_t height, const Where& where) const {
    check("width", width, max_dimension, where);
    check("height", height, max_dimension, where);
    check("number of pixels", width * height, max_pixels, where);
}

void Limits::check_tiles(std::uint64_t count, const Where& where) const {
    check("number of tiles", count, max_tiles, where);
}

void Limits::check_metadata(std::uint64_t size, const Where& where) const {
    check("metadata size", size, max_metadata_bytes, where);
}

void Limits::check_file(std::uint64_t size) const { check("file size", size, max_file_bytes, {}); }

}  // namespace container
