// The way through a picture, 16 rows at a time, each row 4 columns behind the one above it; see
// photo_kernels.hpp. A lane that is done with its row goes on with the row 16 below.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "photo_kernels.hpp"
#include "view.hpp"

namespace predictive {

class Wave {
public:
    // `first` is the value of every channel in the rows above the picture.
    Wave(std::size_t width, std::size_t height, int channels, const std::array<std::int32_t, 3>& first);

    std::size_t steps() const { return steps_; }
    // Lane 0 of the first plane of the step at hand.
    std::int32_t* record() { return records_.data() + now_ * kRecord + kPads; }
    // Lanes that stand on a sample, and where.
    unsigned mask() const { return mask_; }
    std::int32_t column(int lane) const { return columns_[lane]; }
    std::int32_t row(int lane) const { return rows_[lane]; }
    // To the next step: the values of all lanes of mask() are in the record.
    void advance();

private:
    static constexpr std::size_t kHistory = 16, kRecords = 40;
    static constexpr int kMargin = 3;  // columns beside the picture that are looked at

    void locate();
    void fill_margins();

    std::int32_t width_, height_, period_;
    int planes_;
    std::size_t steps_ = 0, now_ = kHistory, slot_ = 0, mask_ = 0;
    std::int32_t columns_[kLanes], rows_[kLanes];
    std::array<std::int32_t, kPlanes> outside_{};
    std::vector<std::int32_t> records_;
    std::vector<std::int32_t> above_;  // of lanes 12 .. 15, until the rows below need them
    std::size_t slots_;
};

// Sample of a pixel that is channel c of the coder: green, red, blue.
constexpr std::size_t sample_of(std::size_t channels, std::size_t c) {
    return channels == 1 ? 0 : c == 0 ? 1 : c == 1 ? 0 : 2;
}

// Samples under the lanes of the wave's mask, by channel.
void load_samples(const Samples& pixels, const Wave& wave, std::int32_t (&source)[3][kLanes]);

// Samples from the values of the record at hand.
void store_samples(Wave& wave, const Target& target);

}  // namespace predictive
