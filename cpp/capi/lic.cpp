// The functions of lic.h: pointers are checked, exceptions become statuses, nothing else.
#include "lic.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "failure.hpp"
#include "picture.hpp"

namespace {

using capi::guarded;
using capi::require;
using container::Bytes;

// Bytes of the caller.
Bytes checked(const std::uint8_t* data, std::size_t size) {
    require(data != nullptr, "data is NULL");
    require(size <= PTRDIFF_MAX, "size: no object has so many bytes");
    return {data, size};
}

lic_bytes bytes_of(const std::optional<Bytes>& bytes) {
    return bytes ? lic_bytes{bytes->data(), bytes->size()} : lic_bytes{nullptr, 0};
}

lic_status decode(const lic_model* model, const std::uint8_t* data, std::size_t size,
                  const std::optional<frame::Crop>& crop, std::uint32_t threads,
                  std::uint8_t* pixels, std::size_t capacity, lic_error* error) {
    return guarded(error, [&] {
        require(pixels != nullptr, "pixels is NULL");
        capi::decode(model, checked(data, size), crop, threads, {pixels, capacity});
    });
}

}  // namespace

const char* lic_version(void) { return LIC_VERSION; }

const char* lic_status_text(lic_status status) {
    switch (static_cast<int>(status)) {  // which may be any number
        case LIC_OK: return "no error";
        case LIC_BAD_ARGUMENT: return "bad argument";
        case LIC_BUFFER_TOO_SMALL: return "buffer too small";
        case LIC_UNSUPPORTED: return "not supported by this build or processor";
        case LIC_OUT_OF_MEMORY: return "out of memory";
        case LIC_INTERNAL_ERROR: return "internal error";
        case LIC_BAD_WEIGHTS: return "bad weights";
        case LIC_WEIGHTS_MISMATCH: return "other weights than the file was made with";
        case LIC_TRUNCATED: return "file ends too early";
        case LIC_NOT_A_FILE: return "not a file of this format";
        case LIC_UNSUPPORTED_VERSION: return "version that needs a newer reader";
        case LIC_BAD_CHECKSUM: return "checksum does not match";
        case LIC_BAD_FIELD: return "field with an impossible value";
        case LIC_LIMIT_EXCEEDED: return "limit exceeded";
        case LIC_TRAILING_DATA: return "bytes after the end of the file";
        case LIC_MISSING_CHUNK: return "missing chunk";
        case LIC_DUPLICATE_CHUNK: return "duplicate chunk";
        case LIC_CHUNK_ORDER: return "chunks in the wrong order";
        case LIC_UNKNOWN_CHUNK: return "unknown chunk that must not be skipped";
        case LIC_DAMAGED_TILE: return "damaged tile";
        case LIC_DAMAGED_ALPHA: return "damaged alpha plane";
        default: return "unknown status";
    }
}

lic_status lic_read_info(const uint8_t* data, size_t size, lic_info* info, lic_error* error) {
    return guarded(error, [&] {
        require(info != nullptr, "info is NULL");
        const container::Header header = container::read_header(checked(data, size));
        lic_info read{};
        read.width = static_cast<std::uint32_t>(header.width);
        read.height = static_cast<std::uint32_t>(header.height);
        read.channels = static_cast<std::uint32_t>(capi::samples_of(header));
        read.bit_depth = header.bit_depth;
        read.pixels_size = header.width * header.height * read.channels * (header.bit_depth / 8);
        read.model_id = header.model_id;
        std::memcpy(read.weights_hash, header.weights_hash.data(), sizeof read.weights_hash);
        read.level = header.level;
        read.tile_log2 = header.tile_log2;
        *info = read;
    });
}

lic_status lic_read_metadata(const uint8_t* data, size_t size, lic_metadata* metadata,
                             lic_error* error) {
    return guarded(error, [&] {
        require(metadata != nullptr, "metadata is NULL");
        const container::Metadata read = container::read(checked(data, size)).metadata;
        *metadata = {bytes_of(read.icc), bytes_of(read.exif), bytes_of(read.xmp)};
    });
}

lic_status lic_model_open(const uint8_t* weights, size_t size, const char* kernels,
                          lic_model** model, lic_error* error) {
    return guarded(error, [&] {
        require(model != nullptr, "model is NULL");
        *model = nullptr;
        *model = std::make_unique<lic_model>(checked(weights, size), kernels == nullptr ? "" : kernels)
                     .release();
    });
}

lic_status lic_model_describe(const lic_model* model, lic_model_info* info, lic_error* error) {
    return guarded(error, [&] {
        require(model != nullptr, "model is NULL");
        require(info != nullptr, "info is NULL");
        std::memcpy(info->sha256, model->sha256.data(), sizeof info->sha256);
        info->levels = static_cast<std::uint32_t>(model->model.recipe().levels);
        info->kernels = model->model.kernels();
    });
}

void lic_model_close(lic_model* model) { const std::unique_ptr<lic_model> owned(model); }

lic_status lic_decode(const lic_model* model, const uint8_t* data, size_t size, uint32_t threads,
                      uint8_t* pixels, size_t capacity, lic_error* error) {
    return decode(model, data, size, std::nullopt, threads, pixels, capacity, error);
}

lic_status lic_decode_crop(const lic_model* model, const uint8_t* data, size_t size, uint32_t x,
                           uint32_t y, uint32_t width, uint32_t height, uint32_t threads,
                           uint8_t* pixels, size_t capacity, lic_error* error) {
    return decode(model, data, size, frame::Crop{x, y, width, height}, threads, pixels, capacity,
                  error);
}

lic_status lic_encode(const lic_model* model, const uint8_t* pixels, size_t pixels_size,
                      uint32_t width, uint32_t height, uint32_t channels,
                      const lic_encode_options* options, uint8_t** out, size_t* out_size,
                      lic_error* error) {
    return guarded(error, [&] {
        require(out != nullptr && out_size != nullptr, "out or out_size is NULL");
        *out = nullptr;
        *out_size = 0;
        require(pixels != nullptr, "pixels is NULL");
        require(options != nullptr, "options is NULL");
        const std::vector<std::uint8_t> file =
            capi::encode(model, {pixels, pixels_size}, width, height, channels, *options);
        auto* copy = static_cast<std::uint8_t*>(std::malloc(file.size()));  // the caller's
        if (copy == nullptr) throw std::bad_alloc();
        std::memcpy(copy, file.data(), file.size());
        *out = copy;
        *out_size = file.size();
    });
}

void lic_free(uint8_t* data) { std::free(data); }
