// Python module codec.frame._frame: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "arrays.hpp"
#include "frame.hpp"
#include "rans_helpers.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using bindings::AnyArray;
using bindings::require;
using bindings::to_bytes;
using bindings::with_gil;
using networks::Array;

// A model with the bytes of its weights kept alive.
class Model {
public:
    Model(nb::bytes file, const std::string& kernels)
        : file_(std::move(file)),
          model_(bindings::span_of_bytes(file_), networks::kernels_named(kernels)) {}
    const frame::Model& get() const { return model_; }

private:
    nb::bytes file_;
    frame::Model model_;
};

frame::Grid grid_of(std::size_t width, std::size_t height, unsigned tile_log2) {
    require(width > 0 && height > 0 && width <= 1u << 30 && height <= 1u << 30 && tile_log2 >= 6 &&
                tile_log2 <= 15,
            "an impossible size of picture or tiles");
    return {width, height, tile_log2};
}

std::size_t checked_level(const Model& model, std::size_t level) {
    require(level < model.get().recipe().levels, "there is no such level");
    return level;
}

void require_numbers(const Model& model) {
    require(!model.get().codebooks(), "the latents of this model are code vectors");
}

Array typed(const AnyArray& array, networks::Type type, std::size_t channels, const char* what) {
    const Array view = bindings::view_of(array);
    require(view.type == type && view.channels == channels && view.height > 0 && view.width > 0, what);
    return view;
}

Array latents(const AnyArray& array, std::size_t channels, std::size_t unit, const char* what) {
    const Array view = typed(array, networks::Type::i32, channels, what);
    require(view.height % unit == 0 && view.width % unit == 0, what);
    return view;
}

nb::tuple encode(const Model& model, const AnyArray& pixels, std::size_t level, unsigned tile_log2,
                 const nb::bytes& wanted, bool decoded, std::size_t threads, const nb::object& progress) {
    const Array view = typed(pixels, networks::Type::u8, 3, "pixels: expected (H, W, 3) uint8");
    const frame::Grid grid = grid_of(view.width, view.height, tile_log2);
    checked_level(model, level);
    bindings::checked_threads(threads);
    const auto tiles_wanted = bindings::span_of_bytes(wanted);
    require(tiles_wanted.empty() || tiles_wanted.size() == grid.count(),
            "wanted: expected a value for each tile");
    frame::Encoded encoded;
    {
        const frame::Progress tell = with_gil(progress);
        nb::gil_scoped_release release;
        threads::Team team(threads);
        encoded = frame::encode(model.get(), grid, view, level, tiles_wanted, decoded, team, tell);
    }
    nb::list tiles;
    for (const auto& tile : encoded.tiles) tiles.append(to_bytes(tile));
    return nb::make_tuple(tiles, decoded ? bindings::to_numpy(encoded.pixels) : nb::none());
}

nb::object decode(const Model& model, const nb::callable& tile, std::size_t width,
                  std::size_t height, unsigned tile_log2, std::size_t level,
                  std::tuple<std::size_t, std::size_t, std::size_t, std::size_t> area,
                  bool conceal, std::size_t threads, const nb::object& progress) {
    const frame::Grid grid = grid_of(width, height, tile_log2);
    const auto [x, y, w, h] = area;
    require(w > 0 && h > 0 && x < width && w <= width - x && y < height && h <= height - y,
            "a crop outside the picture");
    checked_level(model, level);
    bindings::checked_threads(threads);
    std::vector<nb::bytes> kept;  // payloads
    const frame::Tiles tiles = [&](std::size_t n) -> std::optional<std::span<const std::uint8_t>> {
        nb::gil_scoped_acquire acquire;
        const nb::object payload = tile(n);
        if (payload.is_none()) return std::nullopt;
        kept.push_back(nb::cast<nb::bytes>(payload));
        return bindings::span_of_bytes(kept.back());
    };
    Array pixels;
    {
        const frame::Progress tell = with_gil(progress);
        nb::gil_scoped_release release;
        threads::Team team(threads);
        pixels = frame::decode(model.get(), grid, tiles, level, {x, y, w, h}, conceal, team, tell);
    }
    return bindings::to_numpy(pixels);
}

nb::object analyse(const Model& model, const AnyArray& pixels,
                   std::tuple<std::size_t, std::size_t, std::size_t, std::size_t> area,
                   std::size_t level, std::size_t threads) {
    const Array view = typed(pixels, networks::Type::u8, 3, "pixels: expected (H, W, 3) uint8");
    const frame::Grid grid = grid_of(view.width, view.height, 6);
    const auto [x, y, w, h] = area;
    const frame::Area whole = grid.whole();
    require(w > 0 && h > 0 && x < whole.width && w <= whole.width - x && y < whole.height &&
                h <= whole.height - y,
            "an area outside the picture");
    checked_level(model, level);
    bindings::checked_threads(threads);
    Array found;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        found = frame::analyse(model.get(), grid, view, {x, y, w, h}, level, team);
    }
    return bindings::to_numpy(found);
}

nb::object hyper_analyse(const Model& model, const AnyArray& y, std::size_t level,
                         std::size_t threads) {
    require_numbers(model);
    const Array view = latents(y, model.get().recipe().latent, 4, "y: expected (h, w, latent) int32");
    bindings::checked_threads(threads);
    Array found;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        found = frame::hyper_analyse(model.get(), view, level, team);
    }
    return bindings::to_numpy(found);
}

