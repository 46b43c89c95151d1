// A chain of operations computed some rows at a time, one behind the other, so that what lies between
// them stays small: in the caches, and in memory on large pictures.
#pragma once

#include "prepare.hpp"

namespace networks::detail {

// The operations, each reading what the one before gives; the output of the last.
Array run_chain(const std::vector<const ByRows*>& chain, const Array& x, const Run& run);

}  // namespace networks::detail
