// Coefficients of the linear predictor for the pixels at hand.
#pragma once

#include "photo_model.hpp"
#include "photo_payload.hpp"
#include "view.hpp"

namespace predictive {

// Chooses coefficients, and how finely they are sent, by about what they save. The sums are integers
// and the solution is in doubles whose operations have one order: the same on every machine.
void fit(const Samples& pixels, unsigned bits, const PhotoKernels& kernels, const Setting& setting,
         Header& header);

// Value of channel c where the decoded green is `green`.
std::int32_t channel_value(const std::uint16_t* pixel, std::size_t channels, int c, std::int32_t green);

// The first pixel, for the rows above the picture, and the values of the channels there.
std::array<std::int32_t, 3> outside_values(const Header& header, std::size_t channels);

}  // namespace predictive
