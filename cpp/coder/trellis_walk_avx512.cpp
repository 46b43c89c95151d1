// The walk through the large trellis for processors with AVX-512; see CMakeLists.txt.
#include "trellis_walk.hpp"

namespace rans {

extern const Walk kWalkAvx512;
const Walk kWalkAvx512{16, walk<kManyStates, 16>};

}  // namespace rans
