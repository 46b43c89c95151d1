#include "lattice.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <stdexcept>

namespace predictive {
namespace {

using Triple = std::array<int, 3>;  // Y, Cb, Cr or R, G, B

// A conversion whose terms are tables in units of 2^-16: R = luma[Y] + red[Cr], B = luma[Y] + blue[Cb],
// G = luma[Y] + green[Cb][Cr], each rounded down and clipped to 0 .. 255.
struct Conversion {
    std::array<int, 256> luma{}, red{}, blue{};
    std::array<std::array<int, 256>, 256> green{};
    // About the inverse, in units of 2^-16: luma from R and B (G has the rest), Cr and Cb from R and B
    // less luma; and the chroma of greys.
    int luma_red = 0, luma_blue = 0, cr = 0, cb = 0;
    int grey_cb = 128, grey_cr = 128;

    Triple pixel(const Triple& ycc) const {
        const auto y = static_cast<std::size_t>(ycc[0]), u = static_cast<std::size_t>(ycc[1]),
                   v = static_cast<std::size_t>(ycc[2]);
        return {std::clamp((luma[y] + red[v]) >> 16, 0, 255),
                std::clamp((luma[y] + green[u][v]) >> 16, 0, 255),
                std::clamp((luma[y] + blue[u]) >> 16, 0, 255)};
    }
};

// Full range; chroma is rounded.
Conversion jfif() {
    Conversion made;
    for (int n = 0; n < 256; ++n) {
        const auto at = static_cast<std::size_t>(n);
        made.luma[at] = 65536 * n;
        made.red[at] = 91881 * (n - 128) + 32768;
        made.blue[at] = 116130 * (n - 128) + 32768;
        for (int v = 0; v < 256; ++v) {
            made.green[at][static_cast<std::size_t>(v)] = -22554 * (n - 128) - 46802 * (v - 128) + 32768;
        }
    }
    made.luma_red = 19595, made.luma_blue = 7471, made.cr = 46745, made.cb = 36984;
    return made;
}

// Limited range; every term is rounded down to a whole number. Factors of 16 bits.
Conversion limited(int red, int blue, int green_u, int green_v) {
    const auto whole = [](int value, int factor) { return (value * factor >> 16) * 65536; };
    Conversion made;
    for (int n = 0; n < 256; ++n) {
        const auto at = static_cast<std::size_t>(n);
        made.luma[at] = whole(n - 16, 76312);
        made.red[at] = whole(n - 128, red);
        made.blue[at] = whole(n - 128, blue);
        for (int v = 0; v < 256; ++v) {
            made.green[at][static_cast<std::size_t>(v)] =
                whole(n - 128, green_u) + whole(v - 128, green_v);
        }
    }
    return made;
}

Conversion limited_601() {
    Conversion made = limited(104600, 132200, -25672, -53280);
    made.luma_red = 19595, made.luma_blue = 7471, made.cr = 41062, made.cb = 32491;
    return made;
}

Conversion limited_709() {
    Conversion made = limited(117488, 138440, -13976, -34928);
    made.luma_red = 13933, made.luma_blue = 4732, made.cr = 36557, made.cb = 31024;
    return made;
}

// PhotoYCC; green is made of the whole parts of the other two channels' chroma.
Conversion photo_ycc() {
    Conversion made;
    made.grey_cb = 156, made.grey_cr = 137;
    for (int n = 0; n < 256; ++n) {
        const auto at = static_cast<std::size_t>(n);
        made.luma[at] = 89024 * n;
        made.red[at] = 119374 * (n - made.grey_cr);
        made.blue[at] = 145352 * (n - made.grey_cb);
    }
    for (std::size_t u = 0; u < 256; ++u) {
        for (std::size_t v = 0; v < 256; ++v) {
            made.green[u][v] = -12714 * (made.blue[u] >> 16) - 33358 * (made.red[v] >> 16);
        }
    }
    made.luma_red = 19595, made.luma_blue = 7471, made.cr = 35979, made.cb = 29549;
    return made;
}

const Conversion& conversion(unsigned preset) {
    static const std::array<Conversion, kLattices> made = {jfif(), limited_601(), limited_709(),
                                                           photo_ycc()};
    if (preset < 1 || preset > kLattices) throw std::invalid_argument("there is no such lattice");
    return made[preset - 1];
}

Triple rgb_at(const Samples& rgb, std::size_t x, std::size_t y) {
    const std::uint16_t* pixel = rgb.row(y) + 3 * x;
    return {pixel[0], pixel[1], pixel[2]};
}

bool is_clipped(const Triple& rgb) {
    return std::any_of(rgb.begin(), rgb.end(), [](int sample) { return sample == 0 || sample == 255; });
}

// Finds the triple of a pixel.
class Inverse {
public:
    explicit Inverse(const Conversion& forward) : forward_(forward) {
        std::size_t y = 0;
        for (int value = kLowest; value <= kHighest; ++value) {
            while (y < 256 && forward.luma[y] < value * 65536) ++y;
            first_[static_cast<std::size_t>(value - kLowest)] = static_cast<int>(y);
        }
    }

