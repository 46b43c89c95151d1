#include "photo_payload.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "error.hpp"
#include "photo_model.hpp"
#include "photo_wave.hpp"

namespace predictive {
namespace {

constexpr unsigned kOrderBits = 3, kPrecisionFieldBits = 4, kMostPrefix = 16;

std::uint32_t folded(std::int32_t v) {
    return v < 0 ? 2 * static_cast<std::uint32_t>(-(v + 1)) + 1 : 2 * static_cast<std::uint32_t>(v);
}

// Exponential Golomb code of that order: zeros, one, and the rest.
unsigned golomb_bits(std::uint32_t value, unsigned order) {
    const auto width = static_cast<unsigned>(std::bit_width(value + (1u << order)));
    return 2 * width - 1 - order;
}

void put_golomb(BitWriter& writer, std::uint32_t value, unsigned order) {
    const std::uint32_t shifted = value + (1u << order);
    const auto width = static_cast<unsigned>(std::bit_width(shifted));
    writer.put(0, width - 1 - order);
    writer.put(1, 1);
    writer.put(shifted & ((1u << (width - 1)) - 1), width - 1);
}

std::uint32_t take_golomb(BitReader& reader, unsigned order) {
    unsigned width = order + 1;
    while (reader.take(1) == 0) {
        if (++width > order + kMostPrefix) throw rans::CorruptStream("a coefficient is too long");
    }
    return ((1u << (width - 1)) | reader.take(width - 1)) - (1u << order);
}

std::int32_t multiple(int channel, const Coefficients& c, int i) {
    const int difference = c.values[static_cast<std::size_t>(i)] - PhotoModel::get().defaults(channel)[i];
    return difference / (1 << (kWeightBits - c.precision));
}

unsigned raw_bits(unsigned bits, unsigned error) {
    return static_cast<unsigned>(std::bit_width(((1u << bits) - 1) / (2 * error + 1)));
}

}  // namespace

void Header::set_first(const Samples& pixels) {
    for (std::size_t c = 0; c < pixels.channels; ++c) first[c] = pixels.data[sample_of(pixels.channels, c)];
}

std::array<std::int32_t, 3> Header::outside(std::size_t channels) const {
    std::array<std::int32_t, 3> values{first[0], 0, 0};
    for (std::size_t c = 1; c < channels; ++c) values[c] = first[c] - values[0];
    return values;
}

void Header::use(Setting& setting, std::size_t channels) const {
    for (std::size_t c = 0; c < channels; ++c) {
        set_linear(setting, static_cast<int>(c), coefficients[c].values.data());
    }
}

void check_shape(std::size_t width, std::size_t height, std::size_t channels, unsigned bits, unsigned error) {
    constexpr std::size_t kMostSide = std::size_t{1} << 24;
    if (width == 0 || height == 0 || width > kMostSide || height > kMostSide ||
        (channels != 1 && channels != 3)) {
        throw std::invalid_argument("a rectangle has 1 or 3 channels and sides of 1 to 2^24");
    }
    if (bits < 1 || bits > 16 || error > 0xffff) {
        throw std::invalid_argument("samples have 1 to 16 bits, and errors are below 65536");
    }
}

void check_samples(const Samples& pixels, unsigned bits, unsigned error) {
    check_shape(pixels.width, pixels.height, pixels.channels, bits, error);
    std::uint16_t used = 0;
    for (std::size_t y = 0; y < pixels.height; ++y) {
        const std::uint16_t* const row = pixels.row(y);
        for (std::size_t x = 0; x < pixels.width * pixels.channels; ++x) used |= row[x];
    }
    if (used >> bits != 0) throw std::invalid_argument("a sample is above those of its bits");
}

void BitWriter::put(std::uint32_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        if (used_ == 8) {
            bytes_.push_back(0);
            used_ = 0;
        }
        bytes_.back() = static_cast<std::uint8_t>(bytes_.back() | (value >> i & 1) << used_++);
    }
}

std::uint32_t BitReader::take(unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i, ++at_) {
        if (at_ / 8 >= bytes_.size()) throw rans::StreamExhausted("the payload ends in its header");
        value |= static_cast<std::uint32_t>(bytes_[at_ / 8] >> (at_ % 8) & 1) << i;
    }
    return value;
}

std::size_t BitReader::bytes() const {
    if (at_ % 8 != 0 && bytes_[at_ / 8] >> (at_ % 8) != 0) {
        throw rans::CorruptStream("bits that say nothing are not 0");
    }
    return (at_ + 7) / 8;
}

