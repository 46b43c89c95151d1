// Bounded reading: gives all the bytes asked for or throws Kind::truncated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "container_error.hpp"
#include "crc32.hpp"

namespace container {

// Reads little-endian fields from front to back. `base` is the offset of the data in the file, and
// `chunk` the name of the chunk that they are the payload of, both for messages.
class ByteReader {
public:
    explicit ByteReader(Bytes data, std::size_t base = 0, std::string chunk = {})
        : data_(data), base_(base), chunk_(std::move(chunk)) {}

    std::size_t offset() const { return base_ + at_; }
    std::size_t remaining() const { return data_.size() - at_; }
    Where where() const { return {offset(), chunk_}; }

    // The next `size` bytes; `what` names them in messages.
    Bytes take(std::uint64_t size, const char* what) {
        if (size > remaining()) {
            throw Error(Kind::truncated, std::string("data end inside ") + what,
                        found(std::to_string(remaining()) + " bytes", std::to_string(size)), where());
        }
        at_ += static_cast<std::size_t>(size);
        return data_.subspan(at_ - static_cast<std::size_t>(size), static_cast<std::size_t>(size));
    }

    // The bytes that were read from a file offset up to here, again.
    Bytes since(std::size_t offset) const {
        return data_.subspan(offset - base_, at_ + base_ - offset);
    }

    std::uint8_t u8(const char* what) { return take(1, what)[0]; }
    std::uint16_t u16(const char* what) {
        const Bytes b = take(2, what);
        return static_cast<std::uint16_t>(b[0] | b[1] << 8);
    }
    std::uint32_t u32(const char* what) {
        const Bytes b = take(4, what);
        return b[0] | std::uint32_t{b[1]} << 8 | std::uint32_t{b[2]} << 16 | std::uint32_t{b[3]} << 24;
    }

    // A variable-length integer below 2^64, which must be in its shortest form.
    std::uint64_t varint(const char* what) {
        constexpr unsigned kMostBytes = 10;
        const Where start = where();
        std::uint64_t value = 0;
        for (unsigned n = 0; n < kMostBytes; ++n) {
            const std::uint8_t byte = u8(what);
            value |= std::uint64_t{byte & 0x7Fu} << (7 * n);
            if (byte >= 0x80) continue;
            if (byte == 0 && n > 0) {
                throw Error(Kind::bad_field, std::string("varint is not minimal: ") + what, {}, start);
            }
            if (n + 1 == kMostBytes && byte > 1) break;
            return value;
        }
        throw Error(Kind::bad_field, std::string("varint is too large: ") + what, {}, start);
    }

private:
    Bytes data_;
    std::size_t base_, at_ = 0;
    std::string chunk_;
};

}  // namespace container
