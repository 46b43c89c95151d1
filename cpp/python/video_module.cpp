// Python module codec.video._video: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>

#include "arrays.hpp"
#include "coder.hpp"
#include "rans_helpers.hpp"
#include "reconstruct.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using bindings::checked_threads;
using bindings::require;
using Samples10 = nb::ndarray<const std::uint16_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Bytes8 = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

constexpr int kMostSide = 16384;

struct Model {
    nb::bytes weights;  // what the model looks into
    std::shared_ptr<const video::InterModel> model;

    Model(const nb::bytes& file, const std::string& kernels)
        : weights(file), model(std::make_shared<video::InterModel>(bindings::span_of_bytes(file),
                                                                   networks::kernels_named(kernels))) {}
};

template <typename Array>
void check_planes(const video::Format& format, const std::vector<Array>& planes) {
    require(planes.size() == 3, "planes: expected three");
    for (int n = 0; n < video::kPlanes; ++n) {
        const auto& plane = planes[static_cast<std::size_t>(n)];
        require(plane.shape(0) == static_cast<std::size_t>(format.shown_height(n)) &&
                    plane.shape(1) == static_cast<std::size_t>(format.shown_width(n)),
                "a plane has another size than the format says");
    }
}

video::Source source_of(const video::Format& format, const std::vector<Bytes8>& planes) {
    check_planes(format, planes);
    return {{planes[0].data(), planes[1].data(), planes[2].data()}};
}

void check_slots(const std::vector<int>& references, int slot) {
    require(references.size() <= video::kReferences, "references: expected at most four");
    for (int reference : references) {
        require(reference >= 0 && reference < video::kSlots, "references: expected slots 0 to 7");
    }
    require(slot >= -1 && slot < video::kSlots, "slot: expected -1 to 7");
}

// The plane as shown, every sample as `narrowed` gives it.
template <typename T, typename Narrowed>
nb::object plane_of(const video::Picture& picture, int plane, Narrowed&& narrowed) {
    const auto w = static_cast<std::size_t>(picture.format.shown_width(plane));
    const auto h = static_cast<std::size_t>(picture.format.shown_height(plane));
    std::vector<T> samples(w * h);
    for (std::size_t y = 0; y < h; ++y) {
        const video::Sample* line = picture.planes[plane].row(static_cast<int>(y));
        std::transform(line, line + w, samples.begin() + static_cast<std::ptrdiff_t>(y * w), narrowed);
    }
    return bindings::to_array(std::move(samples), {h, w});
}

// Planes of 8 bits, as shown, of a picture; of 10 bits where `wide`.
nb::list planes_of(const video::Picture& picture, bool wide) {
    nb::list planes;
    for (int n = 0; n < video::kPlanes; ++n) {
        planes.append(wide ? plane_of<std::uint16_t>(picture, n, [](video::Sample v) { return v; })
                           : plane_of<std::uint8_t>(picture, n, [](video::Sample v) {
                                 return static_cast<std::uint8_t>(std::min((v + 2) >> 2, 255));
                             }));
    }
    return planes;
}

void make(video::Coder* self, int width, int height, bool subsampled, const Model& model) {
    require(width >= 1 && height >= 1 && width <= kMostSide && height <= kMostSide, "width, height: expected 1 to 16384");
    new (self) video::Coder(video::Format{width, height, subsampled}, model.model);
}

nb::bytes encode(video::Coder& coder, const std::vector<Bytes8>& planes, const std::vector<int>& references, int slot,
                 int level, int layer, int number, bool fresh, bool overlapped, bool filtered, double lambda,
                 double chroma, int effort, bool keep, std::size_t threads) {
    const video::Source source = source_of(coder.format(), planes);
    check_slots(references, slot);
    require(level >= 0 && level < 64, "level: expected 0 to 63");
    require(layer >= 0 && layer < video::kLayers, "layer: expected 0 to 3");
    require(number >= 0 && number < 1 << 24, "number: expected 0 to 2^24 - 1");
    checked_threads(threads);
    std::vector<std::uint8_t> payload;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        payload = coder.encode(source, references, slot, {level, layer, number, fresh, overlapped, filtered},
                               {lambda, chroma, effort}, keep, team);
    }
    return bindings::to_bytes(payload);
}

