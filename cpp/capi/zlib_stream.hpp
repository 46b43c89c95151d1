// zlib streams: in pieces, so that memory does not depend on what a stream unpacks to. Without zlib in
// the build all of it throws LIC_UNSUPPORTED.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace capi {

class Unpacker {
public:
    // `data` must outlive this, and has less than 2^32 bytes.
    explicit Unpacker(std::span<const std::uint8_t> data);
    ~Unpacker();

    // The next bytes. Throws LIC_DAMAGED_ALPHA if there are fewer, or the stream is damaged.
    void take(std::span<std::uint8_t> bytes);
    // Throws LIC_DAMAGED_ALPHA if the stream does not end here, and the data with it.
    void finish();

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

// At level 9.
class Packer {
public:
    Packer();
    ~Packer();

    void put(std::span<const std::uint8_t> bytes);
    // The whole stream.
    std::vector<std::uint8_t> finish();

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

}  // namespace capi
