// Python module entropy.predictive._tiles: conversion and checks, nothing else.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include "arrays.hpp"
#include "cells.hpp"
#include "tiled.hpp"
#include "rans_helpers.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using bindings::checked_threads;
using bindings::require;
using bindings::to_array;
using bindings::to_bytes;
using bindings::with_gil;
using predictive::Bytes;
using predictive::Cut;
using predictive::Picture;
using predictive::Rectangle;
using Pixels = nb::ndarray<nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using PixelsIn = nb::ndarray<nb::ro, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Marks = rans::Vector<const std::uint8_t>;
using Area = std::tuple<std::size_t, std::size_t, std::size_t, std::size_t>;

constexpr std::size_t kMostSide = std::size_t{1} << 30;

template <typename Array>
Picture picture_of(const Array& array) {
    const bool wide = array.dtype() == nb::dtype<std::uint16_t>();
    require(wide || array.dtype() == nb::dtype<std::uint8_t>(), "samples are uint8 or uint16");
    require(array.shape(0) > 0 && array.shape(1) > 0 && array.shape(0) <= kMostSide &&
                array.shape(1) <= kMostSide && (array.shape(2) == 1 || array.shape(2) == 3),
            "pixels: expected (H, W, 1 or 3)");
    return {const_cast<void*>(static_cast<const void*>(array.data())), array.shape(1), array.shape(0),
            array.shape(2), wide ? 16u : 8u};
}

unsigned checked_error(std::size_t error) {
    require(error <= 65535, "error: expected 0 to 65535");
    return static_cast<unsigned>(error);
}

unsigned checked_tile(unsigned tile_log2) {
    require(tile_log2 >= 6 && tile_log2 <= 15, "tile_log2: expected 6 to 15");
    return tile_log2;
}

std::span<const std::uint8_t> marks_of(const Picture& pixels, const Marks& marked) {
    require(marked.size() == predictive::cells_along(pixels.width) *
                                 predictive::cells_along(pixels.height),
            "marked: expected a value for each cell");
    return rans::span_of(marked);
}

nb::list encode(const PixelsIn& pixels, unsigned tile_log2, std::size_t error, int strength,
                const std::string& kernels, std::size_t threads, const nb::object& progress) {
    const Picture picture = picture_of(pixels);
    require(strength >= 0 && strength <= 2, "strength: expected 0 to 2");
    checked_error(error), checked_tile(tile_log2), checked_threads(threads);
    std::vector<std::vector<std::uint8_t>> payloads;
    {
        const predictive::Progress tell = with_gil(progress);
        nb::gil_scoped_release release;
        threads::Team team(threads);
        payloads = predictive::encode_picture(picture, tile_log2,
                                              {picture.bits, static_cast<unsigned>(error), kernels},
                                              static_cast<predictive::Strength>(strength), team, tell);
    }
    nb::list tiles;
    for (const auto& payload : payloads) tiles.append(to_bytes(payload));
    return tiles;
}

void decode(const nb::callable& tile, std::size_t width, std::size_t height, unsigned tile_log2,
            std::size_t error, bool only, Area area, const Pixels& out,
            const std::string& kernels, std::size_t threads,
            const nb::object& progress) {
    const auto [x, y, w, h] = area;
    require(width > 0 && height > 0 && width <= kMostSide && height <= kMostSide && w > 0 && h > 0 &&
                x < width && w <= width - x && y < height && h <= height - y,
            "a part outside the picture");
    const Picture target = picture_of(out);
    require(target.width == w && target.height == h, "out is not of the part's size");
    checked_error(error), checked_tile(tile_log2), checked_threads(threads);
    std::vector<nb::bytes> kept;  // payloads
    const predictive::Tiles tiles = [&](std::size_t n) {
        nb::gil_scoped_acquire acquire;
        kept.push_back(nb::cast<nb::bytes>(tile(n)));
        return rans::span_of(kept.back());
    };
    const predictive::Progress tell = with_gil(progress);
    nb::gil_scoped_release release;
    threads::Team team(threads);
    predictive::decode_picture({width, height, tile_log2}, tiles,
                               {target.bits, static_cast<unsigned>(error), kernels}, only, {x, y, w, h}, target, team, tell);
}

nb::tuple tile_parts(const nb::bytes& payload, std::size_t width, std::size_t height) {
    require(width > 0 && height > 0 && width <= 32768 && height <= 32768, "an impossible tile");
    const predictive::Tile tile = predictive::read_tile(rans::span_of(payload), width, height);
    nb::object learned = nb::none(), coder = nb::none();
    if (tile.has_learned()) learned = nb::bytes(tile.learned.data(), tile.learned.size());
    if (!tile.whole.empty()) coder = nb::int_(tile.whole[0] & 3);
    return nb::make_tuple(static_cast<int>(tile.kind), nb::bytes(tile.map.data(), tile.map.size()),
                          learned, coder);
}

