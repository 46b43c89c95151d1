// The bytes of a payload before its words; entropy/PREDICTIVE.md, section P, Payload.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "photo_kernels.hpp"
#include "view.hpp"

namespace predictive {

enum class Mode : std::uint8_t { raw = 0, coded = 1 };

// Throw std::invalid_argument where arguments are not what can be coded.
void check_shape(std::size_t width, std::size_t height, std::size_t channels, unsigned bits, unsigned error);
void check_samples(const Samples& pixels, unsigned bits, unsigned error);

// States of the range coder for so many pixels.
constexpr unsigned states_for(std::size_t pixels) { return pixels < 4096 ? 1 : kStates; }

// Coefficients of the linear predictor: the defaults plus multiples of 2^(kWeightBits - precision);
// precision 0 is the defaults.
struct Coefficients {
    unsigned precision = 0;
    std::array<std::int16_t, kMostLinear> values{};
};
inline constexpr unsigned kMostPrecision = kWeightBits;

struct Header {
    std::array<std::uint16_t, 3> first{};  // samples, in the coder's order
    std::array<Coefficients, 3> coefficients;

    void set_first(const Samples& pixels);
    // Values of the channels in the rows above the picture.
    std::array<std::int32_t, 3> outside(std::size_t channels) const;
    // Puts the coefficients into a setting.
    void use(Setting& setting, std::size_t channels) const;
};

// Bits numbered from the lowest of the first byte.
class BitWriter {
public:
    void put(std::uint32_t value, unsigned count);
    std::vector<std::uint8_t> take() { return std::move(bytes_); }

private:
    std::vector<std::uint8_t> bytes_;
    unsigned used_ = 8;  // of the last byte
};

class BitReader {
public:
    explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    // Throws rans::StreamExhausted.
    std::uint32_t take(unsigned count);
    // Bytes that are begun; throws rans::CorruptStream where unread bits of the last are not 0.
    std::size_t bytes() const;

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

// Bits of the coefficients, and the order of their code that needs the fewest.
unsigned coefficient_bits(int channel, const Coefficients& coefficients, unsigned* order = nullptr);

std::vector<std::uint8_t> write_header(const Header& header, std::size_t channels, unsigned bits);
// Returns the bytes it takes; the first, the mode, was checked. Throws StreamExhausted, CorruptStream.
std::size_t read_header(std::span<const std::uint8_t> payload, std::size_t channels, unsigned bits,
                        Header& header);

std::vector<std::uint8_t> raw_payload(const Samples& pixels, unsigned bits, unsigned error,
                                      const Target& decoded);
std::size_t raw_size(std::size_t samples, unsigned bits, unsigned error);
void read_raw(std::span<const std::uint8_t> payload, unsigned bits, unsigned error, const Target& out);

}  // namespace predictive
