// Python module entropy.predictive._predictive: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>

#include "arrays.hpp"
#include "lattice.hpp"
#include "photo.hpp"
#include "rans_helpers.hpp"
#include "screen.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using bindings::require;
using bindings::to_array;
using bindings::to_bytes;
using predictive::Samples;
using predictive::Target;
using Pixels = nb::ndarray<const std::uint16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using CellArray = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void check_format(unsigned bits, std::size_t height, std::size_t width, std::size_t channels) {
    require(1 <= bits && bits <= 16, "bits: expected 1 to 16");
    require(channels == 1 || channels == 3, "channels: expected 1 or 3");
    require(height > 0 && width > 0 && height <= 1u << 15 && width <= 1u << 15,
            "sides: expected 1 to 32768");
}

void check_screen_bits(unsigned bits) { require(bits == 8 || bits == 16, "bits: expected 8 or 16"); }

Samples samples_of(const Pixels& pixels, unsigned bits) {
    const Samples view = {pixels.data(), pixels.shape(1), pixels.shape(0), pixels.shape(2),
                          pixels.shape(1) * pixels.shape(2)};
    check_format(bits, view.height, view.width, view.channels);
    require(std::all_of(pixels.data(), pixels.data() + pixels.size(),
                        [bits](std::uint16_t sample) { return sample >> bits == 0; }),
            "pixels: a sample is above its bits");
    return view;
}

predictive::Cells cells_of(const std::optional<CellArray>& cells, std::size_t height,
                           std::size_t width) {
    if (!cells) return {};
    require(cells->shape(0) == predictive::cells_along(height) &&
                cells->shape(1) == predictive::cells_along(width),
            "cells: expected one for every 64 x 64 pixels");
    return {cells->data(), cells->size()};
}

nb::tuple screen_encode(const Pixels& pixels, unsigned bits, const std::optional<CellArray>& cells) {
    check_screen_bits(bits);
    const Samples view = samples_of(pixels, bits);
    const predictive::Cells coded = cells_of(cells, view.height, view.width);
    std::vector<std::uint8_t> payload;
    std::vector<float> spent;
    {
        nb::gil_scoped_release release;
        payload = predictive::screen_encode(view, bits, coded, &spent);
    }
    const std::size_t columns = predictive::cells_along(view.width);
    const std::size_t rows = spent.size() / columns;
    return nb::make_tuple(to_bytes(payload), to_array(std::move(spent), {rows, columns}));
}

nb::object screen_decode(const nb::bytes& payload, unsigned bits, const std::optional<CellArray>& cells,
                         std::size_t height, std::size_t width, std::size_t channels) {
    check_screen_bits(bits);
    check_format(bits, height, width, channels);
    const predictive::Cells coded = cells_of(cells, height, width);
    std::vector<std::uint16_t> pixels(height * width * channels);
    {
        const auto bytes = rans::span_of(payload);
        nb::gil_scoped_release release;
        const Target out = {pixels.data(), width, height, channels, width * channels};
        predictive::screen_decode(bytes, bits, coded, out);
    }
    return to_array(std::move(pixels), {height, width, channels});
}

nb::tuple photo_encode(const Pixels& pixels, unsigned bits, unsigned error, const std::string& kernels) {
    const Samples view = samples_of(pixels, bits);
    std::vector<std::uint8_t> payload;
    std::vector<std::uint16_t> decoded(pixels.size());
    {
        nb::gil_scoped_release release;
        const Target target{decoded.data(), view.width, view.height, view.channels, view.stride};
        payload = predictive::photo_encode(view, bits, error, target, kernels);
    }
    return nb::make_tuple(to_bytes(payload),
                          to_array(std::move(decoded), {view.height, view.width, view.channels}));
}

nb::object photo_decode(const nb::bytes& payload, unsigned bits, unsigned error, std::size_t height,
                        std::size_t width, std::size_t channels, const std::string& kernels) {
    check_format(bits, height, width, channels);
    std::vector<std::uint16_t> pixels(height * width * channels);
    {
        const auto bytes = rans::span_of(payload);
        nb::gil_scoped_release release;
        predictive::photo_decode(bytes, bits, error,
                                 Target{pixels.data(), width, height, channels, width * channels}, kernels);
    }
    return to_array(std::move(pixels), {height, width, channels});
}

double photo_bits(const Pixels& pixels, unsigned bits, unsigned error, const std::string& kernels) {
    const Samples view = samples_of(pixels, bits);
    nb::gil_scoped_release release;
    return predictive::photo_bits(view, bits, error, kernels);
}

// (preset, planes), or (0, None) where the pixels are on no lattice.
nb::tuple to_lattice(const Pixels& rgb) {
    const Samples view = samples_of(rgb, 8);
    std::vector<std::uint16_t> planes;
    unsigned preset = 0;
    {
        nb::gil_scoped_release release;
        preset = predictive::find_lattice(view);
        if (preset != 0 && !predictive::to_lattice(view, preset, planes)) preset = 0;
    }
    if (preset == 0) return nb::make_tuple(0, nb::none());
    return nb::make_tuple(preset, to_array(std::move(planes), {view.height, view.width, view.channels}));
}

nb::object from_lattice(const Pixels& planes, unsigned preset) {
    const Samples view = samples_of(planes, 8);
    require(view.channels == 3, "planes: expected three channels");
    require(preset >= 1 && preset <= predictive::kLattices, "preset: there is no such lattice");
    std::vector<std::uint16_t> rgb(planes.size());
    {
        nb::gil_scoped_release release;
        const Target out = {rgb.data(), view.width, view.height, 3, view.stride};
        predictive::from_lattice(view, preset, out);
    }
    return to_array(std::move(rgb), {view.height, view.width, view.channels});
}

}  // namespace

NB_MODULE(_predictive, m) {
    // A program may end while a daemon thread still holds objects; that is no fault of anyone.
    nb::set_leak_warnings(false);
    nb::module_ errors = nb::module_::import_("entropy.errors");
    rans::translate_coder_errors(errors);
    bindings::translate_network_errors();
    m.def("photo_encode", &photo_encode, nb::arg("pixels").noconvert(), "bits"_a, "error"_a,
          "kernels"_a = "");
    m.def("photo_decode", &photo_decode, "payload"_a, "bits"_a, "error"_a, "height"_a, "width"_a,
          "channels"_a, "kernels"_a = "");
    m.def("photo_bits", &photo_bits, nb::arg("pixels").noconvert(), "bits"_a, "error"_a,
          "kernels"_a = "");
    m.def("screen_encode", &screen_encode, nb::arg("pixels").noconvert(), "bits"_a,
          nb::arg("cells").noconvert().none() = nb::none());
    m.def("screen_decode", &screen_decode, "payload"_a, "bits"_a, nb::arg("cells").noconvert().none(),
          "height"_a, "width"_a, "channels"_a);
    m.def("to_lattice", &to_lattice, nb::arg("rgb").noconvert());
    m.def("from_lattice", &from_lattice, nb::arg("planes").noconvert(), "preset"_a);
}
