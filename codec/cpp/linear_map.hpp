// A linear map between resolutions in one pass: shuffle(linear(unshuffle(x, fold)), unfold), with
// floats or bytes of pixels at either end.
//
//   x [height fold][width fold][inputs / fold^2]
//     -> out [height unfold][width unfold][outputs / unfold^2]
//
// Offsets inside a square are major, so a square's values are `fold` runs of neighbours in memory,
// one in every row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "panel.hpp"

namespace threads {
class Team;  // declared only: files for AVX-512 include this
}

namespace transforms {

inline constexpr std::size_t kMaxInputs = 1536;
inline constexpr std::size_t kMaxOutputs = 1536;

struct LinearMap {
    std::size_t inputs, outputs;  // of one position; outputs a multiple of kPanel
    std::size_t fold, unfold;     // their squares divide inputs and outputs
    const float* weights;         // outputs / kPanel panels
    const float* bias;            // [outputs]
};

// Bytes are whole numbers from 0 to 255; outputs are rounded to the nearest of them. Floats come
// out in runs of a multiple of kPanel.
template <typename In, typename Out>
struct Mapped {
    const In* x;
    Out* out;
    std::size_t height, width;  // positions
};

// All of out, from floats to floats, from bytes to floats or from floats to bytes; needs
// `supported(false)`.
template <typename In, typename Out>
void linear_map(const LinearMap& map, const Mapped<In, Out>& mapped, threads::Team& team);

}  // namespace transforms
