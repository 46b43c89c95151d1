#include "light.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "each.hpp"

namespace metrics {
namespace {

// Rows that one piece of work halves.
constexpr std::size_t kPieceRows = 32;

// IEC 61966-2-1: what light a coded value of 0..1 stands for.
double decoded(double coded) {
    return coded <= 0.04045 ? coded / 12.92 : std::pow((coded + 0.055) / 1.055, 2.4);
}

}  // namespace

template <typename Sample>
SampleLight<Sample>::SampleLight(const Picture<Sample>& picture)
    : Light(picture.width, picture.height), picture_(picture) {
    constexpr std::size_t peak = std::numeric_limits<Sample>::max();
    table_.resize(peak + 1);
    for (std::size_t value = 0; value <= peak; ++value) {
        const double coded = static_cast<double>(value) / static_cast<double>(peak);
        table_[value] = static_cast<float>(decoded(coded));
    }
}

template <typename Sample>
void SampleLight<Sample>::read(std::size_t y, const LightRow& row) const {
    const std::size_t channels = picture_.channels;
    const Sample* samples = picture_.samples + y * width * channels;
    for (std::size_t plane = 0; plane < 3; ++plane) {
        const Sample* from = samples + plane % channels;
        for (std::size_t x = 0; x < width; ++x) row.planes[plane][x] = table_[from[x * channels]];
    }
}

template class SampleLight<std::uint8_t>;
template class SampleLight<std::uint16_t>;

HalvedLight::HalvedLight(const Light& whole, threads::Team& team)
    : Light((whole.width + 1) / 2, (whole.height + 1) / 2), values_(3 * width * height) {
    threads::each(team, (height + kPieceRows - 1) / kPieceRows, [&](std::size_t piece) {
        const std::size_t from = whole.width;
        std::vector<float> two_rows(6 * from);
        const auto row_of = [&](std::size_t n) {
            float* start = two_rows.data() + 3 * n * from;
            return LightRow{{start, start + from, start + 2 * from}};
        };
        const LightRow upper = row_of(0), lower = row_of(1);
        const std::size_t end = std::min(height, (piece + 1) * kPieceRows);
        for (std::size_t y = piece * kPieceRows; y < end; ++y) {
            whole.read(2 * y, upper);
            whole.read(std::min(2 * y + 1, whole.height - 1), lower);
            for (std::size_t plane = 0; plane < 3; ++plane) {
                const float *a = upper.planes[plane], *b = lower.planes[plane];
                float* out = values_.data() + (3 * y + plane) * width;
                for (std::size_t x = 0; x < from / 2; ++x) {
                    out[x] = 0.25f * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]);
                }
                if (from % 2 == 1) out[width - 1] = 0.5f * (a[from - 1] + b[from - 1]);
            }
        }
    });
}

void HalvedLight::read(std::size_t y, const LightRow& row) const {
    const float* from = values_.data() + 3 * y * width;
    for (float* plane : row.planes) {
        std::copy_n(from, width, plane);
        from += width;
    }
}

}  // namespace metrics
