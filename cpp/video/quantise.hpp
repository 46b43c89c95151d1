// The encoder's choice of coefficients: what a square costs in bits and squared error together.
#pragma once

#include <cstdint>

#include "residual_syntax.hpp"

namespace video {

// Costs count squared errors of samples of 10 bits in units of 2^-16.
using Cost = std::int64_t;

struct Weights {
    int step = 0;              // as step_of
    std::int64_t lambda = 0;   // squared error, in units of 2^-8, that a bit is worth: cost of 2^-8 bit
};

struct Quantised {
    Cost cost = 0;         // of the coefficients as chosen, flag not included
    Cost nothing = 0;      // of no coefficients
    bool any = false;
};

// Chooses the coefficients of a square of differences (rows of `stride`), and writes them to `out` (rows of
// `out_stride`). Prices are those of the contexts, which stay as they are.
Quantised quantise(const Contexts& contexts, const Surroundings& where, const std::int16_t* differences,
                   int stride, const Weights& weights, Coefficient* out, int out_stride);

}  // namespace video
