// Linear light of a picture, row by row: what the scales of a metric are computed from.
#pragma once

#include <cstddef>
#include <vector>

#include "picture.hpp"
#include "team.hpp"

namespace metrics {

// Red, green and blue of one row, 0..1, linear in light.
struct LightRow {
    float* planes[3];
};

// A picture in linear light.
class Light {
public:
    Light(std::size_t width, std::size_t height) : width(width), height(height) {}
    virtual ~Light() = default;

    // Writes row `y` < height: `width` values for each plane.
    virtual void read(std::size_t y, const LightRow& row) const = 0;

    const std::size_t width, height;  // in pixels
};

// Samples coded with the curve of sRGB. Grey stands for three equal planes. The samples stay with
// their owner; nothing of the size of the picture is allocated.
template <typename Sample>
class SampleLight final : public Light {
public:
    explicit SampleLight(const Picture<Sample>& picture);

    void read(std::size_t y, const LightRow& row) const override;

private:
    Picture<Sample> picture_;
    std::vector<float> table_;  // linear light of every value of a sample
};

// A picture of half the width and height, rounded up: means of 2 x 2 pixels, those of the last column
// and row repeated where a side is odd. 12 bytes for each of its own pixels.
class HalvedLight final : public Light {
public:
    HalvedLight(const Light& whole, threads::Team& team);

    void read(std::size_t y, const LightRow& row) const override;

private:
    std::vector<float> values_;  // by row, plane, column
};

}  // namespace metrics
