#include "guard.hpp"

#include <algorithm>
#include <array>

namespace frame {
namespace {

using networks::Type;

constexpr std::size_t kBlock = 8;  // pixels
// A tile is looked at where so much of its variance lies within blocks of 8 x 8, in percent (Kodak's
// photographs reach 39), or where its mean colour alone is within so many squared steps (24 dB).
constexpr std::uint64_t kFinePercent = 42, kFlatVariance = 259;

// The pixels of a tile that lie inside the picture.
struct View {
    const std::uint8_t* data;
    std::size_t stride, width, height;  // of samples, pixels, pixels

    const std::uint8_t* at(std::size_t x, std::size_t y) const { return data + y * stride + 3 * x; }
    std::uint64_t count() const { return std::uint64_t{3} * width * height; }
};

View view_of(const Grid& grid, const Array& pixels, const Area& tile) {
    const std::size_t x = tile.x * kLatentPx, y = tile.y * kLatentPx;
    return {pixels.as<const std::uint8_t>() + (y * grid.width + x) * 3, grid.width * 3,
            std::min(tile.width * kLatentPx, grid.width - x),
            std::min(tile.height * kLatentPx, grid.height - y)};
}

// Sums over a rectangle, by channel.
struct Moments {
    std::array<std::uint64_t, 3> sum{}, squares{};
    std::uint64_t count = 0;  // pixels

    void add(const Moments& other) {
        for (std::size_t c = 0; c < 3; ++c) {
            sum[c] += other.sum[c];
            squares[c] += other.squares[c];
        }
        count += other.count;
    }
    // Squared distances from the mean, summed over all samples, rounded down by channel.
    std::uint64_t spread() const {
        std::uint64_t total = 0;
        for (std::size_t c = 0; c < 3; ++c) total += squares[c] - sum[c] * sum[c] / count;
        return total;
    }
};

Moments moments(const View& view, std::size_t x0, std::size_t y0) {
    Moments m;
    const std::size_t x1 = std::min(x0 + kBlock, view.width), y1 = std::min(y0 + kBlock, view.height);
    for (std::size_t y = y0; y < y1; ++y) {
        for (std::size_t x = x0; x < x1; ++x) {
            for (std::size_t c = 0; c < 3; ++c) {
                const std::uint64_t v = view.at(x, y)[c];
                m.sum[c] += v;
                m.squares[c] += v * v;
            }
        }
    }
    m.count = (x1 - x0) * (y1 - y0);
    return m;
}

// The mean colour of a tile that may be one of those, as a plane of its size; empty for all others.
Array mean_colour_of_doubtful(const View& view, const Area& tile) {
    Moments all;
    std::uint64_t within = 0;
    for (std::size_t y = 0; y < view.height; y += kBlock) {
        for (std::size_t x = 0; x < view.width; x += kBlock) {
            const Moments block = moments(view, x, y);
            within += block.spread();
            all.add(block);
        }
    }
    const std::uint64_t spread = all.spread();
    const bool fine = within * 100 >= spread * kFinePercent;
    const bool flat = spread <= kFlatVariance * view.count();
    if (spread == 0 || (!fine && !flat)) return {};
    Array plane = Array::make(Type::u8, tile.height * kLatentPx, tile.width * kLatentPx, 3);
    for (std::size_t n = 0; n < plane.positions(); ++n) {
        for (std::size_t c = 0; c < 3; ++c) {
            const std::uint64_t mean = (2 * all.sum[c] + all.count) / (2 * all.count);
            plane.as<std::uint8_t>()[3 * n + c] = static_cast<std::uint8_t>(mean);
        }
    }
    return plane;
}

std::uint64_t squared_error(const View& view, const Array& image) {
    std::uint64_t total = 0;
    for (std::size_t y = 0; y < view.height; ++y) {
        const std::uint8_t* const decoded = image.as<const std::uint8_t>() + y * image.width * 3;
        const std::uint8_t* const wanted = view.at(0, y);
        for (std::size_t i = 0; i < 3 * view.width; ++i) {
            const std::int32_t error = std::int32_t{decoded[i]} - wanted[i];
            total += static_cast<std::uint64_t>(error * error);
        }
    }
    return total;
}

}  // namespace

Coded guarded(const Model& model, const Grid& grid, const Array& pixels, const Area& tile,
              Coded coded, std::size_t level, threads::Team& team) {
    const View view = view_of(grid, pixels, tile);
    const Array flat = mean_colour_of_doubtful(view, tile);
    if (flat.data == nullptr) return coded;
    const Array y = model.analysis().run({flat}, level, team)[0];
    Coded plain = encode_latents(model, y, level, team);
    const auto error = [&](const Coded& candidate) {
        return squared_error(view, model.synthesis().run({candidate.y_hat}, level, team)[0]);
    };
    return error(plain) < error(coded) ? plain : coded;
}

}  // namespace frame
