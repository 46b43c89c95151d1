#include "picture.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>

#include "alpha.hpp"
#include "failure.hpp"
#include "tiled.hpp"
#include "weights_hash.hpp"

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

// The file's model, which it must need.
const frame::Model& model_for(const container::Header& header, const lic_model* model) {
    require(model != nullptr, "model is NULL, and the file needs one");
    if (!std::equal(header.weights_hash.begin(), header.weights_hash.end(), model->sha256.begin())) {
        throw Failure(LIC_WEIGHTS_MISMATCH, "the file was made with other weights, of model id " +
                                                std::to_string(header.model_id));
    }
    if (header.level >= model->model.recipe().levels) {
        throw container::Error(container::Kind::bad_field, "the model has no such level");
    }
    return model->model;
}

container::Modes own_modes(unsigned error) {
    container::Modes modes;
    modes.coder_id = LIC_PREDICTIVE_ID;
    modes.weights_hash = predictive::weights_hash();
    modes.error = error;
    return modes;
}

void check_coder(const container::Modes& modes) {
    const container::Modes own = own_modes(0);
    if (modes.coder_id != own.coder_id || modes.weights_hash != own.weights_hash) {
        throw Failure(LIC_WEIGHTS_MISMATCH, "the file was made with another predictive coder, id " +
                                                std::to_string(modes.coder_id));
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

// Colour samples of an area, without alpha, to the front of `out`.
void decode_colours(const lic_model* model, const container::Container& content,
                    const frame::Crop& area, threads::Team& team, std::uint8_t* out) {
    const container::Header& header = content.header;
    const frame::Grid grid{header.width, header.height, header.tile_log2};
    const bool whole = content.modes && content.modes->whole(header);
    if (content.modes) check_coder(*content.modes);
    if (!whole) {
        const auto learned = [&](std::size_t n) -> std::optional<container::Bytes> {
            const container::Bytes payload = content.tiles.tile(n);
            if (!content.modes) return payload;
            const predictive::Rectangle place =
                predictive::Cut{grid.width, grid.height, grid.tile_log2}.tile(n);
            const predictive::Tile tile = predictive::read_tile(payload, place.width, place.height);
            return tile.has_learned() ? std::optional(tile.learned) : std::nullopt;
        };
        const Array rgb = frame::decode(model_for(header, model), grid, learned, header.level, area,
                                       false, team);
        put_colours(rgb, header.channels, header.channels, out);
    }
    if (!content.modes) return;
    const predictive::Picture target{out, area.width, area.height, header.channels, header.bit_depth};
    predictive::decode_picture(
        {grid.width, grid.height, grid.tile_log2}, [&](std::size_t n) { return content.tiles.tile(n); },
        {header.bit_depth, static_cast<unsigned>(content.modes->error)}, whole,
        {area.x, area.y, area.width, area.height}, target, team);
}

// Puts `colours` samples a pixel into pixels that have one more.
template <typename T>
void spread(const std::uint8_t* from, std::size_t count, std::size_t colours, std::uint8_t* to) {
    const std::size_t size = colours * sizeof(T);
    for (std::size_t n = 0; n < count; ++n) {
        std::memcpy(to + n * (size + sizeof(T)), from + n * size, size);
    }
}

template <typename T>
void decode_pixels(const lic_model* model, const container::Container& content,
                   const frame::Crop& area, threads::Team& team, std::uint8_t* pixels) {
    const container::Header& header = content.header;
    const std::size_t colours = header.channels, count = area.width * area.height;
    if (!header.alpha) return decode_colours(model, content, area, team, pixels);
    std::vector<T> planes(count * colours);
    auto* const bytes = reinterpret_cast<std::uint8_t*>(planes.data());
    decode_colours(model, content, area, team, bytes);
    spread<T>(bytes, count, colours, pixels);
    decode_alpha(*content.alpha, header.width, header.height, area,
                 reinterpret_cast<T*>(pixels) + colours, colours + 1);
}

// The colours of pixels of `channels` samples, without alpha.
template <typename T>
std::vector<T> colours_of(const std::uint8_t* pixels, std::size_t count, std::size_t channels,
                          std::size_t colours) {
    std::vector<T> planes(count * colours);
    for (std::size_t n = 0; n < count; ++n) {
        std::memcpy(planes.data() + n * colours, pixels + n * channels * sizeof(T), colours * sizeof(T));
    }
    return planes;
}

template <typename T>
std::vector<std::vector<std::uint8_t>> encode_exact(std::span<const std::uint8_t> pixels,
                                                    const container::Header& header,
                                                    std::size_t channels, unsigned error,
                                                    threads::Team& team) {
    std::vector<T> planes =
        colours_of<T>(pixels.data(), header.width * header.height, channels, header.channels);
    return predictive::encode_picture({planes.data(), header.width, header.height, header.channels,
                                       header.bit_depth},
                                      header.tile_log2, {header.bit_depth, error},
                                      predictive::Strength::normal, team);
}

void require_even(const void* pixels, unsigned bit_depth) {
    require(bit_depth == 8 || reinterpret_cast<std::uintptr_t>(pixels) % 2 == 0,
            "pixels of 16 bits need an even address");
}

}  // namespace

void decode(const lic_model* model, container::Bytes file, const std::optional<frame::Crop>& crop,
            std::uint32_t threads, std::span<std::uint8_t> pixels) {
    const std::size_t count = thread_count(threads);
    const container::Container content = container::read(file);
    const container::Header& header = content.header;
    const auto width = static_cast<std::size_t>(header.width);
    const auto height = static_cast<std::size_t>(header.height);
    const frame::Crop area = crop.value_or(frame::Crop{0, 0, width, height});
    require(area.width > 0 && area.height > 0 && area.x < width && area.width <= width - area.x &&
                area.y < height && area.height <= height - area.y,
            "the part is empty or reaches outside the picture");
    const std::size_t bytes = samples_of(header) * (header.bit_depth / 8);
    if (pixels.size() / bytes / area.width < area.height) {
        throw Failure(LIC_BUFFER_TOO_SMALL, "the pixels do not fit into their buffer");
    }
    require_even(pixels.data(), header.bit_depth);
    threads::Team team(count);
    if (header.bit_depth > 8) return decode_pixels<std::uint16_t>(model, content, area, team, pixels.data());
    decode_pixels<std::uint8_t>(model, content, area, team, pixels.data());
}

std::vector<std::uint8_t> encode(const lic_model* model, std::span<const std::uint8_t> pixels,
                                 std::uint32_t width, std::uint32_t height, std::uint32_t channels,
                                 const lic_encode_options& options) {
    const std::size_t count = thread_count(options.threads);
    require(width > 0 && height > 0, "the picture has no pixels");
    require(1 <= channels && channels <= 4, "channels: expected 1 to 4");
    const bool exact = options.exact != 0;
    container::Header header;
    header.bit_depth = options.bit_depth == 0 ? 8 : options.bit_depth;
    require(header.bit_depth == 8 || (header.bit_depth == 16 && exact),
            "bit_depth: expected 8, or 16 if exact");
    require(exact || model != nullptr, "model is NULL");
    require(exact || options.level < model->model.recipe().levels, "the model has no such level");
    header.width = width;
    header.height = height;
    header.channels = channels < 3 ? 1 : 3;
    header.alpha = channels % 2 == 0;
    const container::Modes modes = own_modes(options.error);
    if (exact) {
        header.model_id = modes.coder_id;
        header.weights_hash = modes.weights_hash;
    } else {
        header.model_id = options.model_id;
        std::copy_n(model->sha256.begin(), header.weights_hash.size(), header.weights_hash.begin());
        header.level = options.level;
    }
    header.tile_log2 = options.tile_log2 == 0 ? kTileLog2 : options.tile_log2;
    require(6 <= header.tile_log2 && header.tile_log2 <= 15, "tile_log2: expected 6 to 15, or 0");
    const container::Limits limits;
    limits.check_size(width, height);
    limits.check_tiles(header.tiles());
    require(pixels.size() == std::uint64_t{width} * height * channels * (header.bit_depth / 8),
            "pixels_size is not width * height * channels samples");
    require_even(pixels.data(), header.bit_depth);
    const container::Metadata metadata{present(options.metadata.icc), present(options.metadata.exif),
                                       present(options.metadata.xmp)};
    std::vector<std::uint8_t> alpha;
    if (header.alpha && header.bit_depth > 8) {
        alpha = encode_alpha(reinterpret_cast<const std::uint16_t*>(pixels.data()) + header.channels,
                             channels, width, height);
    } else if (header.alpha) {
        alpha = encode_alpha(pixels.data() + header.channels, channels, width, height);
    }
    threads::Team team(count);
    std::vector<std::vector<std::uint8_t>> payloads;
    if (!exact) {
        payloads = frame::encode(model->model, {width, height, header.tile_log2},
                                 rgb_of(pixels, width, height, channels), header.level, {}, false, team)
                       .tiles;
    } else if (header.bit_depth > 8) {
        payloads = encode_exact<std::uint16_t>(pixels, header, channels, options.error, team);
    } else {
        payloads = encode_exact<std::uint8_t>(pixels, header, channels, options.error, team);
    }
    const std::vector<container::Bytes> tiles(payloads.begin(), payloads.end());
    return container::write(header, metadata,
                            header.alpha ? std::optional<container::Bytes>(alpha) : std::nullopt,
                            exact ? std::optional(modes) : std::nullopt, tiles, limits);
}

}  // namespace capi