std::unique_ptr<video::Parsed> parse(video::Coder& coder, const nb::bytes& payload, const std::vector<int>& references,
                                     int slot) {
    check_slots(references, slot);
    const auto view = bindings::span_of_bytes(payload);
    nb::gil_scoped_release release;
    return coder.parse(view, references, slot);
}

void reconstruct(video::Coder& coder, const video::Parsed& parsed, std::size_t threads) {
    checked_threads(threads);
    nb::gil_scoped_release release;
    threads::Team team(threads);
    coder.reconstruct(parsed, team);
}

}  // namespace

NB_MODULE(_video, m) {
    nb::set_leak_warnings(false);
    nb::module_ errors = nb::module_::import_("entropy.errors");
    rans::translate_coder_errors(errors);
    bindings::translate_network_errors();
    m.attr("MOST_THREADS") = bindings::kMostThreads;
    m.attr("CONTEXT_BYTES") = sizeof(video::Contexts);
    m.def("step_of", &video::step_of, "level"_a);
    m.def("motion_cost", [](const Bytes8& luma, const Bytes8& reference, std::size_t threads) {
        require(luma.shape(0) == reference.shape(0) && luma.shape(1) == reference.shape(1), "pictures of two sizes");
        require(luma.shape(0) <= kMostSide && luma.shape(1) <= kMostSide, "width, height: expected up to 16384");
        checked_threads(threads);
        nb::gil_scoped_release release;
        threads::Team team(threads);
        return video::motion_cost(luma.data(), reference.data(), static_cast<int>(luma.shape(1)),
                                  static_cast<int>(luma.shape(0)), team);
    }, "luma"_a, "reference"_a, "threads"_a);
    nb::class_<Model>(m, "Model").def(nb::init<const nb::bytes&, const std::string&>(), "weights"_a, "kernels"_a);
    nb::class_<video::Parsed>(m, "Parsed");
    nb::class_<video::Coder>(m, "Coder")
        .def("__init__", &make, "width"_a, "height"_a, "subsampled"_a, "model"_a)
        .def("put_still",
             [](video::Coder& coder, const std::vector<Samples10>& planes, int number) {
                 check_planes(coder.format(), planes);
                 coder.put_still({planes[0].data(), planes[1].data(), planes[2].data()}, number);
             },
             "planes"_a, "number"_a)
        .def("encode", &encode, "planes"_a, "references"_a, "slot"_a, "level"_a, "layer"_a, "number"_a, "fresh"_a,
             "overlapped"_a, "filtered"_a, "lmbda"_a, "chroma"_a, "effort"_a, "keep"_a, "threads"_a)
        .def("parse", &parse, "payload"_a, "references"_a, "slot"_a)
        .def("reconstruct", &reconstruct, "parsed"_a, "threads"_a)
        .def("decode",
             [](video::Coder& coder, const nb::bytes& payload, const std::vector<int>& references, int slot,
                std::size_t threads) { reconstruct(coder, *parse(coder, payload, references, slot), threads); },
             "payload"_a, "references"_a, "slot"_a, "threads"_a)
        .def("planes",
             [](const video::Coder& coder, bool wide) {
                 require(coder.any(), "nothing has been coded yet");
                 return planes_of(coder.last(), wide);
             },
             "wide"_a)
        .def("kept",
             [](const video::Coder& coder) {
                 const video::Encoded& details = coder.details();
                 require(details.unfiltered && details.predicted, "nothing was kept");
                 return nb::make_tuple(planes_of(*details.unfiltered, true), planes_of(*details.predicted, true));
             })
        .def("start", [](const video::Coder& coder, int level) {
            require(level >= 0 && level < 64, "level: expected 0 to 63");
            return nb::bytes(reinterpret_cast<const char*>(&coder.start(level)), sizeof(video::Contexts));
        }, "level"_a)
        .def("contexts", [](const video::Coder& coder, int layer) {
            require(layer >= 0 && layer < video::kLayers && coder.learned(layer), "no frame of that layer");
            return nb::bytes(reinterpret_cast<const char*>(&coder.contexts(layer)), sizeof(video::Contexts));
        }, "layer"_a);
}
