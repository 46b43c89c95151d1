// The walk through both trellises for processors with AVX-512; see CMakeLists.txt.
#include "trellis_walk.hpp"

namespace rans {

extern const Walk kWalkAvx512, kWalkAvx512Few;
const Walk kWalkAvx512{16, walk<kManyStates, 16>, rate};
const Walk kWalkAvx512Few{16, walk<kFewStates, 16>, rate};

}  // namespace rans
