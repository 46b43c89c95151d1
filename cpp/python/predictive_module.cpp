// Python module entropy.predictive._predictive: conversion and exception translation, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include "arrays.hpp"
#include "error.hpp"
#include "photo.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Pixels = nb::ndarray<const std::uint16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

predictive::Samples samples_of(const Pixels& a) {
    return {a.data(), a.shape(1), a.shape(0), a.shape(2), a.shape(1) * a.shape(2)};
}

// A picture in Python: height, width, channels, uint16.
struct Picture {
    std::size_t height, width, channels;
    std::unique_ptr<std::uint16_t[]> values = std::make_unique<std::uint16_t[]>(height * width * channels);

    predictive::Target target() { return {values.get(), width, height, channels, width * channels}; }
    nb::object to_numpy() {
        const std::size_t shape[3] = {height, width, channels};
        auto* data = values.release();
        nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<std::uint16_t*>(p); });
        return nb::ndarray<nb::numpy, std::uint16_t>(data, 3, shape, owner).cast();
    }
};

nb::tuple photo_encode(const Pixels& pixels, unsigned bits, unsigned error, const std::string& kernels) {
    Picture decoded{pixels.shape(0), pixels.shape(1), pixels.shape(2)};
    std::vector<std::uint8_t> payload;
    {
        nb::gil_scoped_release release;
        payload = predictive::photo_encode(samples_of(pixels), bits, error, decoded.target(), kernels);
    }
    return nb::make_tuple(nb::bytes(payload.data(), payload.size()), decoded.to_numpy());
}

nb::object photo_decode(const nb::bytes& payload, unsigned bits, unsigned error, std::size_t height,
                        std::size_t width, std::size_t channels, const std::string& kernels) {
    Picture out{height, width, channels};
    {
        const auto bytes = bindings::span_of_bytes(payload);
        nb::gil_scoped_release release;
        predictive::photo_decode(bytes, bits, error, out.target(), kernels);
    }
    return out.to_numpy();
}

double photo_bits(const Pixels& pixels, unsigned bits, unsigned error, const std::string& kernels) {
    nb::gil_scoped_release release;
    return predictive::photo_bits(samples_of(pixels), bits, error, kernels);
}

}  // namespace

NB_MODULE(_predictive, m) {
    nb::module_ errors = nb::module_::import_("entropy.errors");
    bindings::translate<rans::CorruptStream>(errors, "CorruptStream");
    bindings::translate<rans::StreamExhausted>(errors, "StreamExhausted");
    bindings::translate_network_errors();
    m.def("photo_encode", &photo_encode, nb::arg("pixels").noconvert(), "bits"_a, "error"_a, "kernels"_a = "");
    m.def("photo_decode", &photo_decode, "payload"_a, "bits"_a, "error"_a, "height"_a, "width"_a,
          "channels"_a, "kernels"_a = "");
    m.def("photo_bits", &photo_bits, nb::arg("pixels").noconvert(), "bits"_a, "error"_a, "kernels"_a = "");
}
