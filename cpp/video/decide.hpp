// The encoder's choice of blocks and motion, by bits and squared error (not normative).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "blocks.hpp"
#include "contexts.hpp"
#include "quantise.hpp"
#include "search.hpp"
#include "team.hpp"

namespace video {

struct Decisions {
    Weights weights;
    double satd_lambda = 1;  // SATD that a bit is worth
    int effort = 7;
};

// Fills the cells of `frame`: kinds, motion, sizes. `references` are ready to be searched.
void decide(FrameData& frame, const Luma& source, std::span<const SearchReference* const> references,
            std::span<const Field> fields, const Contexts& contexts, const Decisions& how, threads::Team& team);

}  // namespace video
