// Python module entropy.integer._layers: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "integer_layer.hpp"
#include "team_binding.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, std::size_t kAxes>
using Array = nb::ndarray<T, nb::ndim<kAxes>, nb::c_contig, nb::device::cpu>;
template <std::size_t kAxes>
using Ints = Array<const std::int32_t, kAxes>;
template <std::size_t kAxes>
using Activations = Array<const std::int16_t, kAxes>;

void require(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

// Biases of every level and the rest of `Finish`, kept alive and checked once.
class Finish {
public:
    Finish(Ints<2> bias, Ints<1> shift, Ints<1> low, Ints<1> high)
        : bias_(std::move(bias)), shift_(std::move(shift)), low_(std::move(low)),
          high_(std::move(high)) {
        const std::size_t outputs = shift_.size();
        require(bias_.shape(0) > 0 && bias_.shape(1) == outputs, "bias: wrong shape");
        require(low_.size() == outputs && high_.size() == outputs, "low, high: wrong shape");
        require(std::all_of(shift_.data(), shift_.data() + outputs,
                            [](std::int32_t shift) { return shift >= 0 && shift < 32; }),
                "shift: expected 0..31");
    }

    std::size_t outputs() const { return shift_.size(); }

    integer::Finish at(std::size_t level) const {
        require(level < bias_.shape(0), "level: not in the table");
        return {bias_.data() + level * outputs(), shift_.data(), low_.data(), high_.data()};
    }

private:
    Ints<2> bias_;
    Ints<1> shift_, low_, high_;
};

class Linear {
public:
    Linear(Ints<3> weights, const Finish& finish) : weights_(std::move(weights)), finish_(finish) {
        using integer::kMaxInputs, integer::kPanel;
        const std::size_t inputs = 2 * weights_.shape(1);
        require(inputs > 0 && inputs <= kMaxInputs, "weights: expected up to 512 inputs");
        require(weights_.shape(2) == kPanel, "weights: expected panels of 32 outputs");
        require(weights_.shape(0) * kPanel == finish.outputs(), "weights: wrong number of panels");
    }

    template <typename T>
    void run(const Activations<2>& x, const Array<T, 2>& out, std::size_t level,
             threads::Team& team) const {
        const integer::Linear layer{2 * weights_.shape(1), finish_.outputs(), weights_.data(),
                                    finish_.at(level)};
        require(x.shape(1) == layer.inputs, "x: wrong number of channels");
        require(out.shape(0) == x.shape(0) && out.shape(1) == layer.outputs, "out: wrong shape");
        nb::gil_scoped_release release;
        integer::linear(layer, x.data(), x.shape(0), out.data(), team);
    }

private:
    Ints<3> weights_;
    Finish finish_;
};

class Depthwise {
public:
    Depthwise(Ints<2> weights, const Finish& finish)
        : weights_(std::move(weights)), finish_(finish) {
        require(weights_.shape(0) == 9 && weights_.shape(1) == finish.outputs(),
                "weights: wrong shape");
        require(finish.outputs() % 16 == 0, "weights: expected a multiple of 16 channels");
    }

    void run(const Activations<3>& x, const Array<std::int16_t, 3>& out, std::size_t level,
             threads::Team& team) const {
        const integer::Depthwise layer{finish_.outputs(), weights_.data(), finish_.at(level)};
        require(x.shape(2) == layer.channels, "x: wrong number of channels");
        for (std::size_t axis = 0; axis < 3; ++axis) {
            require(out.shape(axis) == x.shape(axis), "out: not the shape of x");
        }
        require(x.data() + x.size() <= out.data() || out.data() + out.size() <= x.data(),
                "out: overlaps x");
        nb::gil_scoped_release release;
        integer::depthwise(layer, x.data(), x.shape(0), x.shape(1), out.data(), team);
    }

private:
    Ints<2> weights_;
    Finish finish_;
};

}  // namespace

NB_MODULE(_layers, m) {
    m.attr("MAX_INPUTS") = integer::kMaxInputs;
    m.attr("PANEL") = integer::kPanel;
    m.def("supported", &integer::supported);
    bind_team(m);
    nb::class_<Finish>(m, "Finish")
        .def(nb::init<Ints<2>, Ints<1>, Ints<1>, Ints<1>>(), nb::arg("bias").noconvert(),
             nb::arg("shift").noconvert(), nb::arg("low").noconvert(), nb::arg("high").noconvert());
    nb::class_<Linear>(m, "Linear")
        .def(nb::init<Ints<3>, const Finish&>(), nb::arg("weights").noconvert(), "finish"_a)
        .def("run", &Linear::run<std::int16_t>, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
             "level"_a, "team"_a)
        .def("run", &Linear::run<float>, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
             "level"_a, "team"_a);
    nb::class_<Depthwise>(m, "Depthwise")
        .def(nb::init<Ints<2>, const Finish&>(), nb::arg("weights").noconvert(), "finish"_a)
        .def("run", &Depthwise::run, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
             "level"_a, "team"_a);
}
