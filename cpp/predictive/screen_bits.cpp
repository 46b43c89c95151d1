#include "screen_bits.hpp"

namespace predictive {

constexpr Logistic kTables;
const Logistic kLogistic = kTables;

}  // namespace predictive
