// Python module codec.image._metrics: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>

#include "ssimulacra2.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Sample>
using Array = nb::ndarray<const Sample, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

template <typename Sample>
metrics::Picture<Sample> picture_of(const Array<Sample>& array) {
    const metrics::Picture<Sample> picture = {array.data(), array.shape(1), array.shape(0),
                                              array.shape(2)};
    if (picture.channels != 1 && picture.channels != 3) {
        throw nb::value_error("channels: expected 1 or 3");
    }
    if (picture.width < metrics::kLeastSide || picture.height < metrics::kLeastSide) {
        throw nb::value_error("sides: expected 8 or more");
    }
    return picture;
}

template <typename Sample>
double ssimulacra2(const Array<Sample>& original, const Array<Sample>& distorted, std::size_t threads) {
    if (threads < 1 || threads > threads::kMostThreads) {
        throw nb::value_error("threads: expected 1 to 64");
    }
    const auto a = picture_of(original), b = picture_of(distorted);
    if (a.width != b.width || a.height != b.height) {
        throw nb::value_error("the two pictures have different sizes");
    }
    nb::gil_scoped_release release;
    threads::Team team(threads);
    return metrics::ssimulacra2(a, b, team);
}

}  // namespace

NB_MODULE(_metrics, m) {
    m.attr("MOST_THREADS") = threads::kMostThreads;
    m.attr("LEAST_SIDE") = metrics::kLeastSide;
    m.def("ssimulacra2", &ssimulacra2<std::uint8_t>, "original"_a.noconvert(),
          "distorted"_a.noconvert(), "threads"_a);
    m.def("ssimulacra2", &ssimulacra2<std::uint16_t>, "original"_a.noconvert(),
          "distorted"_a.noconvert(), "threads"_a);
}
