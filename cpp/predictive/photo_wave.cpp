#include "photo_wave.hpp"

#include <algorithm>
#include <cstring>

namespace predictive {
namespace {

constexpr std::int32_t kShortest = kLanes * kLag;  // steps until lane 0 may follow lane 15
constexpr std::size_t kAbove = kPlanes * kPads;

}  // namespace

Wave::Wave(std::size_t width, std::size_t height, int channels, const std::array<std::int32_t, 3>& first)
    : width_(static_cast<std::int32_t>(width)),
      height_(static_cast<std::int32_t>(height)),
      period_(std::max(width_ + 2 * kMargin, kShortest)),
      planes_(channels * kKinds),
      records_(kRecords * kRecord),
      slots_(static_cast<std::size_t>(period_ - kShortest) + 1) {
    for (int c = 0; c < 3; ++c) outside_[static_cast<std::size_t>(c * kKinds)] = first[static_cast<std::size_t>(c)];
    for (std::size_t r = 0; r < kRecords; ++r) {
        for (int p = 0; p < kPlanes; ++p) {
            std::fill_n(&records_[r * kRecord + static_cast<std::size_t>(p * kPlane)], kPlane,
                        outside_[static_cast<std::size_t>(p)]);
        }
    }
    above_.resize(slots_ * kAbove);
    for (std::size_t n = 0; n < above_.size(); ++n) above_[n] = outside_[n / kPads % kPlanes];
    const std::int32_t last = height_ - 1;
    steps_ = static_cast<std::size_t>(last / kLanes) * static_cast<std::size_t>(period_) +
             static_cast<std::size_t>(last % kLanes * kLag + width_);
    for (int l = 0; l < kLanes; ++l) {
        columns_[l] = -kLag * l;
        rows_[l] = l;
    }
    locate();
}

void Wave::locate() {
    unsigned mask = 0;
    for (int l = 0; l < kLanes; ++l) {
        const bool inside = columns_[l] >= 0 && columns_[l] < width_ && rows_[l] < height_;
        mask |= static_cast<unsigned>(inside) << l;
    }
    mask_ = mask;
}

// Lanes beside the picture: right of it stands its last value, left of it the first of the row above.
void Wave::fill_margins() {
    std::int32_t* const at = record();
    for (int l = 0; l < kLanes; ++l) {
        if (mask_ >> l & 1) continue;
        const std::int32_t column = columns_[l];
        std::ptrdiff_t from = 0;  // relative to the value itself
        if (rows_[l] < height_ && column >= width_ && column < width_ + kMargin) from = -kRecord;
        if (rows_[l] < height_ && column < 0 && column >= -kMargin) {
            from = (-column - kLag) * kRecord - 1;
        }
        for (int p = 0; p < planes_; ++p) {
            std::int32_t& value = at[p * kPlane + l];
            value = from != 0 ? (&value)[from] : outside_[static_cast<std::size_t>(p)];
        }
    }
}

void Wave::advance() {
    if (mask_ != (1u << kLanes) - 1) fill_margins();
    std::int32_t* const at = record();
    std::int32_t* const put = &above_[slot_ * kAbove];
    for (int p = 0; p < planes_; ++p) {
        std::memcpy(put + p * kPads, at + p * kPlane + kLanes - kPads, kPads * sizeof(std::int32_t));
    }
    slot_ = slot_ + 1 == slots_ ? 0 : slot_ + 1;
    const std::int32_t* const take = &above_[slot_ * kAbove];
    for (int p = 0; p < planes_; ++p) {
        std::memcpy(at + p * kPlane - kPads, take + p * kPads, kPads * sizeof(std::int32_t));
    }
    if (++now_ == kRecords) {
        std::memmove(records_.data(), &records_[(kRecords - kHistory) * kRecord],
                     kHistory * kRecord * sizeof(std::int32_t));
        now_ = kHistory;
    }
    for (int l = 0; l < kLanes; ++l) {
        if (++columns_[l] == period_ - kMargin) {
            columns_[l] = -kMargin;
            rows_[l] += kLanes;
        }
    }
    locate();
}

void load_samples(const Samples& pixels, const Wave& wave, std::int32_t (&source)[3][kLanes]) {
    const std::size_t channels = pixels.channels;
    for (int l = 0; l < kLanes; ++l) {
        if ((wave.mask() >> l & 1) == 0) continue;
        const std::uint16_t* const pixel = pixels.row(static_cast<std::size_t>(wave.row(l))) +
                                           static_cast<std::size_t>(wave.column(l)) * channels;
        source[0][l] = pixel[sample_of(channels, 0)];
        if (channels == 1) continue;
        source[1][l] = pixel[sample_of(channels, 1)];
        source[2][l] = pixel[sample_of(channels, 2)];
    }
}

void store_samples(Wave& wave, const Target& target) {
    const std::size_t channels = target.channels;
    const std::int32_t* const record = wave.record();
    for (int l = 0; l < kLanes; ++l) {
        if ((wave.mask() >> l & 1) == 0) continue;
        std::uint16_t* const pixel = target.row(static_cast<std::size_t>(wave.row(l))) +
                                     static_cast<std::size_t>(wave.column(l)) * channels;
        const std::int32_t green = record[l];
        pixel[sample_of(channels, 0)] = static_cast<std::uint16_t>(green);
        if (channels == 1) continue;
        pixel[sample_of(channels, 1)] = static_cast<std::uint16_t>(record[kKinds * kPlane + l] + green);
        pixel[sample_of(channels, 2)] = static_cast<std::uint16_t>(record[2 * kKinds * kPlane + l] + green);
    }
}

}  // namespace predictive
