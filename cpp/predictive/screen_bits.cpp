#include "screen_bits.hpp"

namespace predictive {

constinit const Logistic kLogistic;

}  // namespace predictive