    // The triple whose chroma is next to what the pixel suggests; for pixels that may be clipped, and so
    // have several triples, the one whose chroma is next to that of `expected`, if it is no farther than `farthest`.
    std::optional<Triple> find(const Triple& rgb, const Triple& expected, int farthest = 255) const {
        const bool clipped = is_clipped(rgb);
        int u = expected[1], v = expected[2];
        if (!clipped) {
            const int luma = (forward_.luma_red * rgb[0] + forward_.luma_blue * rgb[2] +
                              (65536 - forward_.luma_red - forward_.luma_blue) * rgb[1]) >> 16;
            u = forward_.grey_cb + ((forward_.cb * (rgb[2] - luma) + 32768) >> 16);
            v = forward_.grey_cr + ((forward_.cr * (rgb[0] - luma) + 32768) >> 16);
        }
        std::optional<Triple> best;
        int least = 0;
        if (!clipped) farthest = 2;
        for (int r = 0; r <= farthest && (!best || r * r < least); ++r) {
            for (int du = -r; du <= r; ++du) {
                const int step = std::abs(du) == r || r == 0 ? 1 : 2 * r;
                for (int dv = -r; dv <= r; dv += step) {
                    const std::optional<Triple> found = with_chroma(rgb, u + du, v + dv, expected[0]);
                    if (!found) continue;
                    const int distance = du * du + dv * dv;
                    if (!best || distance < least) {
                        best = found;
                        least = distance;
                    }
                }
            }
        }
        return best;
    }

private:
    static constexpr int kLowest = -600, kHighest = 900;

    // The triple with this chroma, its luma next to `expected`.
    std::optional<Triple> with_chroma(const Triple& rgb, int u, int v, int expected) const {
        if (u < 0 || u > 255 || v < 0 || v > 255) return {};
        const auto cb = static_cast<std::size_t>(u), cr = static_cast<std::size_t>(v);
        const Triple terms = {forward_.red[cr], forward_.green[cb][cr], forward_.blue[cb]};
        int low = kLowest * 65536, end = kHighest * 65536;  // of luma
        for (std::size_t c = 0; c < 3; ++c) {
            if (rgb[c] != 0) low = std::max(low, 65536 * rgb[c] - terms[c]);
            if (rgb[c] != 255) end = std::min(end, 65536 * (rgb[c] + 1) - terms[c]);
        }
        const int first = first_with(low), last = first_with(end) - 1;
        if (first > last) return {};
        return Triple{std::clamp(expected, first, last), u, v};
    }

    // The smallest Y whose luma is at least so much, 256 if there is none.
    int first_with(int luma) const {
        int y = first_[static_cast<std::size_t>((luma >> 16) - kLowest)];
        while (y < 256 && forward_.luma[static_cast<std::size_t>(y)] < luma) ++y;
        return y;
    }