// A tile in cells; its shared and own cells are coded here, from its pixels.
nb::bytes mixed_tile(const PixelsIn& pixels, const Marks& map, std::size_t error,
                     const std::string& kernels,
                     const nb::bytes& learned) {
    const Picture picture = picture_of(pixels);
    marks_of(picture, map);
    checked_error(error);
    const auto cells = rans::span_of(map), learned_part = rans::span_of(learned);
    const predictive::Format format{picture.bits, static_cast<unsigned>(error), kernels};
    std::vector<std::uint8_t> payload;
    {
        nb::gil_scoped_release release;
        payload = predictive::encode_cells(picture, cells, format, learned_part);
    }
    return to_bytes(payload);
}

nb::tuple cell_facts(const PixelsIn& pixels, std::size_t threads) {
    const Picture picture = picture_of(pixels);
    checked_threads(threads);
    std::vector<predictive::CellFacts> facts;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        facts = predictive::cell_facts(picture, team);
    }
    std::vector<float> equal, step, spread, sharp;
    for (const auto& cell : facts) {
        equal.push_back(cell.equal);
        step.push_back(cell.step);
        spread.push_back(cell.spread);
        sharp.push_back(cell.sharp);
    }
    return nb::make_tuple(to_array(equal, {equal.size()}), to_array(step, {step.size()}), to_array(spread, {spread.size()}), to_array(sharp, {sharp.size()}));
}

nb::object screen_bits(const PixelsIn& pixels, unsigned tile_log2, const Marks& marked,
                       double most, std::size_t threads) {
    const Picture picture = picture_of(pixels);
    const auto marks = marks_of(picture, marked);
    checked_tile(tile_log2), checked_threads(threads);
    std::vector<float> bits;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        bits = predictive::screen_bits(picture, tile_log2, marks, most, team);
    }
    return to_array(bits, {bits.size()});
}

nb::object photo_bits(const PixelsIn& pixels, unsigned tile_log2, const Marks& marked,
                      const std::string& kernels, std::size_t threads) {
    const Picture picture = picture_of(pixels);
    checked_tile(tile_log2), checked_threads(threads);
    require(marked.size() == Cut{picture.width, picture.height, tile_log2}.count(),
            "marked: expected a value for each tile");
    const auto marks = rans::span_of(marked);
    std::vector<float> bits;
    {
        nb::gil_scoped_release release;
        threads::Team team(threads);
        bits = predictive::photo_bits_by_tile(picture, tile_log2, marks, kernels, team);
    }
    return to_array(bits, {bits.size()});
}

void fill(const Pixels& pixels, const Marks& marked) {
    const Picture picture = picture_of(pixels);
    require(picture.bits == 8 && picture.channels == 3, "pixels: expected (H, W, 3) uint8");
    const auto marks = marks_of(picture, marked);
    nb::gil_scoped_release release;
    predictive::fill(picture, marks);
}

}  // namespace

NB_MODULE(_tiles, m) {
    // A program may end while a daemon thread still holds objects; that is no fault of anyone.
    nb::set_leak_warnings(false);
    nb::module_ errors = nb::module_::import_("entropy.errors");
    rans::translate_coder_errors(errors);
    m.def("encode", &encode, "pixels"_a, "tile_log2"_a, "error"_a, "strength"_a, "kernels"_a, "threads"_a,
          "progress"_a.none());
    m.def("decode", &decode, "tile"_a, "width"_a, "height"_a, "tile_log2"_a, "error"_a, "only"_a,
          "area"_a, "out"_a, "kernels"_a, "threads"_a, "progress"_a.none());
    m.def("tile_parts", &tile_parts, "payload"_a, "width"_a, "height"_a);
    m.def("mixed_tile", &mixed_tile, "pixels"_a, "map"_a, "error"_a, "kernels"_a, "learned"_a);
    m.def("cell_facts", &cell_facts, "pixels"_a, "threads"_a);
    m.def("screen_bits", &screen_bits, "pixels"_a, "tile_log2"_a, "marked"_a, "most"_a,
          "threads"_a);
    m.def("photo_bits", &photo_bits, "pixels"_a, "tile_log2"_a, "marked"_a, "kernels"_a, "threads"_a);
    m.def("fill", &fill, "pixels"_a, "marked"_a);
}
