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

}  // namespace predictive
