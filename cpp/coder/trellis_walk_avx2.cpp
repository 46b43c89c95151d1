// The walk through the large trellis for processors with AVX2; see CMakeLists.txt.
#include "trellis_walk.hpp"

namespace rans {

extern const Walk kWalkAvx2;
const Walk kWalkAvx2{8, walk<kManyStates, 8>};

}  // namespace rans
