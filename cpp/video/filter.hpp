// The learned filter of decoded pictures (entropy/INTER.md, Filter).
#pragma once

#include <span>
#include <string>

#include "blocks.hpp"
#include "network.hpp"
#include "picture.hpp"
#include "team.hpp"

namespace video {

// Corrections of a picture, in samples of 10 bits.
struct Corrections {
    std::vector<std::int16_t> planes[kPlanes];  // rows of plane_width
};

class Filter {
public:
    // `weights` and `program` as networks/SPEC.md has them; named by what the weights file calls it.
    Filter(std::span<const std::uint8_t> weights, const networks::Kernels& kernels);

    Corrections run(const Picture& picture, const Picture& predicted, int level, threads::Team& team) const;

private:
    networks::Network network_;
};

// Adds the corrections where the frame's marks say so.
void apply_filter(const Corrections& corrections, const FrameData& frame, Picture& picture);

}  // namespace video
