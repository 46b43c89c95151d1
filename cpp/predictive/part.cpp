#include "part.hpp"

#include <algorithm>

#include "byte_stream.hpp"
#include "lattice.hpp"
#include "photo.hpp"
#include "screen.hpp"

namespace predictive {
namespace {

enum Coder : std::uint8_t { kRaw = 0, kPhoto = 1, kScreen = 2 };
constexpr std::uint8_t kCoderMask = 3, kLatticeMask = 7, kLatticeShift = 2;
// Planes of a lattice as coder P likes them: it codes G, R - G and B - G.
constexpr unsigned kLatticeBits = 9, kChromaZero = 128;

// Shares of the pixels that equal a neighbour, measured: photographs reach 0.42 and 0.15 on average,
// screens have 0.6 and more.
constexpr double kFewEqual = 0.25, kManyEqual = 0.65;
// Colours in a block of 16 x 16, the median of some: photographs have 130 and more, screens up to 45.
constexpr std::size_t kBlock = 16, kBlocks = 8, kManyColours = 90;
// Of two estimates, which are some percent off, the smaller is right if it is smaller by so much.
constexpr double kClear = 1.08;
constexpr std::size_t kSampledRows = 16;  // one row of cells in so many is tried

std::size_t sample_bytes(unsigned bits) { return bits > 8 ? 2 : 1; }

std::size_t raw_size(const Samples& pixels, unsigned bits) {
    return 1 + pixels.width * pixels.height * pixels.channels * sample_bytes(bits);
}

std::vector<std::uint8_t> encode_raw(const Samples& pixels, unsigned bits) {
    std::vector<std::uint8_t> part;
    part.reserve(raw_size(pixels, bits));
    part.push_back(kRaw);
    for (std::size_t y = 0; y < pixels.height; ++y) {
        const std::uint16_t* const row = pixels.row(y);
        for (std::size_t i = 0; i < pixels.width * pixels.channels; ++i) {
            part.push_back(static_cast<std::uint8_t>(row[i]));
            if (bits > 8) part.push_back(static_cast<std::uint8_t>(row[i] >> 8));
        }
    }
    return part;
}

void decode_raw(Bytes payload, unsigned bits, const Target& out) {
    const std::size_t bytes = sample_bytes(bits), row_bytes = out.width * out.channels * bytes;
    if (payload.size() != row_bytes * out.height) {
        throw rans::CorruptStream("raw samples of another size than their rectangle");
    }
    for (std::size_t y = 0; y < out.height; ++y) {
        const std::uint8_t* const from = payload.data() + y * row_bytes;
        std::uint16_t* const row = out.row(y);
        for (std::size_t i = 0; i < out.width * out.channels; ++i) {
            row[i] = bytes == 1 ? from[i]
                                : static_cast<std::uint16_t>(from[2 * i] | from[2 * i + 1] << 8);
        }
    }
}

void copy(const Samples& pixels, const Target& to) {
    if (to.data == nullptr) return;
    for (std::size_t y = 0; y < pixels.height; ++y) {
        std::copy_n(pixels.row(y), pixels.width * pixels.channels, to.row(y));
    }
}

// Share of the pixels that equal the one to the left or the one above.
double equal_share(const Samples& pixels) {
    std::size_t equal = 0;
    const std::size_t channels = pixels.channels;
    for (std::size_t y = 0; y < pixels.height; ++y) {
        const std::uint16_t* row = pixels.row(y);
        const std::uint16_t* above = y > 0 ? pixels.row(y - 1) : nullptr;
        for (std::size_t x = 0; x < pixels.width; ++x) {
            const auto same = [&](const std::uint16_t* other) {
                return std::equal(other, other + channels, row + x * channels);
            };
            const bool left = x > 0 && same(row + (x - 1) * channels);
            equal += left || (above != nullptr && same(above + x * channels));
        }
    }
    return static_cast<double>(equal) / static_cast<double>(pixels.width * pixels.height);
}

// Bits of coder S, judged by some rows of cells.
double sampled_screen_bits(const Samples& pixels, unsigned bits) {
    const std::size_t columns = cells_along(pixels.width), rows = cells_along(pixels.height);
    const std::size_t middle = std::min(kSampledRows, rows) / 2;
    std::vector<std::uint8_t> cells(columns * rows);
    std::size_t sampled = 0;
    for (std::size_t row = middle; row < rows; row += kSampledRows) {
        std::fill_n(cells.begin() + static_cast<std::ptrdiff_t>(row * columns), columns, 1);
        sampled += std::min(kCellSide, pixels.height - row * kCellSide);
    }
    double total = 0;
    for (const float cell : screen_spent(pixels, bits, cells)) total += cell;
    return total * static_cast<double>(pixels.height) / static_cast<double>(sampled);
}

// Median number of colours in 8 x 8 blocks that are spread over the rectangle.
std::size_t colours_in_blocks(const Samples& pixels) {
    std::vector<std::size_t> found;
    std::vector<std::uint64_t> colours;
    for (std::size_t n = 0; n < kBlocks * kBlocks; ++n) {
        const auto start = [](std::size_t side, std::size_t place) {
            return side > kBlock ? (side - kBlock) * place / (kBlocks - 1) : 0;
        };
        const std::size_t x0 = start(pixels.width, n % kBlocks), y0 = start(pixels.height, n / kBlocks);
        colours.clear();
        for (std::size_t y = y0; y < std::min(y0 + kBlock, pixels.height); ++y) {
            const std::uint16_t* at = pixels.row(y) + x0 * pixels.channels;
            for (std::size_t x = x0; x < std::min(x0 + kBlock, pixels.width); ++x) {
                std::uint64_t colour = 0;
                for (std::size_t c = 0; c < pixels.channels; ++c) colour = colour << 16 | *at++;
                colours.push_back(colour);
            }
        }
        std::ranges::sort(colours);
        found.push_back(static_cast<std::size_t>(
            std::unique(colours.begin(), colours.end()) - colours.begin()));
    }
    std::ranges::nth_element(found, found.begin() + kBlocks * kBlocks / 2);
    return found[kBlocks * kBlocks / 2];
}

bool may_be_on_lattice(const Samples& pixels, const Format& format) {
    return pixels.channels == 3 && format.bits == 8 && format.error == 0 && find_lattice(pixels) != 0;
}

enum class Choice { photo, screen, both };

Choice choose(const Samples& pixels, const Format& format, Strength strength) {
    if (strength == Strength::full) return Choice::both;
    const double equal = equal_share(pixels);
    if (strength == Strength::fast) return equal < kManyEqual ? Choice::photo : Choice::screen;
    if (equal >= kManyEqual) return Choice::screen;
    if (equal < kFewEqual || colours_in_blocks(pixels) > kManyColours || may_be_on_lattice(pixels, format)) {
        return Choice::photo;
    }
    const double screen = sampled_screen_bits(pixels, format.bits);
    const double photo = photo_bits(pixels, format.bits, format.error, format.kernels);
    if (photo <= screen) return Choice::photo;
    return screen * kClear < photo ? Choice::screen : Choice::both;
}

std::vector<std::uint8_t> with_head(std::uint8_t coder, unsigned error, Bytes payload) {
    std::vector<std::uint8_t> part;
    part.reserve(payload.size() + 4);
    part.push_back(coder);
    if ((coder & kCoderMask) == kPhoto) put_varint(part, error);
    put(part, payload);
    return part;
}

// The part of a rectangle that lies on a lattice; empty where none does.
std::vector<std::uint8_t> encode_lattice(const Samples& pixels, const Format& format) {
    if (pixels.channels != 3 || format.bits != 8 || format.error != 0) return {};
    const unsigned preset = find_lattice(pixels);
    std::vector<std::uint16_t> planes;
    if (preset == 0 || !to_lattice(pixels, preset, planes)) return {};
    for (std::size_t n = 0; n < planes.size(); n += 3) {
        const unsigned y = planes[n], cb = planes[n + 1], cr = planes[n + 2];
        planes[n] = static_cast<std::uint16_t>(y + cb);
        planes[n + 1] = static_cast<std::uint16_t>(y + kChromaZero);
        planes[n + 2] = static_cast<std::uint16_t>(y + cr);
    }
    const Samples view{planes.data(), pixels.width, pixels.height, 3, pixels.width * 3};
    const auto head = static_cast<std::uint8_t>(kPhoto | preset << kLatticeShift);
    return with_head(head, 0, photo_encode(view, kLatticeBits, 0, {}, format.kernels));
}

void decode_lattice(Bytes payload, unsigned preset, const Format& format, const Target& out) {
    if (preset > kLattices || out.channels != 3 || format.bits != 8) {
        throw rans::CorruptStream("a part is on no known lattice");
    }
    std::vector<std::uint16_t> planes(out.width * out.height * 3);
    const Target view{planes.data(), out.width, out.height, 3, out.width * 3};
    photo_decode(payload, kLatticeBits, 0, view, format.kernels);
    for (std::size_t n = 0; n < planes.size(); n += 3) {
        const int red = planes[n], green = planes[n + 1], blue = planes[n + 2];
        const int y = green - static_cast<int>(kChromaZero), cb = red - y, cr = blue - y;
        if (((y | cb | cr) & ~0xFF) != 0) throw rans::CorruptStream("a sample is beside its lattice");
        planes[n] = static_cast<std::uint16_t>(y);
        planes[n + 1] = static_cast<std::uint16_t>(cb);
        planes[n + 2] = static_cast<std::uint16_t>(cr);
    }
    from_lattice({planes.data(), out.width, out.height, 3, out.width * 3}, preset, out);
}

}  // namespace

std::vector<std::uint8_t> encode_photo_part(const Samples& pixels, const Format& format,
                                            const Target& decoded) {
    std::vector<std::uint8_t> part = encode_lattice(pixels, format);
    if (part.empty()) {
        part = with_head(kPhoto, format.error, photo_encode(pixels, format.bits, format.error, decoded,
                                                            format.kernels));
    } else {
        copy(pixels, decoded);
    }
    if (part.size() < raw_size(pixels, format.bits)) return part;
    copy(pixels, decoded);
    return encode_raw(pixels, format.bits);
}

std::vector<std::uint8_t> encode_part(const Samples& pixels, const Format& format, Strength strength,
                                      const Target& decoded) {
    std::vector<std::uint8_t> screen;
    const Choice choice = choose(pixels, format, strength);
    if (choice != Choice::photo) screen = with_head(kScreen, 0, screen_encode(pixels, format.bits));
    const bool doubtful = strength == Strength::normal && choice == Choice::screen &&
                          photo_bits(pixels, format.bits, format.error, format.kernels) <
                              8 * kClear * static_cast<double>(screen.size());
    if (choice == Choice::screen && !doubtful && screen.size() < raw_size(pixels, format.bits)) {
        copy(pixels, decoded);
        return screen;
    }
    std::vector<std::uint8_t> part = encode_photo_part(pixels, format, decoded);
    if (screen.empty() || part.size() <= screen.size()) return part;
    copy(pixels, decoded);
    return screen;
}

void decode_part(std::span<const std::uint8_t> part, const Format& format, const Target& out) {
    ByteStream stream(part);
    const std::uint8_t head = stream.u8(), coder = head & kCoderMask;
    const unsigned preset = head >> kLatticeShift & kLatticeMask;
    const bool known = head >> (kLatticeShift + 3) == 0 && coder <= kScreen;
    if (!known || (preset != 0 && coder != kPhoto)) throw rans::CorruptStream("a part is of no known coder");
    if (coder == kRaw) return decode_raw(stream.rest(), format.bits, out);
    if (coder == kScreen) return screen_decode(stream.rest(), format.bits, {}, out);
    const std::uint32_t error = stream.varint();
    if (error > format.error) throw rans::CorruptStream("a part's error is above that of its file");
    if (preset != 0) {
        if (error != 0) throw rans::CorruptStream("a part on a lattice has an error");
        return decode_lattice(stream.rest(), preset, format, out);
    }
    photo_decode(stream.rest(), format.bits, error, out, format.kernels);
}

}  // namespace predictive
