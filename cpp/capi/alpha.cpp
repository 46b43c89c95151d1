#include "alpha.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "failure.hpp"
#include "zlib_stream.hpp"

namespace capi {
namespace {

enum Filter : std::uint8_t { kNone, kLeft, kUp, kPlane, kFilters };

using Bytes = std::vector<std::uint8_t>;

// Methods of a depth.
template <typename Sample>
struct Methods;
template <>
struct Methods<std::uint8_t> {
    static constexpr std::uint8_t constant = 0, filtered = 1;
};
template <>
struct Methods<std::uint16_t> {
    static constexpr std::uint8_t constant = 3, filtered = 2;
};

template <typename Sample>
using Row = std::vector<Sample>;

[[noreturn]] void damaged(const std::string& what) {
    throw Failure(LIC_DAMAGED_ALPHA, "alpha plane: " + what);
}

// What is predicted of value x of a row.
template <typename Sample>
int prediction(unsigned filter, const Row<Sample>& row, const Row<Sample>& above, std::size_t x) {
    const int left = x > 0 ? row[x - 1] : 0, corner = x > 0 ? above[x - 1] : 0;
    switch (filter) {
        case kLeft: return left;
        case kUp: return above[x];
        case kPlane: return left + above[x] - corner;
        default: return 0;
    }
}

// Values as bytes, the high one first.
std::uint8_t high(std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8); }
std::uint8_t low(std::uint16_t value) { return static_cast<std::uint8_t>(value & 255); }

void append_value(std::uint8_t value, Bytes& to) { to.push_back(value); }
void append_value(std::uint16_t value, Bytes& to) { to.insert(to.end(), {high(value), low(value)}); }

std::uint8_t value_of(std::span<const std::uint8_t, 1> bytes) { return bytes[0]; }
std::uint16_t value_of(std::span<const std::uint8_t, 2> bytes) {
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

// Residuals of a row as bytes; of 16 bits all the high bytes, then all the low ones.
void append_row(const Row<std::uint8_t>& row, Bytes& to) {
    to.insert(to.end(), row.begin(), row.end());
}
void append_row(const Row<std::uint16_t>& row, Bytes& to) {
    for (const std::uint16_t value : row) to.push_back(high(value));
    for (const std::uint16_t value : row) to.push_back(low(value));
}

void split_row(const Bytes& bytes, Row<std::uint8_t>& row) { std::ranges::copy(bytes, row.begin()); }
void split_row(const Bytes& bytes, Row<std::uint16_t>& row) {
    const std::size_t width = row.size();
    for (std::size_t x = 0; x < width; ++x) {
        row[x] = static_cast<std::uint16_t>(bytes[x] << 8 | bytes[width + x]);
    }
}

template <typename Sample>
void decode_plane(std::span<const std::uint8_t> data, std::size_t width, std::size_t height,
                  const frame::Crop& crop, Sample* out, std::size_t step) {
    constexpr std::size_t kBytes = sizeof(Sample);
    if (data.empty()) damaged("it is empty");
    if (data[0] == Methods<Sample>::constant) {
        if (data.size() != 1 + kBytes) damaged("a constant plane has another size");
        const Sample value = value_of(data.subspan(1).first<kBytes>());
        for (std::size_t n = 0; n < crop.width * crop.height; ++n) out[n * step] = value;
        return;
    }
    if (data[0] != Methods<Sample>::filtered) {
        damaged("method " + std::to_string(data[0]) + " is not known for this depth");
    }
    Unpacker unpacker(data.subspan(1));
    Bytes bytes(width * kBytes);
    Row<Sample> row(width), above(width, 0);
    for (std::size_t y = 0; y < height; ++y) {
        std::uint8_t filter = 0;
        unpacker.take({&filter, 1});
        unpacker.take(bytes);
        if (filter >= kFilters) damaged("filter " + std::to_string(filter) + " is not known");
        split_row(bytes, row);
        for (std::size_t x = 0; x < width; ++x) {
            row[x] = static_cast<Sample>(row[x] + prediction(filter, row, above, x));
        }
        if (y >= crop.y && y - crop.y < crop.height) {
            for (std::size_t x = 0; x < crop.width; ++x, out += step) *out = row[crop.x + x];
        }
        std::swap(row, above);
    }
    unpacker.finish();
}

template <typename Sample>
Bytes encode_plane(const Sample* in, std::size_t step, std::size_t width, std::size_t height) {
    bool constant = true;
    for (std::size_t n = 0; n < width * height && constant; ++n) constant = in[n * step] == in[0];
    if (constant) {
        Bytes coded{Methods<Sample>::constant};
        append_value(in[0], coded);
        return coded;
    }
    constexpr std::uint64_t kRange = std::uint64_t{1} << 8 * sizeof(Sample);
    Packer packer;
    Row<Sample> row(width), above(width, 0);
    std::array<Row<Sample>, kFilters> residuals;
    residuals.fill(Row<Sample>(width));
    Bytes coded;
    for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x, in += step) row[x] = *in;
        std::array<std::uint64_t, kFilters> costs{};
        for (unsigned filter = 0; filter < kFilters; ++filter) {
            for (std::size_t x = 0; x < width; ++x) {
                const auto residual =
                    static_cast<Sample>(row[x] - prediction(filter, row, above, x));
                residuals[filter][x] = residual;
                costs[filter] += std::min<std::uint64_t>(residual, kRange - residual);  // signed
            }
        }
        const auto best = std::ranges::min_element(costs) - costs.begin();
        coded.assign(1, static_cast<std::uint8_t>(best));
        append_row(residuals[static_cast<std::size_t>(best)], coded);
        packer.put(coded);
        std::swap(row, above);
    }
    Bytes packed = packer.finish();
    packed.insert(packed.begin(), Methods<Sample>::filtered);
    return packed;
}

}  // namespace

void decode_alpha(std::span<const std::uint8_t> data, std::size_t width, std::size_t height,
                  const frame::Crop& crop, std::uint8_t* out, std::size_t step) {
    decode_plane(data, width, height, crop, out, step);
}

void decode_alpha(std::span<const std::uint8_t> data, std::size_t width, std::size_t height,
                  const frame::Crop& crop, std::uint16_t* out, std::size_t step) {
    decode_plane(data, width, height, crop, out, step);
}

Bytes encode_alpha(const std::uint8_t* in, std::size_t step, std::size_t width,
                   std::size_t height) {
    return encode_plane(in, step, width, height);
}

Bytes encode_alpha(const std::uint16_t* in, std::size_t step, std::size_t width,
                   std::size_t height) {
    return encode_plane(in, step, width, height);
}

}  // namespace capi
