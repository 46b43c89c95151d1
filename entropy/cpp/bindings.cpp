// Python module entropy.coder._rans: conversion and exception translation, nothing else.
#include <nanobind/nanobind.h>

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "binding_helpers.hpp"
#include "cdf.hpp"
#include "rans_decoder.hpp"
#include "rans_encoder.hpp"

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

// Holds what rans::Decoder refers to; one call at a time.
class Decoder {
public:
    Decoder(nb::bytes data, const rans::Tables& tables)
        : data_(std::move(data)), decoder_(rans::span_of(data_), tables) {}

    void decode(const rans::Vector<const std::uint8_t>& indexes,
                const rans::Vector<std::int16_t>& symbols) {
        if (indexes.size() != symbols.size()) {
            throw nb::value_error("indexes and symbols have different sizes");
        }
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.decode(rans::span_of(indexes), rans::span_of(symbols));
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
    nb::class_<Decoder>(m, "Decoder")
        .def(nb::init<nb::bytes, const rans::Tables&>(), "data"_a, "tables"_a,
             nb::keep_alive<1, 3>())
        .def("decode", &Decoder::decode, nb::arg("indexes").noconvert(),
             nb::arg("symbols").noconvert())
        .def("finish", &Decoder::finish);
}
