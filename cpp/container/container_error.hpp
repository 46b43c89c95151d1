// The errors of the container, one kind per way of being wrong: those of bitstream/errors.py.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace container {

enum class Kind {
    truncated,               // the data end before something that they promise
    bad_magic,               // not a file of this format
    unsupported_version,     // a version, or a reserved value, that needs a newer reader
    bad_checksum,            // the bytes are not those that were written
    bad_field,               // a value that no file may contain
    limit_exceeded,          // legal, but more than the caller's limits allow
    trailing_data,           // bytes after the end of the file
    missing_chunk,           // a required chunk is not there
    duplicate_chunk,         // a chunk stands there twice
    chunk_order,             // chunks stand in the wrong order
    unknown_critical_chunk,  // a chunk that must be understood and is not
    out_of_range,            // the caller asks for a tile that is not there
};

// Where something was noticed: byte offset in the file, four-letter name of the chunk.
struct Where {
    std::optional<std::uint64_t> offset;
    std::string chunk;
};

// The text says what is wrong, where, and what was found and expected.
class Error : public std::runtime_error {
public:
    Error(Kind kind, const std::string& what, const std::string& details = {}, const Where& where = {})
        : std::runtime_error(text(what, details, where)), kind_(kind) {}

    Kind kind() const { return kind_; }

private:
    static std::string text(std::string what, const std::string& details, const Where& where) {
        if (!where.chunk.empty()) what += " in chunk " + where.chunk;
        if (where.offset) what += " at byte " + std::to_string(*where.offset);
        return details.empty() ? what : what + ": " + details;
    }

    Kind kind_;
};

// "found A, expected B"
inline std::string found(const std::string& found, const std::string& expected) {
    return "found " + found + ", expected " + expected;
}
inline std::string found(std::uint64_t found, const std::string& expected) {
    return container::found(std::to_string(found), expected);
}

}  // namespace container