unsigned coefficient_bits(int channel, const Coefficients& coefficients, unsigned* order) {
    if (coefficients.precision == 0) return kPrecisionFieldBits;
    unsigned best = ~0u;
    for (unsigned k = 0; k < 1u << kOrderBits; ++k) {
        unsigned bits = kPrecisionFieldBits + kOrderBits;
        for (int i = 0; i < kLinear[channel]; ++i) {
            bits += golomb_bits(folded(multiple(channel, coefficients, i)), k);
        }
        if (bits < best) {
            best = bits;
            if (order != nullptr) *order = k;
        }
    }
    return best;
}

std::vector<std::uint8_t> write_header(const Header& header, std::size_t channels, unsigned bits) {
    BitWriter writer;
    writer.put(static_cast<std::uint32_t>(Mode::coded), 8);
    for (std::size_t c = 0; c < channels; ++c) writer.put(header.first[c], bits);
    for (std::size_t c = 0; c < channels; ++c) {
        const Coefficients& coefficients = header.coefficients[c];
        const int channel = static_cast<int>(c);
        writer.put(coefficients.precision, kPrecisionFieldBits);
        if (coefficients.precision == 0) continue;
        unsigned order = 0;
        coefficient_bits(channel, coefficients, &order);
        writer.put(order, kOrderBits);
        for (int i = 0; i < kLinear[c]; ++i) {
            put_golomb(writer, folded(multiple(channel, coefficients, i)), order);
        }
    }
    return writer.take();
}

std::size_t read_header(std::span<const std::uint8_t> payload, std::size_t channels, unsigned bits,
                        Header& header) {
    BitReader reader(payload);
    reader.take(8);
    for (std::size_t c = 0; c < channels; ++c) header.first[c] = static_cast<std::uint16_t>(reader.take(bits));
    for (std::size_t c = 0; c < channels; ++c) {
        Coefficients& coefficients = header.coefficients[c];
        const std::int16_t* const defaults = PhotoModel::get().defaults(static_cast<int>(c));
        std::copy_n(defaults, kLinear[c], coefficients.values.begin());
        coefficients.precision = reader.take(kPrecisionFieldBits);
        if (coefficients.precision == 0) continue;
        if (coefficients.precision > kMostPrecision) throw rans::CorruptStream("coefficients are too fine");
        const unsigned order = reader.take(kOrderBits);
        for (std::size_t i = 0; i < static_cast<std::size_t>(kLinear[c]); ++i) {
            const std::uint32_t code = take_golomb(reader, order);
            const std::int64_t sign = code & 1, size = (code + sign) >> 1;
            const std::int64_t value =
                defaults[i] + (sign != 0 ? -size : size) * (1 << (kWeightBits - coefficients.precision));
            if (value != static_cast<std::int16_t>(value)) throw rans::CorruptStream("a coefficient is too large");
            coefficients.values[i] = static_cast<std::int16_t>(value);
        }
    }
    return reader.bytes();
}

std::size_t raw_size(std::size_t samples, unsigned bits, unsigned error) {
    return 1 + (samples * raw_bits(bits, error) + 7) / 8;
}

std::vector<std::uint8_t> raw_payload(const Samples& pixels, unsigned bits, unsigned error,
                                      const Target& decoded) {
    const unsigned count = raw_bits(bits, error), step = 2 * error + 1, highest = (1u << bits) - 1;
    BitWriter writer;
    writer.put(static_cast<std::uint32_t>(Mode::raw), 8);
    for (std::size_t y = 0; y < pixels.height; ++y) {
        for (std::size_t x = 0; x < pixels.width * pixels.channels; ++x) {
            const unsigned index = pixels.row(y)[x] / step;
            writer.put(index, count);
            if (decoded.data != nullptr) {
                decoded.row(y)[x] = static_cast<std::uint16_t>(std::min(index * step + error, highest));
            }
        }
    }
    return writer.take();
}

void read_raw(std::span<const std::uint8_t> payload, unsigned bits, unsigned error, const Target& out) {
    const unsigned count = raw_bits(bits, error), highest = (1u << bits) - 1, step = 2 * error + 1;
    const std::size_t size = raw_size(out.width * out.height * out.channels, bits, error);
    if (payload.size() < size) throw rans::StreamExhausted("the payload ends before its samples");
    BitReader reader(payload);
    reader.take(8);
    for (std::size_t y = 0; y < out.height; ++y) {
        for (std::size_t x = 0; x < out.width * out.channels; ++x) {
            const unsigned index = reader.take(count);
            if (index > highest / step) throw rans::CorruptStream("a sample is too large");
            out.row(y)[x] = static_cast<std::uint16_t>(std::min(index * step + error, highest));
        }
    }
    if (reader.bytes() != payload.size()) throw rans::CorruptStream("bytes follow the samples");
}

}  // namespace predictive
