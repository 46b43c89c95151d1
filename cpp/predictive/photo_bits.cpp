// What a rectangle would cost, from a ninth of it.
#include <algorithm>
#include <cstring>

#include "photo.hpp"
#include "photo_encode.hpp"
#include "photo_fit.hpp"
#include "photo_model.hpp"

namespace predictive {
namespace {

constexpr std::size_t kColumns = 128, kRows = kLanes;  // of a piece
constexpr std::size_t kOneOf = 9;                      // pieces
constexpr unsigned kCountedFrom = 2;  // rows above see what is not their neighbourhood

// Pieces of the picture, evenly spread, one below the other.
std::vector<std::uint16_t> pieces(const Samples& pixels, std::size_t columns, std::size_t rows) {
    const std::size_t across = pixels.width / columns, down = pixels.height / rows;
    std::vector<std::uint16_t> found;
    for (std::size_t n = 0; n < across * down; ++n) {
        const std::size_t y = n / across, x = n % across;
        if (across * down >= kOneOf && (x * 4 + y * 7) % kOneOf != kOneOf / 2) continue;
        if (across * down < kOneOf && n != across * down / 2) continue;
        for (std::size_t row = 0; row < rows; ++row) {
            const std::uint16_t* const from = pixels.row(y * rows + row) + x * columns * pixels.channels;
            found.insert(found.end(), from, from + columns * pixels.channels);
        }
    }
    return found;
}

}  // namespace

double photo_bits(const Samples& pixels, unsigned bits, unsigned error, std::string_view name) {
    check_samples(pixels, bits, error);
    const PhotoKernels& kernels = photo_kernels(name);
    const PhotoModel& model = PhotoModel::get();
    const std::size_t columns = std::min(kColumns, pixels.width), rows = std::min(kRows, pixels.height);
    const std::vector<std::uint16_t> part = pieces(pixels, columns, rows);
    const std::size_t stride = columns * pixels.channels;
    const Samples stacked{part.data(), columns, part.size() / stride, pixels.channels, stride};

    Header header;
    header.set_first(stacked);
    Setting setting = model.setting(bits, error);
    fit(stacked, bits, kernels, setting, header);
    header.use(setting, pixels.channels);
    const unsigned from = rows > 2 * kCountedFrom ? kCountedFrom : 0;
    std::uint64_t spent = 0, counted = 0;
    for (const Symbol symbol : photo_symbols(stacked, kernels, setting, header, {})) {
        if (symbol >> kLaneAt < from) continue;
        spent += model.cost(entry_of(symbol)) + (raw_bits(symbol) << rans::kCostBits);
        ++counted;
    }
    const std::size_t samples = pixels.width * pixels.height * pixels.channels;
    const std::size_t head = write_header(header, pixels.channels, bits).size() +
                             states_for(pixels.width * pixels.height) * rans::kStateBytes;
    const double each = static_cast<double>(spent) / (1 << rans::kCostBits) / static_cast<double>(counted);
    const double coded = each * static_cast<double>(samples) + 8.0 * static_cast<double>(head);
    return std::min(coded, 8.0 * static_cast<double>(raw_size(samples, bits, error)));
}

}  // namespace predictive
