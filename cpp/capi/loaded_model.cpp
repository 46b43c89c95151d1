#include "loaded_model.hpp"

lic_model::lic_model(std::span<const std::uint8_t> file, const std::string& kernels)
    : weights(file.begin(), file.end()), sha256(capi::sha256(weights)),
      model(weights, networks::kernels_named(kernels)) {
    model.check();
}
