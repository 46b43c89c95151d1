// Python module networks._networks: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

networks::Network load(const nb::bytes& file, const std::string& program, const std::string& kernels) {
    const networks::WeightsFile weights(bindings::span_of_bytes(file));
    return {networks::read_program(weights, program), networks::kernels_named(kernels)};
}

nb::list run(const networks::Network& network, const std::vector<bindings::AnyArray>& inputs,
             std::size_t level, std::size_t threads) {
    std::vector<networks::Array> views;
    for (const auto& input : inputs) views.push_back(bindings::view_of(input));
    bindings::checked_threads(threads);
    std::vector<networks::Array> outputs;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        outputs = network.run(views, level, team);
    }
    nb::list arrays;
    for (const auto& output : outputs) arrays.append(bindings::to_numpy(output));
    return arrays;
}

}  // namespace

NB_MODULE(_networks, m) {
    // A program may end while a daemon thread still holds objects; that is no fault of anyone.
    nb::set_leak_warnings(false);
    bindings::translate_network_errors();
    m.attr("MOST_THREADS") = bindings::kMostThreads;
    m.def("kernel_names", &networks::kernel_names, "runnable"_a);
    m.def("kernels_named", [](const std::string& name) { return networks::kernels_named(name).name; },
          "name"_a);
    nb::class_<networks::Network>(m, "Network")
        .def("__init__",
             [](networks::Network* self, const nb::bytes& file, const std::string& program,
                const std::string& kernels) {
                 new (self) networks::Network(load(file, program, kernels));
             },
             "file"_a, "program"_a, "kernels"_a)
        .def("run", &run, "inputs"_a, "level"_a, "threads"_a);
}