    const Conversion& forward_;
    std::array<int, kHighest - kLowest + 1> first_{};  // the same, for whole numbers
};

// The triples of colours that were found last: a picture has few, against its pixels.
class Remembered {
public:
    std::optional<Triple> find(const Inverse& inverse, const Triple& rgb, const Triple& expected) {
        const std::uint32_t colour = static_cast<std::uint32_t>(rgb[0] << 16 | rgb[1] << 8 | rgb[2]);
        Item& item = items_[colour * 0x9E3779B1u >> (32 - kBits)];
        const bool known = item.triple[0] >= 0 && item.colour == colour;
        if (known && !is_clipped(rgb)) return item.triple;
        std::optional<Triple> found = inverse.find(rgb, expected, known ? kNear : 255);
        if (!found && known) return item.triple;  // far from what is expected, as all others may be
        if (found) item = {colour, *found};
        return found;
    }

private:
    static constexpr unsigned kBits = 16;
    static constexpr int kNear = 3;  // levels of chroma
    struct Item {
        std::uint32_t colour = 0;
        Triple triple = {-1, 0, 0};  // not there
    };
    std::vector<Item> items_ = std::vector<Item>(std::size_t{1} << kBits);
};

constexpr std::size_t kSamples = 4096, kFewest = 64;

bool seems_on(const Samples& rgb, unsigned preset) {
    const Inverse inverse(conversion(preset));
    const std::size_t pixels = rgb.width * rgb.height;
    const std::size_t step = std::max<std::size_t>(1, pixels / kSamples) | 1;
    std::size_t hits = 0;
    Triple last = {-1, -1, -1};
    for (std::size_t n = 0; n < pixels; n += step) {
        const Triple pixel = rgb_at(rgb, n % rgb.width, n / rgb.width);
        const bool grey = pixel[0] == pixel[1] && pixel[1] == pixel[2];
        if (grey || is_clipped(pixel) || pixel == last) continue;  // these tell nothing
        last = pixel;
        if (!inverse.find(pixel, {128, 128, 128})) return false;
        ++hits;
    }
    return hits >= kFewest;
}

}  // namespace

unsigned find_lattice(const Samples& rgb) {
    if (rgb.channels != 3) return 0;
    for (unsigned preset = 1; preset <= kLattices; ++preset) {
        if (seems_on(rgb, preset)) return preset;
    }
    return 0;
}

bool to_lattice(const Samples& rgb, unsigned preset, std::vector<std::uint16_t>& planes) {
    const Conversion& forward = conversion(preset);
    const Inverse inverse(forward);
    Remembered remembered;
    planes.resize(rgb.width * rgb.height * 3);
    const auto triple = [&](std::size_t x, std::size_t y) {
        const std::uint16_t* at = planes.data() + (y * rgb.width + x) * 3;
        return Triple{at[0], at[1], at[2]};
    };
    for (std::size_t y = 0; y < rgb.height; ++y) {
        for (std::size_t x = 0; x < rgb.width; ++x) {
            const Triple pixel = rgb_at(rgb, x, y);
            const Triple above = y > 0 ? triple(x, y - 1) : Triple{128, 128, 128};
            const Triple expected = x > 0 ? triple(x - 1, y) : above;
            std::optional<Triple> found;
            if (forward.pixel(expected) == pixel) {
                found = expected;
            } else if (forward.pixel(above) == pixel) {
                found = above;
            } else {
                found = remembered.find(inverse, pixel, expected);
            }
            if (!found) return false;
            for (std::size_t c = 0; c < 3; ++c) {
                planes[(y * rgb.width + x) * 3 + c] = static_cast<std::uint16_t>((*found)[c]);
            }
        }
    }
    return true;
}

void from_lattice(const Samples& planes, unsigned preset, const Target& rgb) {
    const Conversion& forward = conversion(preset);
    for (std::size_t y = 0; y < rgb.height; ++y) {
        const std::uint16_t* from = planes.row(y);
        std::uint16_t* to = rgb.row(y);
        for (std::size_t x = 0; x < 3 * rgb.width; x += 3) {
            Triple ycc;
            for (std::size_t c = 0; c < 3; ++c) ycc[c] = std::min<int>(from[x + c], 255);
            const Triple pixel = forward.pixel(ycc);
            for (std::size_t c = 0; c < 3; ++c) to[x + c] = static_cast<std::uint16_t>(pixel[c]);
        }
    }
}

}  // namespace predictive
