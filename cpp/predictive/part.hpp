// A predictive part: the samples of one rectangle, by the coder that takes the fewest bytes
// (entropy/SPEC.md, Modes).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "view.hpp"

namespace predictive {

// How hard the encoder tries; the decoder does not care.
enum class Strength {
    fast,    // the content chooses the coder
    normal,  // both coders where the content leaves it open
    full     // all of them, always
};

struct Format {
    unsigned bits = 8;   // of a sample, 8 or 16
    unsigned error = 0;  // largest error of a sample
    std::string kernels = {};  // name of the kernels, empty for the fastest; changes no byte
};

// The part, and in `decoded`, unless that has no data, what it decodes to.
std::vector<std::uint8_t> encode_part(const Samples& pixels, const Format& format, Strength strength,
                                      const Target& decoded = {});

// The same by P or raw samples alone.
std::vector<std::uint8_t> encode_photo_part(const Samples& pixels, const Format& format,
                                            const Target& decoded = {});

// format.error is the largest that a part may have. Throws CorruptStream, StreamExhausted.
void decode_part(std::span<const std::uint8_t> part, const Format& format, const Target& out);

}  // namespace predictive
