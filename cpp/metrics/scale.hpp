// The error maps of SSIMULACRA2 at one scale, summed up.
#pragma once

#include "light.hpp"
#include "team.hpp"

namespace metrics {

// Of one plane of XYB: a mean of each map, and the fourth root of the mean of its fourth powers.
struct PlaneErrors {
    double structure[2];  // 1 - SSIM
    double added[2];      // edges that the original does not have: ringing, blocks, banding
    double lost[2];       // edges that only the original has: blur
};

struct ScaleErrors {
    PlaneErrors planes[3];  // X, Y, B - Y
};

// Compares two pictures of one size. The result does not depend on the number of threads.
ScaleErrors compare_scale(const Light& original, const Light& distorted, threads::Team& team);

}  // namespace metrics
