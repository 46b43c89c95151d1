// XYB ─ six scales, each half the last in linear light ─ three error maps for each plane ─ two norms of
// each ─ weighted sum ─ a curve that fits opinion scores.
//
// Defined by github.com/cloudinary/ssimulacra2 (BSD-3-Clause), whose constants these are.
#include "ssimulacra2.hpp"

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "light.hpp"
#include "scale.hpp"
#include "weights.hpp"

namespace metrics {
namespace {

double weighted(const double (&weights)[kTerms], const PlaneErrors& errors) {
    double sum = 0.0;
    for (std::size_t norm = 0; norm < 2; ++norm) {
        sum += weights[3 * norm] * errors.structure[norm];
        sum += weights[3 * norm + 1] * errors.added[norm];
        sum += weights[3 * norm + 2] * errors.lost[norm];
    }
    return sum;
}

double score(const std::vector<ScaleErrors>& scales) {
    double sum = 0.0;
    // Where a picture is too small for six scales, a plane's weights begin where those of the plane
    // before were left: so the definition has it.
    const auto* weights = kWeights;
    for (std::size_t plane = 0; plane < 3; ++plane) {
        for (const ScaleErrors& scale : scales) sum += weighted(*weights++, scale.planes[plane]);
    }
    sum *= 0.9562382616834844;
    const double error = 2.326765642916932 * sum - 0.020884521182843837 * sum * sum +
                         6.248496625763138e-05 * sum * sum * sum;
    return error > 0.0 ? 100.0 - 10.0 * std::pow(error, 0.6276336467831387) : 100.0;
}

}  // namespace

template <typename Sample>
double ssimulacra2(const Picture<Sample>& original, const Picture<Sample>& distorted,
                   threads::Team& team) {
    std::unique_ptr<Light> a = std::make_unique<SampleLight<Sample>>(original);
    std::unique_ptr<Light> b = std::make_unique<SampleLight<Sample>>(distorted);
    std::vector<ScaleErrors> scales;
    for (;;) {
        scales.push_back(compare_scale(*a, *b, team));
        // Also a scale of 4 to 7 pixels is computed, from one of 8 and more.
        if (scales.size() == kScales || a->width < kLeastSide || a->height < kLeastSide) break;
        a = std::make_unique<HalvedLight>(*a, team);
        b = std::make_unique<HalvedLight>(*b, team);
    }
    return score(scales);
}

template double ssimulacra2(const Picture<std::uint8_t>&, const Picture<std::uint8_t>&, threads::Team&);
template double ssimulacra2(const Picture<std::uint16_t>&, const Picture<std::uint16_t>&,
                            threads::Team&);

}  // namespace metrics