template <typename T>
nb::object to_vector(const std::vector<T>& values, std::vector<std::size_t> shape) {
    auto* kept = new std::vector<T>(values);
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.data(), owner).cast();
}

// (payload, y_hat, [(symbols, tables) of z and the steps])
nb::tuple compress(const Model& model, const AnyArray& y, const AnyArray& z, std::size_t level,
                   std::size_t threads, const nb::object& answer) {
    require_numbers(model);
    const frame::Recipe& recipe = model.get().recipe();
    const Array targets = latents(y, recipe.latent, 4, "y: expected (h, w, latent) int32");
    const Array hyper = latents(z, recipe.hyper, 1, "z: expected (h/4, w/4, hyper) int32");
    require(hyper.height * 4 == targets.height && hyper.width * 4 == targets.width,
            "z is not a quarter of y");
    checked_level(model, level);
    bindings::checked_threads(threads);
    const std::vector<std::size_t> shape = {4, targets.height / 2, targets.width / 2, recipe.group()};
    frame::Answer ask;
    if (!answer.is_none()) {
        ask = [&](std::size_t step, const frame::StepValues& y_hat,
                  std::array<frame::StepValues, frame::kSteps>& parts) {
            nb::gil_scoped_acquire acquire;
            const nb::object given = answer(step, to_vector(y_hat, shape));
            for (std::size_t k = step + 1; k < frame::kSteps; ++k) {
                const auto part = nb::cast<nb::ndarray<const std::int32_t, nb::ndim<4>, nb::c_contig,
                                                       nb::device::cpu>>(given[k], false);
                require(part.size() == parts[k].size(), "an answer of another size");
                std::copy_n(part.data(), part.size(), parts[k].begin());
            }
        };
    }
    frame::Coded coded;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        coded = frame::compress(model.get(), targets, hyper, level, team, ask);
    }
    nb::list segments;
    for (const auto& segment : coded.segments) {
        segments.append(nb::make_tuple(to_vector(segment.symbols, {segment.symbols.size()}),
                                       to_vector(segment.tables, {segment.tables.size()})));
    }
    return nb::make_tuple(to_bytes(coded.payload), bindings::to_numpy(coded.y_hat), segments);
}

// (payload, y_hat) of a tile, with any model.
nb::tuple encode_latents(const Model& model, const AnyArray& y, std::size_t level,
                         std::size_t threads) {
    const Array view = latents(y, model.get().recipe().latent, 4, "y: expected (h, w, latent) int32");
    checked_level(model, level);
    bindings::checked_threads(threads);
    frame::Coded coded;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        coded = frame::encode_latents(model.get(), view, level, team);
    }
    return nb::make_tuple(to_bytes(coded.payload), bindings::to_numpy(coded.y_hat));
}

nb::object decompress(const Model& model, const nb::bytes& payload, std::size_t height,
                      std::size_t width, std::size_t level, std::size_t threads) {
    require(height > 0 && width > 0 && height % 4 == 0 && width % 4 == 0, "sides: multiples of 4");
    checked_level(model, level);
    bindings::checked_threads(threads);
    Array found;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        found = frame::decode_latents(model.get(), bindings::span_of_bytes(payload), height, width,
                                      level, false, team);
    }
    return bindings::to_numpy(found);
}

nb::object synthesise(const Model& model, const AnyArray& y_hat, std::size_t level,
                      std::size_t threads) {
    const Array view = latents(y_hat, model.get().recipe().latent, 1, "y_hat: (h, w, latent) int32");
    checked_level(model, level);
    bindings::checked_threads(threads);
    Array found;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        found = model.get().synthesis().run({view}, level, team)[0];
    }
    return bindings::to_numpy(found);
}

}  // namespace

NB_MODULE(_frame, m) {
    // A program may end while a daemon thread still holds objects; that is no fault of anyone.
    nb::set_leak_warnings(false);
    nb::module_ errors = nb::module_::import_("entropy.errors");
    rans::translate_coder_errors(errors);
    bindings::translate_network_errors();
    nb::class_<Model>(m, "Model")
        .def(nb::init<nb::bytes, const std::string&>(), "file"_a, "kernels"_a)
        .def_prop_ro("kernels", [](const Model& model) { return model.get().kernels(); })
        .def("encode", &encode, nb::arg("pixels").noconvert(), "level"_a, "tile_log2"_a, "wanted"_a, "decoded"_a,
             "threads"_a, nb::arg("progress").none())
        .def("decode", &decode, "tile"_a, "width"_a, "height"_a, "tile_log2"_a, "level"_a, "area"_a,
             "conceal"_a, "threads"_a, nb::arg("progress").none())
        .def("analyse", &analyse, nb::arg("pixels").noconvert(), "area"_a, "level"_a, "threads"_a)
        .def("hyper_analyse", &hyper_analyse, nb::arg("y").noconvert(), "level"_a, "threads"_a)
        .def("compress", &compress, nb::arg("y").noconvert(), nb::arg("z").noconvert(), "level"_a,
             "threads"_a, nb::arg("answer").none())
        .def("encode_latents", &encode_latents, nb::arg("y").noconvert(), "level"_a, "threads"_a)
        .def("decompress", &decompress, "payload"_a, "height"_a, "width"_a, "level"_a, "threads"_a)
        .def("synthesise", &synthesise, nb::arg("y_hat").noconvert(), "level"_a, "threads"_a);
}
