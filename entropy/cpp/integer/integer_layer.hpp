// Layers of the exact networks (entropy/SPEC.md, "Exact networks") in 16-bit integers, two products
// at a time. Sums are below 2^24 by the proof of IntegerNetwork, so 32 bits hold them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace threads {
class Team;  // declared only: files for AVX-512 include this
}

namespace integer {

inline constexpr std::size_t kMaxInputs = 512;
inline constexpr std::size_t kPanel = 32;  // outputs that are computed together
inline constexpr std::size_t kStrip = 12;  // and positions: 24 sums of 16 in registers

// What a layer does to its sums, by output channel:
// clamp(floor((sum + bias) / 2^shift), low, high); bias holds the rounding half, too.
struct Finish {
    const std::int32_t* bias;
    const std::int32_t* shift;
    const std::int32_t* low;
    const std::int32_t* high;
};

// inputs is even and at most kMaxInputs, outputs a multiple of kPanel. A panel of weights is
// [inputs / 2][kPanel] words, a word being the weights of two inputs.
struct Linear {
    std::size_t inputs, outputs;
    const std::int32_t* weights;
    Finish finish;
};

// channels is a multiple of 16; weights [9][channels].
struct Depthwise {
    std::size_t channels;
    const std::int32_t* weights;
    Finish finish;
};

// Whether this processor, and this build, can run them.
bool supported();

// x [positions][inputs] -> out [positions][outputs]: activations, or, as exact floats, whatever.
void linear(const Linear& layer, const std::int16_t* x, std::size_t positions, std::int16_t* out,
            threads::Team& team);
void linear(const Linear& layer, const std::int16_t* x, std::size_t positions, float* out,
            threads::Team& team);

// x and out [height][width][channels]; zero outside.
void depthwise(const Depthwise& layer, const std::int16_t* x, std::size_t height, std::size_t width,
               std::int16_t* out, threads::Team& team);

}  // namespace integer
