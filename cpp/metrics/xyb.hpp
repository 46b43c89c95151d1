// XYB, the colours that JPEG XL codes in: cube roots of what the three kinds of cones take in.
//
// Constants: libjxl, lib/jxl/opsin_params.h; shifts into a positive range: ssimulacra2.cc, both under
// BSD-3-Clause.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "light.hpp"

namespace metrics {

// The cube root of 2^-60..2^60, right to about two units of the last place: an estimate from the
// exponent and two steps of Halley's method. Operations of IEEE 754 alone, so the same on every
// machine, and a compiler can compute several at once.
inline float cube_root(float x) {
    const auto third = static_cast<std::int32_t>(static_cast<float>(std::bit_cast<std::int32_t>(x)) *
                                                 (1.0f / 3.0f));
    float root = std::bit_cast<float>(third + 0x2a510000);  // within 4 %
    for (int step = 0; step < 2; ++step) {
        const float cube = root * root * root;
        root *= (cube + 2.0f * x) / (2.0f * cube + x);
    }
    return root;
}

// X, Y and B - Y of a row, each scaled and shifted to about 0..1, in place of red, green and blue.
inline void to_xyb(const LightRow& row, std::size_t width) {
    constexpr float kBias = 0.0037930732552754493f;
    constexpr float kBiasRoot = 0.15595420054924863f;
    constexpr float kL[3] = {0.30f, 0.622f, 0.078f};
    constexpr float kM[3] = {0.23f, 0.692f, 0.078f};
    constexpr float kS[3] = {0.24342268924547819f, 0.20476744424496821f, 0.55180986650955360f};
    float* __restrict first = row.planes[0];
    float* __restrict second = row.planes[1];
    float* __restrict third = row.planes[2];
    for (std::size_t x = 0; x < width; ++x) {
        const float r = first[x], g = second[x], b = third[x];
        const float l = cube_root(kL[0] * r + kL[1] * g + kL[2] * b + kBias) - kBiasRoot;
        const float m = cube_root(kM[0] * r + kM[1] * g + kM[2] * b + kBias) - kBiasRoot;
        const float s = cube_root(kS[0] * r + kS[1] * g + kS[2] * b + kBias) - kBiasRoot;
        const float luma = 0.5f * (l + m);
        first[x] = 14.0f * (0.5f * (l - m)) + 0.42f;
        second[x] = luma + 0.01f;
        third[x] = (s - luma) + 0.55f;
    }
}

}  // namespace metrics
