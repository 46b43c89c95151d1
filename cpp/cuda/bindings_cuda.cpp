// Python module entropy.coder._rans_cuda: conversion and exception translation, nothing else.
#include <nanobind/nanobind.h>

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "rans_helpers.hpp"
#include "cdf.hpp"
#include "batch.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

nb::list encode_batch(nb::handle payloads, const rans::cuda::DeviceTables& tables, unsigned lanes) {
    rans::check_lanes(lanes);
    std::vector<rans::PythonSegments> arrays;
    std::vector<std::vector<rans::Segment>> views;
    for (nb::handle segments : payloads) {
        arrays.emplace_back(segments);
        views.push_back(arrays.back().views);
    }
    std::vector<std::vector<std::uint8_t>> encoded;
    {
        nb::gil_scoped_release release;
        encoded = rans::cuda::encode_batch(views, tables, lanes);
    }
    nb::list result;
    for (const std::vector<std::uint8_t>& data : encoded) {
        result.append(nb::bytes(data.data(), data.size()));
    }
    return result;
}

std::vector<std::span<const std::uint8_t>> spans_of(nb::handle payloads) {
    std::vector<std::span<const std::uint8_t>> spans;
    for (nb::handle data : payloads) spans.push_back(rans::span_of(nb::cast<nb::bytes>(data)));
    return spans;
}

// One array per payload: views of them, and the arrays kept alive.
template <typename T>
struct Arrays {
    std::vector<rans::Vector<T>> kept;
    std::vector<std::span<T>> views;

    explicit Arrays(nb::handle items) {
        for (nb::handle item : items) {
            kept.push_back(nb::cast<rans::Vector<T>>(item, false));
            views.push_back(rans::span_of(kept.back()));
        }
    }
};

template <typename T>
void check_sizes(const Arrays<T>& found, const Arrays<const std::uint8_t>& indexes) {
    if (found.views.size() != indexes.views.size()) {
        throw nb::value_error("decode: expected one array for every payload");
    }
    for (std::size_t p = 0; p < found.views.size(); ++p) {
        if (found.views[p].size() != indexes.views[p].size()) {
            throw nb::value_error("arrays of one segment have different sizes");
        }
    }
}

// One call at a time.
class BatchDecoder {
public:
    BatchDecoder(nb::handle payloads, const rans::cuda::DeviceTables& tables)
        : decoder_(spans_of(payloads), tables) {}

    void decode(nb::handle indexes, nb::handle symbols) {
        const Arrays<const std::uint8_t> index_arrays(indexes);
        const Arrays<std::int16_t> symbol_arrays(symbols);
        check(index_arrays, symbol_arrays);
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.decode(index_arrays.views, symbol_arrays.views);
    }

    void decode_trellis(nb::handle indexes, unsigned stride, unsigned states, nb::handle symbols,
                        nb::handle chosen) {
        const Arrays<const std::uint8_t> index_arrays(indexes);
        const Arrays<std::int16_t> symbol_arrays(symbols);
        const Arrays<std::uint8_t> chosen_arrays(chosen);
        check(index_arrays, symbol_arrays);
        check_sizes(chosen_arrays, index_arrays);
        rans::check_states(states);
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.decode_trellis(index_arrays.views, stride, states, symbol_arrays.views,
                                chosen_arrays.views);
    }

    void finish() {
        nb::gil_scoped_release release;
        const std::lock_guard lock(mutex_);
        decoder_.finish();
    }

private:
    void check(const Arrays<const std::uint8_t>& indexes,
               const Arrays<std::int16_t>& symbols) const {
        if (indexes.views.size() != decoder_.size()) {
            throw nb::value_error("decode: expected one array for every payload");
        }
        check_sizes(symbols, indexes);
    }

    rans::cuda::BatchDecoder decoder_;
    std::mutex mutex_;
};

}  // namespace

NB_MODULE(_rans_cuda, m) {
    nb::module_ errors = nb::module_::import_("entropy.errors");
    rans::translate_coder_errors(errors);
    rans::translate<rans::cuda::CudaError>(errors, "NativeUnavailable");

    m.def("device_count", &rans::cuda::device_count);
    nb::class_<rans::cuda::DeviceTables>(m, "DeviceTables")
        .def(
            "__init__",
            [](rans::cuda::DeviceTables* self, const nb::bytes& serialized) {
                new (self) rans::cuda::DeviceTables(rans::Tables(rans::span_of(serialized)));
            },
            "serialized"_a);
    m.def("encode_batch", &encode_batch, "payloads"_a, "tables"_a, "lanes"_a);
    nb::class_<BatchDecoder>(m, "BatchDecoder")
        .def(nb::init<nb::handle, const rans::cuda::DeviceTables&>(), "payloads"_a, "tables"_a,
             nb::keep_alive<1, 3>())
        .def("decode", &BatchDecoder::decode, "indexes"_a, "symbols"_a)
        .def("decode_trellis", &BatchDecoder::decode_trellis, "indexes"_a, "stride"_a, "states"_a,
             "symbols"_a, "chosen"_a)
        .def("finish", &BatchDecoder::finish);
}
