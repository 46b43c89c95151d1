// References of a motion search: quarter-sample phases by the interpolation filters of HEVC.
#include <cstring>
#include <vector>

#include "difference.hpp"
#include "search_parts.hpp"
#include "targets.hpp"

namespace video {
namespace {

// Farther than this outside the picture the filters see nothing but copies of its edge.
constexpr int kReach = 8;
constexpr int kChunk = 32;  // rows that a thread makes at a time

template <int k0, int k1, int k2, int k3, int k4, int k5, int k6, int k7>
struct Taps {
    static inline int sum(const std::uint8_t* s) {
        return k0 * s[-3] + k1 * s[-2] + k2 * s[-1] + k3 * s[0] + k4 * s[1] + k5 * s[2] +
               k6 * s[3] + k7 * s[4];
    }
    static inline int sum(const std::int16_t* s, std::ptrdiff_t n) {
        return k0 * s[-3 * n] + k1 * s[-2 * n] + k2 * s[-n] + k3 * s[0] + k4 * s[n] +
               k5 * s[2 * n] + k6 * s[3 * n] + k7 * s[4 * n];
    }
};
using Quarter = Taps<-1, 4, -10, 58, 17, -5, 1, 0>;
using Half = Taps<-1, 4, -11, 40, 40, -11, 4, -1>;
using ThreeQuarters = Taps<0, 1, -5, 17, 58, -10, 4, -1>;

inline std::uint8_t rounded(int value) {  // of 14 bits
    value = (value + 32) >> 6;
    return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

}  // namespace

// One row each; `out` has 14 bits after the first, and `stride` between its rows.
VIDEO_TARGETS void filter_along(const std::uint8_t* in, std::int16_t* out, int count, int phase) {
    if (phase == 0) {
        for (int x = 0; x < count; ++x) out[x] = static_cast<std::int16_t>(in[x] << 6);
    } else if (phase == 1) {
        for (int x = 0; x < count; ++x) out[x] = static_cast<std::int16_t>(Quarter::sum(in + x));
    } else if (phase == 2) {
        for (int x = 0; x < count; ++x) out[x] = static_cast<std::int16_t>(Half::sum(in + x));
    } else {
        for (int x = 0; x < count; ++x) {
            out[x] = static_cast<std::int16_t>(ThreeQuarters::sum(in + x));
        }
    }
}

VIDEO_TARGETS void filter_across(const std::int16_t* in, std::ptrdiff_t stride, std::uint8_t* out,
                                int count, int phase) {
    if (phase == 0) {
        for (int x = 0; x < count; ++x) out[x] = rounded(in[x]);
    } else if (phase == 1) {
        for (int x = 0; x < count; ++x) out[x] = rounded(Quarter::sum(in + x, stride) >> 6);
    } else if (phase == 2) {
        for (int x = 0; x < count; ++x) out[x] = rounded(Half::sum(in + x, stride) >> 6);
    } else {
        for (int x = 0; x < count; ++x) out[x] = rounded(ThreeQuarters::sum(in + x, stride) >> 6);
    }
}

namespace {

// Fills a row's border from `reach` samples beyond its ends.
void extend_row(const Bordered& picture, int width, int y, std::size_t plane, int reach) {
    std::uint8_t* row = picture.at(0, y, plane);
    const auto left = static_cast<std::size_t>(picture.border - reach);
    const auto right = picture.stride - static_cast<std::size_t>(picture.border + width + reach);
    std::memset(row - picture.border, row[-reach], left);
    std::memset(row + width + reach, row[width + reach - 1], right);
}

// Fills the rows above and below from those `reach` beyond the first and the last.
void extend_plane(const Bordered& picture, int height, std::size_t plane, int reach) {
    const auto row = [&](int y) { return picture.at(-picture.border, y, plane); };
    for (int y = -picture.border; y < -reach; ++y) std::memcpy(row(y), row(-reach), picture.stride);
    for (int y = height + reach; y < height + picture.border; ++y) {
        std::memcpy(row(y), row(height + reach - 1), picture.stride);
    }
}

// Rows [first, last) of all phases but the first.
void make_phases(const Bordered& phases, int width, int first, int last) {
    const int count = width + 2 * kReach;
    const std::ptrdiff_t stride = (count + 15) / 16 * 16;
    std::vector<std::int16_t> along(static_cast<std::size_t>(stride) * (last - first + 7));
    for (int dx = 0; dx < 4; ++dx) {
        for (int y = first - 3; y < last + 4; ++y) {
            filter_along(phases.at(-kReach, y), along.data() + (y - first + 3) * stride, count, dx);
        }
        for (int dy = dx == 0; dy < 4; ++dy) {
            const std::size_t plane = static_cast<std::size_t>(dx + dy * 4);
            for (int y = first; y < last; ++y) {
                filter_across(along.data() + (y - first + 3) * stride, stride,
                              phases.at(-kReach, y, plane), count, dy);
                extend_row(phases, width, y, plane, kReach);
            }
        }
    }
}

}  // namespace

void coarsen(const Luma& luma, const Bordered& coarse, int first, int last) {
    for (int y = first; y < last; ++y) {
        const std::uint8_t* in = luma.samples + static_cast<std::size_t>(y) * kCoarse * luma.stride;
        std::uint8_t* out = coarse.at(0, y);
        for (int x = 0; x < luma.width / kCoarse; ++x) {
            int sum = 8;
            for (int i = 0; i < 4; ++i) {
                const std::uint8_t* row = in + i * luma.stride + 4 * x;
                sum += row[0] + row[1] + row[2] + row[3];
            }
            out[x] = static_cast<std::uint8_t>(sum >> 4);
        }
    }
}

SearchReference::SearchReference(const Luma& luma, threads::Team& team)
    : parts_(std::make_unique<Parts>()) {
    Parts& parts = *parts_;
    const int width = parts.width = luma.width, height = parts.height = luma.height;
    const int coarse_width = width / kCoarse, coarse_height = height / kCoarse;
    parts.phases.allocate(width, height, kPhaseBorder, 16);
    parts.coarse.allocate(coarse_width, coarse_height, kCoarseBorder, 1);

    const auto chunks = [](int rows) {
        return static_cast<std::size_t>((rows + kChunk - 1) / kChunk);
    };
    team.run(chunks(height), [&](std::size_t chunk) {
        const int first = static_cast<int>(chunk) * kChunk, last = std::min(first + kChunk, height);
        for (int y = first; y < last; ++y) {
            std::memcpy(parts.phases.at(0, y),
                        luma.samples + static_cast<std::size_t>(y) * luma.stride,
                        static_cast<std::size_t>(width));
            extend_row(parts.phases, width, y, 0, 0);
        }
        coarsen(luma, parts.coarse, first / kCoarse, last / kCoarse);
        for (int y = first / kCoarse; y < last / kCoarse; ++y) {
            extend_row(parts.coarse, coarse_width, y, 0, 0);
        }
    });
    extend_plane(parts.phases, height, 0, 0);
    extend_plane(parts.coarse, coarse_height, 0, 0);
    team.run(chunks(height + 2 * kReach), [&](std::size_t chunk) {
        const int first = static_cast<int>(chunk) * kChunk - kReach;
        make_phases(parts.phases, width, first, std::min(first + kChunk, height + kReach));
    });
    team.run(15, [&](std::size_t phase) { extend_plane(parts.phases, height, phase + 1, kReach); });
}

SearchReference::~SearchReference() = default;
SearchReference::SearchReference(SearchReference&&) noexcept = default;

const std::uint8_t* SearchReference::at(int x, int y, Vector vector) const {
    return parts_->at(x, y, vector);
}

std::size_t SearchReference::stride() const { return parts_->phases.stride; }

}  // namespace video
