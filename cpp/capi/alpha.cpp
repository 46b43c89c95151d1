#include "alpha.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "failure.hpp"
#include "zlib_stream.hpp"

namespace capi {
namespace {

constexpr std::uint8_t kConstant = 0, kFiltered = 1;  // methods
enum Filter : std::uint8_t { kNone, kLeft, kUp, kPlane, kFilters };

using Row = std::vector<std::uint8_t>;

[[noreturn]] void damaged(const std::string& what) {
    throw Failure(LIC_DAMAGED_ALPHA, "alpha plane: " + what);
}

std::uint8_t byte(int value) { return static_cast<std::uint8_t>(value); }

// What is predicted of value x of a row.
int prediction(unsigned filter, const Row& row, const Row& above, std::size_t x) {
    const int left = x > 0 ? row[x - 1] : 0, corner = x > 0 ? above[x - 1] : 0;
    switch (filter) {
        case kLeft: return left;
        case kUp: return above[x];
        case kPlane: return left + above[x] - corner;
        default: return 0;
    }
}

}  // namespace

void decode_alpha(std::span<const std::uint8_t> data, std::size_t width, std::size_t height,
                  const frame::Crop& crop, std::uint8_t* out, std::size_t step) {
    if (data.empty()) damaged("it is empty");
    if (data[0] == kConstant) {
        if (data.size() != 2) damaged("a constant plane has 2 bytes");
        for (std::size_t n = 0; n < crop.width * crop.height; ++n) out[n * step] = data[1];
        return;
    }
    if (data[0] != kFiltered) damaged("method " + std::to_string(data[0]) + " is not known");
    Unpacker unpacker(data.subspan(1));
    Row row(width), above(width, 0);
    for (std::size_t y = 0; y < height; ++y) {
        std::uint8_t filter = 0;
        unpacker.take({&filter, 1});
        unpacker.take(row);
        if (filter >= kFilters) damaged("filter " + std::to_string(filter) + " is not known");
        for (std::size_t x = 0; x < width; ++x) {
            row[x] = byte(row[x] + prediction(filter, row, above, x));
        }
        if (y >= crop.y && y - crop.y < crop.height) {
            for (std::size_t x = 0; x < crop.width; ++x, out += step) *out = row[crop.x + x];
        }
        std::swap(row, above);
    }
    unpacker.finish();
}

std::vector<std::uint8_t> encode_alpha(const std::uint8_t* in, std::size_t step, std::size_t width,
                                       std::size_t height) {
    bool constant = true;
    for (std::size_t n = 0; n < width * height && constant; ++n) constant = in[n * step] == in[0];
    if (constant) return {kConstant, in[0]};
    Packer packer;
    Row row(width), above(width, 0);
    std::array<Row, kFilters> residuals;  // each behind its filter's number
    for (std::size_t y = 0; y < height; ++y) {
        for (std::size_t x = 0; x < width; ++x, in += step) row[x] = *in;
        std::array<std::uint64_t, kFilters> costs{};
        for (unsigned filter = 0; filter < kFilters; ++filter) {
            Row& coded = residuals[filter];
            coded.assign(1, byte(static_cast<int>(filter)));
            for (std::size_t x = 0; x < width; ++x) {
                const std::uint8_t residual = byte(row[x] - prediction(filter, row, above, x));
                coded.push_back(residual);
                costs[filter] += residual < 128 ? residual : 256u - residual;  // magnitude as signed
            }
        }
        packer.put(residuals[std::ranges::min_element(costs) - costs.begin()]);
        std::swap(row, above);
    }
    std::vector<std::uint8_t> packed = packer.finish();
    packed.insert(packed.begin(), kFiltered);
    return packed;
}

}  // namespace capi
