// What the float kernels have in common: how weights lie, and where they run.
#pragma once

#include <cstddef>

namespace transforms {

// Outputs that are computed together. A panel is [words of one row][kPanel] 32-bit words, a word
// being the weight of one input or, in bfloat16, of two.
inline constexpr std::size_t kPanel = 32;

// Whether this processor, and this build, can run kernels of that precision.
bool supported(bool bfloat16);

}  // namespace transforms
