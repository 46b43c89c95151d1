// A model with the bytes of its weights: what an opaque lic_model is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model.hpp"
#include "sha256.hpp"

struct lic_model {
    // Throws InvalidWeightsFile, InvalidNetwork, InvalidTable, UnknownInstructionSet.
    lic_model(std::span<const std::uint8_t> file, const std::string& kernels);

    std::vector<std::uint8_t> weights;
    std::array<std::uint8_t, 32> sha256;
    frame::Model model;
};
