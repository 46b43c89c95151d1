// Python module codec.transforms._kernels: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "gated_block.hpp"
#include "linear_map.hpp"
#include "team_binding.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, std::size_t kAxes>
using Array = nb::ndarray<T, nb::ndim<kAxes>, nb::c_contig, nb::device::cpu>;
template <std::size_t kAxes>
using Floats = Array<const float, kAxes>;

void require(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

template <typename A>
void require_shape(const A& array, std::initializer_list<std::size_t> shape, const char* what) {
    std::size_t axis = 0;
    for (const std::size_t size : shape) require(array.shape(axis++) == size, what);
}

template <typename A, typename B>
void require_apart(const A& a, const B& b) {
    const void* ends[] = {a.data() + a.size(), b.data() + b.size()};
    require(ends[0] <= b.data() || ends[1] <= a.data(), "out: overlaps x");
}

// The weights of one block, kept alive and checked once.
class GatedBlock {
public:
    GatedBlock(Floats<1> spatial_bias, Floats<2> spatial, Array<const std::int32_t, 3> expand,
               Floats<2> expand_bias, Array<const std::int32_t, 3> reduce, Floats<1> reduce_bias,
               bool bfloat16)
        : spatial_bias_(std::move(spatial_bias)), spatial_(std::move(spatial)),
          expand_(std::move(expand)), expand_bias_(std::move(expand_bias)),
          reduce_(std::move(reduce)), reduce_bias_(std::move(reduce_bias)), bfloat16_(bfloat16) {
        using transforms::kMaxChannels, transforms::kPanel;
        const std::size_t channels = spatial_bias_.size(), panels = expand_.shape(0);
        const std::size_t hidden = 16 * panels, inputs = bfloat16 ? 2 : 1;
        require(transforms::supported(bfloat16), "not on this processor");
        require(channels > 0 && channels % kPanel == 0 && channels <= kMaxChannels,
                "channels: expected a multiple of 32 up to 384");
        require(hidden > 0 && hidden <= kMaxChannels, "hidden: expected up to 384");
        require_shape(spatial_, {9, channels}, "spatial: wrong shape");
        require_shape(expand_, {panels, channels / inputs, kPanel}, "expand: wrong shape");
        require_shape(expand_bias_, {panels, kPanel}, "expand_bias: wrong shape");
        require_shape(reduce_, {channels / kPanel, hidden / inputs, kPanel}, "reduce: wrong shape");
        require_shape(reduce_bias_, {channels}, "reduce_bias: wrong shape");
        block_ = {channels, hidden, spatial_.data(), spatial_bias_.data(), words(expand_),
                  expand_bias_.data(), words(reduce_), reduce_bias_.data()};
    }

    void run(const Floats<3>& x, const Array<float, 3>& out, threads::Team& team) const {
        const std::size_t height = x.shape(0), width = x.shape(1);
        require(x.shape(2) == block_.channels, "x: wrong number of channels");
        require_shape(out, {height, width, block_.channels}, "out: not the shape of x");
        require_apart(x, out);
        const transforms::Trunk trunk{x.data(), out.data(), height, width};
        nb::gil_scoped_release release;
        transforms::gated_block(trunk, block_, bfloat16_, team);
    }

private:
    static const float* words(const Array<const std::int32_t, 3>& array) {
        return reinterpret_cast<const float*>(array.data());
    }

    Floats<1> spatial_bias_;
    Floats<2> spatial_;
    Array<const std::int32_t, 3> expand_;
    Floats<2> expand_bias_;
    Array<const std::int32_t, 3> reduce_;
    Floats<1> reduce_bias_;
    bool bfloat16_;
    transforms::Block block_{};
};

// The weights of one linear map, kept alive and checked once.
class LinearMap {
public:
    LinearMap(Floats<3> weights, Floats<1> bias, std::size_t fold, std::size_t unfold)
        : weights_(std::move(weights)), bias_(std::move(bias)) {
        using transforms::kMaxInputs, transforms::kMaxOutputs, transforms::kPanel;
        const std::size_t outputs = bias_.size(), inputs = weights_.shape(1);
        require(transforms::supported(false), "not on this processor");
        require(outputs > 0 && outputs % kPanel == 0 && outputs <= kMaxOutputs,
                "outputs: expected a multiple of 32 up to 1536");
        require(inputs > 0 && inputs <= kMaxInputs, "inputs: expected up to 1536");
        require(fold > 0 && inputs % (fold * fold) == 0, "fold: its square must divide inputs");
        require(unfold > 0 && outputs % (unfold * unfold) == 0,
                "unfold: its square must divide outputs");
        require_shape(weights_, {outputs / kPanel, inputs, kPanel}, "weights: wrong shape");
        map_ = {inputs, outputs, fold, unfold, weights_.data(), bias_.data()};
    }

    template <typename In, typename Out>
    void run(const Array<const In, 3>& x, const Array<Out, 3>& out, threads::Team& team) const {
        const std::size_t fold = map_.fold, unfold = map_.unfold;
        require(x.shape(2) == map_.inputs / (fold * fold), "x: wrong number of channels");
        require(x.shape(0) % fold == 0 && x.shape(1) % fold == 0, "x: not whole squares");
        const std::size_t height = x.shape(0) / fold, width = x.shape(1) / fold;
        require_shape(out, {height * unfold, width * unfold, map_.outputs / (unfold * unfold)},
                      "out: wrong shape");
        require(sizeof(Out) == 1 || map_.outputs / unfold % transforms::kPanel == 0,
                "out: runs of floats are multiples of 32");
        require_apart(x, out);
        const transforms::Mapped<In, Out> mapped{x.data(), out.data(), height, width};
        nb::gil_scoped_release release;
        transforms::linear_map(map_, mapped, team);
    }

private:
    Floats<3> weights_;
    Floats<1> bias_;
    transforms::LinearMap map_{};
};

template <typename In, typename Out, typename Class>
void define_run(Class& cls) {
    cls.def("run", &LinearMap::run<In, Out>, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
            "team"_a);
}

}  // namespace

NB_MODULE(_kernels, m) {
    m.attr("MAX_CHANNELS") = transforms::kMaxChannels;
    m.attr("MAX_INPUTS") = transforms::kMaxInputs;
    m.attr("MAX_OUTPUTS") = transforms::kMaxOutputs;
    m.attr("PANEL") = transforms::kPanel;
    m.def("supported", &transforms::supported, "bfloat16"_a);
    bind_team(m);
    nb::class_<GatedBlock>(m, "GatedBlock")
        .def(nb::init<Floats<1>, Floats<2>, Array<const std::int32_t, 3>, Floats<2>,
                      Array<const std::int32_t, 3>, Floats<1>, bool>(),
             nb::arg("spatial_bias").noconvert(), nb::arg("spatial").noconvert(),
             nb::arg("expand").noconvert(), nb::arg("expand_bias").noconvert(),
             nb::arg("reduce").noconvert(), nb::arg("reduce_bias").noconvert(), "bfloat16"_a)
        .def("run", &GatedBlock::run, nb::arg("x").noconvert(), nb::arg("out").noconvert(),
             "team"_a);
    nb::class_<LinearMap> linear_map(m, "LinearMap");
    linear_map.def(nb::init<Floats<3>, Floats<1>, std::size_t, std::size_t>(),
                   nb::arg("weights").noconvert(), nb::arg("bias").noconvert(), "fold"_a,
                   "unfold"_a);
    define_run<float, float>(linear_map);
    define_run<std::uint8_t, float>(linear_map);
    define_run<float, std::uint8_t>(linear_map);
}
