// Programs: lists of operations, read from a weights file and proved (networks/SPEC.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weights_file.hpp"

namespace networks {

enum class Kind : std::uint8_t {
    linear = 1, depthwise, add, glu, scale, lookup, concat, cell, join, gated_block,
    attention
};

struct Input {
    Type type;
    std::size_t channels;
    std::int32_t low, high;
};

struct Operation {
    Kind kind;
    std::vector<std::size_t> arguments;
    std::vector<std::int32_t> parameters;
    std::vector<const Tensor*> tensors;
};

// What is known of a register: type, channels, range of values.
struct Register {
    Type type;
    std::size_t channels;
    std::int64_t low, high;
};

struct Program {
    std::string name;
    std::vector<Input> inputs;
    std::vector<Operation> operations;
    std::vector<std::size_t> outputs;
    std::vector<Register> registers;  // of the proof
};

// The program of that name. Throws InvalidWeightsFile, or InvalidNetwork if a rule or a bound is
// broken.
Program read_program(const WeightsFile& file, const std::string& name);

}  // namespace networks
