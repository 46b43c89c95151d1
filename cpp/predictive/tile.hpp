// Payloads of tiles that have modes (entropy/SPEC.md, Modes).
#pragma once

#include "byte_stream.hpp"
#include "part.hpp"
#include "screen.hpp"

namespace predictive {

enum class Kind : std::uint8_t { learned = 0, whole = 1, cells = 2 };
enum Cell : std::uint8_t { kLearnedCell = 0, kSharedCell = 1, kOwnCell = 2 };

// What stands in a payload: views into it.
struct Tile {
    Kind kind = Kind::learned;
    Bytes learned, whole, shared;    // empty where there are none
    std::vector<std::uint8_t> map;   // of kind `cells`: a value of Cell for each
    std::vector<Bytes> own;          // parts of the own cells

    bool has_learned() const { return !learned.empty(); }
};

// Throws CorruptStream, StreamExhausted.
Tile read_tile(Bytes payload, std::size_t width, std::size_t height);

// The predictive pixels of a tile; others stay as they are. Throws as read_tile.
void decode_tile(const Tile& tile, const Format& format, const Target& out);

std::vector<std::uint8_t> learned_tile(Bytes learned);
std::vector<std::uint8_t> whole_tile(Bytes part);
std::vector<std::uint8_t> mixed_tile(std::span<const std::uint8_t> map, Bytes shared,
                                     std::span<const std::vector<std::uint8_t>> own, Bytes learned);

}  // namespace predictive
