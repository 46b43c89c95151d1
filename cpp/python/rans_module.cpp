// Python module entropy.coder._rans: conversion and exception translation, nothing else.
#include <nanobind/nanobind.h>

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "rans_helpers.hpp"
#include "cdf.hpp"
#include "rans_decoder.hpp"
#include "rans_encoder.hpp"
#include "trellis.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

nb::bytes encode(nb::handle segments, const rans::Tables& tables, unsigned lanes) {
    rans::check_lanes(lanes);
    const rans::PythonSegments arrays(segments);
    std::vector<std::uint8_t> data;
    {
        nb::gil_scoped_release release;
        data = rans::encode(arrays.views, tables, lanes);
    }
    return nb::bytes(data.data(), data.size());
}

void check_sizes(std::size_t found, std::size_t expected) {
    if (found != expected) throw nb::value_error("arrays of one segment have different sizes");
}

using CostTable = nb::ndarray<const std::int32_t, nb::shape<2, -1, -1>, nb::c_contig,
                              nb::device::cpu>;

void quantise_trellis(const rans::Vector<const std::int32_t>& residuals,
                      const rans::Vector<const std::uint8_t>& indexes, const CostTable& costs,
                      unsigned skip_below, unsigned step, unsigned weight, unsigned states,
                      const rans::Vector<std::int16_t>& symbols,
                      const rans::Vector<std::uint8_t>& sets) {
    check_sizes(indexes.size(), residuals.size());
    check_sizes(symbols.size(), residuals.size());
    check_sizes(sets.size(), residuals.size());
    rans::check_states(states);
    if (costs.shape(2) == 0) throw nb::value_error("costs: no magnitudes");
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        if (indexes.data()[i] >= costs.shape(1)) throw nb::value_error("costs: no such table");
    }
    const rans::TrellisCosts choice{{costs.data(), costs.size()}, costs.shape(1), costs.shape(2),
                                    skip_below, step, weight, states};
    nb::gil_scoped_release release;
    rans::quantise_trellis(rans::span_of(residuals), rans::span_of(indexes), choice,
                           rans::span_of(symbols), rans::span_of(sets));
}

// Holds what rans::Decoder refers to; one call at a time.
class Decoder {
public:
    Decoder(nb::bytes data, const rans::Tables& tables)
        : data_(std::move(data)), decoder_(rans::span_of(data_), tables) {}

    void decode(const rans::Vector<const std::uint8_t>& indexes,
                const rans::Vector<std::int16_t>& symbols) {
        check_sizes(symbols.size(), indexes.size());
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.decode(rans::span_of(indexes), rans::span_of(symbols));
    }

    void decode_trellis(const rans::Vector<const std::uint8_t>& indexes, unsigned stride,
                        unsigned states,
                        const rans::Vector<std::int16_t>& symbols,
                        const rans::Vector<std::uint8_t>& chosen) {
        check_sizes(symbols.size(), indexes.size());
        check_sizes(chosen.size(), indexes.size());
        rans::check_states(states);
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.decode_trellis(rans::span_of(indexes), stride, states, rans::span_of(symbols),
                                rans::span_of(chosen));
    }

    void finish() {
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.finish();
    }

private:
    nb::bytes data_;
    rans::Decoder decoder_;
    std::mutex mutex_;
};

}  // namespace

NB_MODULE(_rans, m) {
    // A program may end while a daemon thread still holds objects; that is no fault of anyone.
    nb::set_leak_warnings(false);
    nb::module_ errors = nb::module_::import_("entropy.errors");
    rans::translate_coder_errors(errors);

    nb::class_<rans::Tables>(m, "Tables")
        .def(
            "__init__",
            [](rans::Tables* self, const nb::bytes& serialized) {
                new (self) rans::Tables(rans::span_of(serialized));
            },
            "serialized"_a)
        .def("__len__", &rans::Tables::size);
    m.def("encode", &encode, "segments"_a, "tables"_a, "lanes"_a);
    m.def("quantise_trellis", &quantise_trellis, nb::arg("residuals").noconvert(),
          nb::arg("indexes").noconvert(), nb::arg("costs").noconvert(), "skip_below"_a, "step"_a,
          "weight"_a, "states"_a, nb::arg("symbols").noconvert(), nb::arg("sets").noconvert());
    nb::class_<Decoder>(m, "Decoder")
        .def(nb::init<nb::bytes, const rans::Tables&>(), "data"_a, "tables"_a,
             nb::keep_alive<1, 3>())
        .def("decode", &Decoder::decode, nb::arg("indexes").noconvert(),
             nb::arg("symbols").noconvert())
        .def("decode_trellis", &Decoder::decode_trellis, nb::arg("indexes").noconvert(), "stride"_a,
             "states"_a, nb::arg("symbols").noconvert(), nb::arg("chosen").noconvert())
        .def("finish", &Decoder::finish);
}
