// Errors of networks; the bindings turn them into those of networks/errors.py.
#pragma once

#include <stdexcept>

namespace networks {

// A program or its weights break a rule or a bound of networks/SPEC.md.
struct InvalidNetwork : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The bytes are not a weights file.
struct InvalidWeightsFile : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// There are no kernels of that name, or not for this processor.
struct UnknownInstructionSet : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace networks
