// The walk through both trellises for processors with AVX2; see CMakeLists.txt.
#include "trellis_walk.hpp"

namespace rans {

extern const Walk kWalkAvx2, kWalkAvx2Few;
const Walk kWalkAvx2{8, walk<kManyStates, 8>, rate};
const Walk kWalkAvx2Few{8, walk<kFewStates, 8>, rate};

}  // namespace rans
