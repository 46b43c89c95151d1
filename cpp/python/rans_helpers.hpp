// What the Python modules share: views of arrays, translation of exceptions.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <exception>
#include <span>
#include <vector>

#include "error.hpp"
#include "rans.hpp"
#include "rans_encoder.hpp"
#include "trellis.hpp"

namespace rans {

template <typename T>
using Vector = nanobind::ndarray<T, nanobind::ndim<1>, nanobind::c_contig, nanobind::device::cpu>;

template <typename T>
std::span<T> span_of(const Vector<T>& array) {
    return {array.data(), array.size()};
}

inline std::span<const std::uint8_t> span_of(const nanobind::bytes& data) {
    return {static_cast<const std::uint8_t*>(data.data()), data.size()};
}

// A sequence of (symbols, indexes) as views, with the arrays kept alive.
struct PythonSegments {
    std::vector<Vector<const std::int16_t>> symbols;
    std::vector<Vector<const std::uint8_t>> indexes;
    std::vector<Segment> views;

    explicit PythonSegments(nanobind::handle segments) {
        for (nanobind::handle item : segments) {
            symbols.push_back(nanobind::cast<Vector<const std::int16_t>>(item[0], false));
            indexes.push_back(nanobind::cast<Vector<const std::uint8_t>>(item[1], false));
            if (symbols.back().size() != indexes.back().size()) {
                throw nanobind::value_error("a segment has symbols and indexes of different sizes");
            }
            views.push_back({span_of(symbols.back()), span_of(indexes.back())});
        }
    }
};

inline void check_lanes(unsigned lanes) {
    if (lanes > kMaxLanes || (lanes & (lanes - 1)) != 0) {
        throw nanobind::value_error("lanes: expected 0 or a power of two up to 32");
    }
}

inline void check_states(unsigned states) {
    if (!has_trellis(states)) throw nanobind::value_error("states: no such trellis");
}

// Makes C++ exceptions of type Error arrive in Python as entropy.errors.<name>.
template <typename Error>
void translate(nanobind::module_& errors, const char* name) {
    nanobind::register_exception_translator(
        [](const std::exception_ptr& pointer, void* type) {
            try {
                std::rethrow_exception(pointer);
            } catch (const Error& error) {
                PyErr_SetString(static_cast<PyObject*>(type), error.what());
            }
        },
        nanobind::object(errors.attr(name)).release().ptr());
}

inline void translate_coder_errors(nanobind::module_& errors) {
    translate<InvalidTable>(errors, "InvalidTable");
    translate<StreamExhausted>(errors, "StreamExhausted");
    translate<CorruptStream>(errors, "CorruptStream");
    translate<SymbolOutOfRange>(errors, "SymbolOutOfRange");
}

}  // namespace rans
