// NumPy arrays to arrays of networks and back.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "network.hpp"

namespace bindings {

namespace nb = nanobind;
using AnyArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

// A view of an array (h, w, c) of uint8, int16 or int32.
inline networks::Array view_of(const AnyArray& array) {
    using networks::Type;
    if (array.ndim() != 3) throw nb::value_error("an array has three axes: height, width, channels");
    Type type{};
    if (array.dtype() == nb::dtype<std::uint8_t>()) {
        type = Type::u8;
    } else if (array.dtype() == nb::dtype<std::int16_t>()) {
        type = Type::i16;
    } else if (array.dtype() == nb::dtype<std::int32_t>()) {
        type = Type::i32;
    } else {
        throw nb::type_error("an array is of uint8, int16 or int32");
    }
    return networks::Array::view(type, array.shape(0), array.shape(1), array.shape(2), array.data());
}

// A NumPy array that keeps the memory of `array`.
inline nb::object to_numpy(const networks::Array& array) {
    using networks::Type;
    const std::size_t shape[3] = {array.height, array.width, array.channels};
    auto* kept = new std::shared_ptr<void>(array.owner);
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::shared_ptr<void>*>(p); });
    const auto type = array.type == Type::u8    ? nb::dtype<std::uint8_t>()
                      : array.type == Type::i16 ? nb::dtype<std::int16_t>()
                                                : nb::dtype<std::int32_t>();
    return nb::ndarray<nb::numpy>(array.data, 3, shape, owner, nullptr, type).cast();
}

inline void require(bool holds, const char* what) {
    if (!holds) throw nb::value_error(what);
}

inline nb::bytes to_bytes(const std::vector<std::uint8_t>& data) {
    return nb::bytes(data.data(), data.size());
}

// A NumPy array that owns `values`.
template <typename T>
nb::object to_array(std::vector<T> values, std::initializer_list<std::size_t> shape) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.begin(), owner).cast();
}

// A function of Python, or None, that is told of progress from a call without the GIL.
inline std::function<void(double)> with_gil(const nb::object& progress) {
    if (progress.is_none()) return {};
    return [&progress](double share) {
        nb::gil_scoped_acquire acquire;
        progress(share);
    };
}

inline std::span<const std::uint8_t> span_of_bytes(const nb::bytes& data) {
    return {static_cast<const std::uint8_t*>(data.data()), data.size()};
}

inline constexpr std::size_t kMostThreads = threads::kMostThreads;

inline std::size_t checked_threads(std::size_t count) {
    if (count < 1 || count > kMostThreads) throw nb::value_error("threads: expected 1 to 64");
    return count;
}

// Makes C++ exceptions of type Error arrive in Python as networks.errors.<name>.
template <typename Error>
void translate(nb::module_& errors, const char* name) {
    nb::register_exception_translator(
        [](const std::exception_ptr& pointer, void* type) {
            try {
                std::rethrow_exception(pointer);
            } catch (const Error& error) {
                PyErr_SetString(static_cast<PyObject*>(type), error.what());
            }
        },
        nb::object(errors.attr(name)).release().ptr());
}

inline void translate_network_errors() {
    nb::module_ errors = nb::module_::import_("networks.errors");
    translate<networks::InvalidNetwork>(errors, "InvalidNetwork");
    translate<networks::InvalidWeightsFile>(errors, "InvalidWeightsFile");
    translate<networks::UnknownInstructionSet>(errors, "UnknownInstructionSet");
}

}  // namespace bindings
