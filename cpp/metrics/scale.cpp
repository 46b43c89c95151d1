#include "scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "each.hpp"
#include "xyb.hpp"

namespace metrics {
namespace {

constexpr float kC2 = 0.0009f;

// The window: a Gaussian of sigma 1.5 in the approximation by three truncated cosines that libjxl
// computes by recursion (D. Charalampidis, "Recursive implementation of the Gaussian filter using
// truncated cosine functions", IEEE Trans. Signal Processing 64 (14), 2016, with N = 5). The cosines
// end after four samples, so that these are all its taps: the middle, then those to either side. Their
// sum is 1. Outside the picture there are zeros, as in libjxl.
constexpr std::size_t kReach = 4, kTaps = 2 * kReach + 1;
constexpr float kWindow[kReach + 1] = {0.2646211054881984f, 0.21292859201042213f,
                                       0.10933537277746021f, 0.036011114658364257f,
                                       0.0094143678096535782f};

// Rows of the picture whose errors are added up by themselves, whatever the number of threads.
constexpr std::size_t kBandRows = 64;
// Sums that are kept apart within a row, so that a compiler may compute them at once.
constexpr std::size_t kLanes = 8;

// What is averaged by the window, of samples a of the original and b of the distorted picture.
enum Blurred { kA, kB, kPowers, kDifference, kBlurred };  // a, b, a^2 + b^2, (a - b)^2

// Sums over pixels of the maps and of their fourth powers: structure, added, lost.
using Sums = std::array<double, 6>;
using BandSums = std::array<Sums, 3>;

// out[x] = the window's mean of in[x - 4] .. in[x + 4].
void blur_row(const float* __restrict in, float* __restrict out, std::size_t width) {
    for (std::size_t x = 0; x < width; ++x) {
        const float* at = in + x;
        out[x] = kWindow[0] * at[0] + kWindow[1] * (at[-1] + at[1]) + kWindow[2] * (at[-2] + at[2]) +
                 kWindow[3] * (at[-3] + at[3]) + kWindow[4] * (at[-4] + at[4]);
    }
}

// out[x] = the window's mean of column x of nine rows.
void blur_columns(const std::array<const float*, kTaps>& rows, float* __restrict out,
                  std::size_t width) {
    const auto [r0, r1, r2, r3, r4, r5, r6, r7, r8] = rows;
    for (std::size_t x = 0; x < width; ++x) {
        out[x] = kWindow[0] * r4[x] + kWindow[1] * (r3[x] + r5[x]) + kWindow[2] * (r2[x] + r6[x]) +
                 kWindow[3] * (r1[x] + r7[x]) + kWindow[4] * (r0[x] + r8[x]);
    }
}

// max(x, 0), exactly; std::max keeps compilers from computing several at once.
float positive(float x) { return 0.5f * (x + std::abs(x)); }

// The three maps of one row: structure, added, lost.
//
// With the window's means written E: 1 - SSIM is 1 - (1 - g) (2 cov(a, b) + C2) / v with
// v = var a + var b + C2 and g = (Ea - Eb)^2. As 2 cov(a, b) = var a + var b - var(a - b), that is
// g + (1 - g) var(a - b) / v, which loses nothing to rounding where the pictures are alike.
void map_row(const float* __restrict a, const float* __restrict b,
             const std::array<float*, kBlurred>& blurred, const std::array<float*, 3>& maps,
             std::size_t width) {
    const float* __restrict mean_a = blurred[kA];
    const float* __restrict mean_b = blurred[kB];
    const float* __restrict powers = blurred[kPowers];
    const float* __restrict difference = blurred[kDifference];
    float* __restrict structure = maps[0];
    float* __restrict added = maps[1];
    float* __restrict lost = maps[2];
    for (std::size_t x = 0; x < width; ++x) {
        const float mu = mean_a[x], nu = mean_b[x];
        const float shift = (mu - nu) * (mu - nu);
        const float variances = powers[x] - (mu * mu + nu * nu) + kC2;
        const float apart = difference[x] - shift;
        structure[x] = positive(shift + (1.0f - shift) * apart / variances);
        const float edge = std::abs(a[x] - mu);
        const float change = (std::abs(b[x] - nu) - edge) / (1.0f + edge);
        added[x] = positive(change);
        lost[x] = positive(-change);
    }
}

// Adds a row of a map and its fourth powers to two sums; `width` is a multiple of the lanes.
void add_row(const float* map, std::size_t width, double* sums) {
    double plain[kLanes] = {}, powers[kLanes] = {};
    for (std::size_t x = 0; x < width; x += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double value = static_cast<double>(map[x + lane]);
            const double square = value * value;
            plain[lane] += value;
            powers[lane] += square * square;
        }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        sums[0] += plain[lane];
        sums[1] += powers[lane];
    }
}

// Walks down a band of rows with the last nine rows at hand.
class Band {
public:
    Band(const Light& original, const Light& distorted)
        : original_(original),
          distorted_(distorted),
          width_((original.width + kLanes - 1) / kLanes * kLanes),
          stride_(width_ + 2 * kReach),
          memory_((kTaps * 3 * kKept + kSpare) * stride_) {}

