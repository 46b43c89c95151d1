// The constants of coder P: networks, tables, default coefficients. They are part of the library.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "photo_kernels.hpp"
#include "rans.hpp"

namespace predictive {

class PhotoModel {
public:
    // Read from the weights file that was compiled in.
    static const PhotoModel& get();

    // Everything of a setting but the coefficients, which are the defaults.
    Setting setting(unsigned bits, unsigned error) const;
    const std::int16_t* defaults(int channel) const { return defaults_[channel].data(); }
    // An entry is a table times kTokenStride and a token.
    const rans::EncoderEntry& entry(std::size_t n) const { return entries_[n]; }
    std::uint32_t cost(std::size_t n) const { return costs_[n]; }  // bits times 2^rans::kCostBits

private:
    PhotoModel();

    std::vector<std::int32_t> reciprocals_, logarithms_;
    std::vector<std::uint16_t> starts_, frequencies_;
    std::vector<rans::EncoderEntry> entries_;
    std::vector<std::uint16_t> costs_;
    std::vector<std::int16_t> defaults_[3];
    struct Stored {
        std::vector<std::int32_t> pairs, quads, bias, quad_bias, shift;
    };
    Stored layers_[3][3];
    Net nets_[3];
};

// Eighths of octaves of an activity, counted from 32.
int bin_of(std::int32_t activity);

// Pairs of coefficients as the kernels take them.
void set_linear(Setting& setting, int channel, const std::int16_t* coefficients);

// The kernels of that name, or the fastest; throws networks::UnknownInstructionSet.
const PhotoKernels& photo_kernels(std::string_view name);

}  // namespace predictive
