#include "picture.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>

#include "alpha.hpp"
#include "failure.hpp"

namespace capi {
namespace {

using networks::Array;
using networks::Type;

constexpr std::uint8_t kTileLog2 = 10;  // where the options do not say
constexpr std::uint32_t kMostThreads = 1024;

std::size_t thread_count(std::uint32_t wanted) {
    require(wanted <= kMostThreads, "threads: expected 0 to 1024");
    const std::size_t count = wanted > 0 ? wanted : std::thread::hardware_concurrency();
    return std::clamp<std::size_t>(count, 1, threads::kMostThreads);
}

void check_weights(const lic_model& model, const container::Header& header) {
    if (!std::equal(header.weights_hash.begin(), header.weights_hash.end(), model.sha256.begin())) {
        throw Failure(LIC_WEIGHTS_MISMATCH, "the file was made with other weights, of model id " +
                                                std::to_string(header.model_id));
    }
    if (header.level >= model.model.recipe().levels) {
        throw container::Error(container::Kind::bad_field, "the model has no such level");
    }
}

// Grey is the rounded mean of the three planes.
void put_colours(const Array& rgb, std::size_t colours, std::size_t step, std::uint8_t* out) {
    const auto* from = rgb.as<std::uint8_t>();
    for (std::size_t n = 0; n < rgb.positions(); ++n, from += 3, out += step) {
        if (colours == 3) {
            std::memcpy(out, from, 3);
        } else {
            *out = static_cast<std::uint8_t>((from[0] + from[1] + from[2] + 1) / 3);
        }
    }
}

// Three planes of a picture: a view where it has no others, three times the same for grey.
Array rgb_of(std::span<const std::uint8_t> pixels, std::size_t width, std::size_t height,
             std::size_t channels) {
    if (channels == 3) return Array::view(Type::u8, height, width, 3, pixels.data());
    Array rgb = Array::make(Type::u8, height, width, 3);
    const std::uint8_t* from = pixels.data();
    auto* to = rgb.as<std::uint8_t>();
    for (std::size_t n = 0; n < rgb.positions(); ++n, from += channels, to += 3) {
        for (std::size_t c = 0; c < 3; ++c) to[c] = from[channels < 3 ? 0 : c];
    }
    return rgb;
}

std::optional<container::Bytes> present(const lic_bytes& bytes) {
    if (bytes.data == nullptr) {
        require(bytes.size == 0, "metadata: NULL with a size");
        return std::nullopt;
    }
    return container::Bytes{bytes.data, bytes.size};
}

}  // namespace

void decode(const lic_model& model, container::Bytes file, const std::optional<frame::Crop>& crop,
            std::uint32_t threads, std::span<std::uint8_t> pixels) {
    const std::size_t count = thread_count(threads);
    const container::Container content = container::read(file);
    const container::Header& header = content.header;
    check_weights(model, header);
    const auto width = static_cast<std::size_t>(header.width);
    const auto height = static_cast<std::size_t>(header.height);
    const frame::Crop area = crop.value_or(frame::Crop{0, 0, width, height});
    require(area.width > 0 && area.height > 0 && area.x < width && area.width <= width - area.x &&
                area.y < height && area.height <= height - area.y,
            "the part is empty or reaches outside the picture");
    const std::size_t samples = samples_of(header);
    if (pixels.size() / samples / area.width < area.height) {
        throw Failure(LIC_BUFFER_TOO_SMALL, "the pixels do not fit into their buffer");
    }
    if (content.alpha) {
        decode_alpha(*content.alpha, width, height, area, pixels.data() + header.channels, samples);
    }
    threads::Team team(count);
    const Array rgb = frame::decode(
        model.model, {width, height, header.tile_log2},
        [&](std::size_t n) { return content.tiles.tile(n); }, header.level, area, team);
    put_colours(rgb, header.channels, samples, pixels.data());
}

std::vector<std::uint8_t> encode(const lic_model& model, std::span<const std::uint8_t> pixels,
                                 std::uint32_t width, std::uint32_t height, std::uint32_t channels,
                                 const lic_encode_options& options) {
    const std::size_t count = thread_count(options.threads);
    require(width > 0 && height > 0, "the picture has no pixels");
    require(1 <= channels && channels <= 4, "channels: expected 1 to 4");
    require(options.level < model.model.recipe().levels, "the model has no such level");
    container::Header header;
    header.width = width;
    header.height = height;
    header.channels = channels < 3 ? 1 : 3;
    header.alpha = channels % 2 == 0;
    header.model_id = options.model_id;
    std::copy_n(model.sha256.begin(), header.weights_hash.size(), header.weights_hash.begin());
    header.level = options.level;
    header.tile_log2 = options.tile_log2 == 0 ? kTileLog2 : options.tile_log2;
    require(6 <= header.tile_log2 && header.tile_log2 <= 15, "tile_log2: expected 6 to 15, or 0");
    const container::Limits limits;
    limits.check_size(width, height);
    limits.check_tiles(header.tiles());
    require(pixels.size() == std::uint64_t{width} * height * channels,
            "pixels_size is not width * height * channels");
    const container::Metadata metadata{present(options.metadata.icc), present(options.metadata.exif),
                                       present(options.metadata.xmp)};
    std::vector<std::uint8_t> alpha;
    if (header.alpha) {
        alpha = encode_alpha(pixels.data() + header.channels, channels, width, height);
    }
    threads::Team team(count);
    const frame::Encoded encoded =
        frame::encode(model.model, {width, height, header.tile_log2},
                      rgb_of(pixels, width, height, channels), header.level, false, team);
    const std::vector<container::Bytes> tiles(encoded.tiles.begin(), encoded.tiles.end());
    return container::write(header, metadata,
                            header.alpha ? std::optional<container::Bytes>(alpha) : std::nullopt,
                            tiles, limits);
}

}  // namespace capi
