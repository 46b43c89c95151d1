#include "zlib_stream.hpp"

#include "failure.hpp"

#ifdef LIC_ZLIB

#include <zlib.h>

#include <array>

namespace capi {
namespace {

[[noreturn]] void damaged(const char* what) {
    throw Failure(LIC_DAMAGED_ALPHA, std::string("alpha plane: ") + what);
}

void require_made(int code) {
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK) throw Failure(LIC_UNSUPPORTED, "zlib: another version than this was built for");
}

}  // namespace

struct Unpacker::Stream {
    z_stream z{};
    bool ended = false;

    Stream() { require_made(inflateInit(&z)); }
    ~Stream() { inflateEnd(&z); }

    // Unpacks until there is no room or the stream ends.
    void run(std::span<std::uint8_t> room) {
        z.next_out = room.data();
        z.avail_out = static_cast<uInt>(room.size());
        while (z.avail_out > 0 && !ended) {
            const int code = inflate(&z, Z_NO_FLUSH);
            if (code == Z_MEM_ERROR) throw std::bad_alloc();
            if (code == Z_BUF_ERROR) damaged("the stream is cut off");
            if (code != Z_OK && code != Z_STREAM_END) damaged("the stream is damaged");
            ended = code == Z_STREAM_END;
        }
    }
};

Unpacker::Unpacker(std::span<const std::uint8_t> data) : stream_(std::make_unique<Stream>()) {
    stream_->z.next_in = const_cast<Bytef*>(data.data());  // which zlib does not change
    stream_->z.avail_in = static_cast<uInt>(data.size());
}

Unpacker::~Unpacker() = default;

void Unpacker::take(std::span<std::uint8_t> bytes) {
    stream_->run(bytes);
    if (stream_->z.avail_out > 0) damaged("it unpacks to too few bytes");
}

void Unpacker::finish() {
    std::uint8_t more = 0;
    stream_->run({&more, 1});
    if (stream_->z.avail_out == 0 || stream_->z.avail_in > 0) damaged("bytes follow its end");
}

struct Packer::Stream {
    z_stream z{};
    std::vector<std::uint8_t> packed;

    Stream() { require_made(deflateInit(&z, 9)); }
    ~Stream() { deflateEnd(&z); }

    void run(int flush) {
        std::array<std::uint8_t, 16384> room;
        do {
            z.next_out = room.data();
            z.avail_out = static_cast<uInt>(room.size());
            deflate(&z, flush);
            packed.insert(packed.end(), room.data(), room.data() + (room.size() - z.avail_out));
        } while (z.avail_out == 0);
    }
};

Packer::Packer() : stream_(std::make_unique<Stream>()) {}
Packer::~Packer() = default;

void Packer::put(std::span<const std::uint8_t> bytes) {
    stream_->z.next_in = const_cast<Bytef*>(bytes.data());
    stream_->z.avail_in = static_cast<uInt>(bytes.size());
    stream_->run(Z_NO_FLUSH);
}

std::vector<std::uint8_t> Packer::finish() {
    stream_->run(Z_FINISH);
    return std::move(stream_->packed);
}

}  // namespace capi

#else

namespace capi {
namespace {

[[noreturn]] void unsupported() {
    throw Failure(LIC_UNSUPPORTED, "a compressed alpha plane: this build is without zlib");
}

}  // namespace

struct Unpacker::Stream {};
Unpacker::Unpacker(std::span<const std::uint8_t>) { unsupported(); }
Unpacker::~Unpacker() = default;
void Unpacker::take(std::span<std::uint8_t>) { unsupported(); }
void Unpacker::finish() { unsupported(); }

struct Packer::Stream {};
Packer::Packer() { unsupported(); }
Packer::~Packer() = default;
void Packer::put(std::span<const std::uint8_t>) { unsupported(); }
std::vector<std::uint8_t> Packer::finish() { unsupported(); }

}  // namespace capi

#endif