    BandSums sums(std::size_t first, std::size_t last) {
        BandSums result{};
        for (std::size_t next = first; next < last + 2 * kReach; ++next) {
            take(next);  // row next - kReach
            if (next < first + 2 * kReach) continue;
            const std::size_t middle = next - kReach;
            for (std::size_t plane = 0; plane < 3; ++plane) {
                std::array<float*, kBlurred> blurred;
                for (std::size_t what = 0; what < kBlurred; ++what) {
                    std::array<const float*, kTaps> rows;
                    for (std::size_t tap = 0; tap < kTaps; ++tap) {
                        rows[tap] = at(next - 2 * kReach + tap, plane, what);
                    }
                    blurred[what] = spare(what);
                    blur_columns(rows, blurred[what], width_);
                }
                const std::array<float*, 3> maps = {spare(kBlurred), spare(kBlurred + 1),
                                                    spare(kBlurred + 2)};
                map_row(at(middle, plane, kPlainA), at(middle, plane, kPlainB), blurred, maps, width_);
                for (std::size_t n = 0; n < 3; ++n) {
                    add_row(maps[n], width_, result[plane].data() + 2 * n);
                }
            }
        }
        return result;
    }

private:
    // Kept of a row and plane: what the window averages, blurred along the row, and the samples.
    enum Kept { kPlainA = kBlurred, kPlainB, kKept };

    // Rows are counted from kReach above the picture. A row has kReach zeros to its left and right.
    float* at(std::size_t row, std::size_t plane, std::size_t what) {
        return memory_.data() + ((row % kTaps * 3 + plane) * kKept + what) * stride_ + kReach;
    }

    static constexpr std::size_t kSpare = kBlurred + 3;

    // A row that is written before it is read; 0 beyond the picture's width.
    float* spare(std::size_t n) {
        return memory_.data() + (kTaps * 3 * kKept + n) * stride_ + kReach;
    }

    LightRow planes(std::size_t row, std::size_t what) {
        return {{at(row, 0, what), at(row, 1, what), at(row, 2, what)}};
    }

    void take(std::size_t row) {
        const std::size_t width = original_.width;
        if (row < kReach || row >= original_.height + kReach) {
            for (std::size_t plane = 0; plane < 3; ++plane) {
                for (std::size_t what = 0; what < kBlurred; ++what) {
                    std::fill_n(at(row, plane, what), width, 0.0f);
                }
            }
            return;
        }
        const LightRow first = planes(row, kPlainA), second = planes(row, kPlainB);
        original_.read(row - kReach, first);
        distorted_.read(row - kReach, second);
        to_xyb(first, width);
        to_xyb(second, width);
        for (std::size_t plane = 0; plane < 3; ++plane) {
            const float* __restrict a = first.planes[plane];
            const float* __restrict b = second.planes[plane];
            float* __restrict product = spare(0);
            blur_row(a, at(row, plane, kA), width);
            blur_row(b, at(row, plane, kB), width);
            for (std::size_t x = 0; x < width; ++x) product[x] = a[x] * a[x] + b[x] * b[x];
            blur_row(product, at(row, plane, kPowers), width);
            for (std::size_t x = 0; x < width; ++x) product[x] = (a[x] - b[x]) * (a[x] - b[x]);
            blur_row(product, at(row, plane, kDifference), width);
        }
    }

    const Light &original_, &distorted_;
    std::size_t width_, stride_;  // samples of a row with those that fill up the last lanes; and zeros
    std::vector<float> memory_;
};

}  // namespace

ScaleErrors compare_scale(const Light& original, const Light& distorted, threads::Team& team) {
    const std::size_t height = original.height;
    std::vector<BandSums> bands((height + kBandRows - 1) / kBandRows);
    threads::each(team, bands.size(), [&](std::size_t n) {
        const std::size_t first = n * kBandRows;
        bands[n] = Band(original, distorted).sums(first, std::min(height, first + kBandRows));
    });

    BandSums whole{};
    for (const BandSums& band : bands) {
        for (std::size_t plane = 0; plane < 3; ++plane) {
            for (std::size_t n = 0; n < 6; ++n) whole[plane][n] += band[plane][n];
        }
    }
    const double pixels = static_cast<double>(original.width) * static_cast<double>(height);
    const auto mean = [&](double sum) { return sum / pixels; };
    const auto norm = [&](double sum) { return std::sqrt(std::sqrt(sum / pixels)); };
    ScaleErrors result;
    for (std::size_t plane = 0; plane < 3; ++plane) {
        const Sums& sums = whole[plane];
        result.planes[plane] = {{mean(sums[0]), norm(sums[1])},
                                {mean(sums[2]), norm(sums[3])},
                                {mean(sums[4]), norm(sums[5])}};
    }
    return result;
}

}  // namespace metrics
