// Whole files to samples and back: container, alpha and frame coder together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "container.hpp"
#include "frame.hpp"
#include "lic.h"
#include "loaded_model.hpp"

namespace capi {

// Samples of a pixel, alpha included.
inline std::size_t samples_of(const container::Header& header) {
    return header.channels + (header.alpha ? 1 : 0);
}

// Decodes a part of a file, or all of it, to the front of `pixels`. The model may be null where the file
// needs none. Throws.
void decode(const lic_model* model, container::Bytes file, const std::optional<frame::Crop>& crop,
            std::uint32_t threads, std::span<std::uint8_t> pixels);

// The file of width x height pixels of `channels` samples each. Throws.
std::vector<std::uint8_t> encode(const lic_model* model, std::span<const std::uint8_t> pixels,
                                 std::uint32_t width, std::uint32_t height, std::uint32_t channels,
                                 const lic_encode_options& options);

}  // namespace capi
