// Random tables and segments for the C++ tests, and a check that reports where it failed.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "cdf.hpp"
#include "rans_encoder.hpp"
#include "trellis.hpp"

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            std::fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                                 \
        }                                                                                 \
    } while (0)

#define CHECK_THROWS(expression, Error) \
    do {                                \
        bool thrown = false;            \
        try {                           \
            (void)(expression);         \
        } catch (const Error&) {        \
            thrown = true;              \
        }                               \
        CHECK(thrown && #Error);        \
    } while (0)

using Random = std::mt19937;

inline std::uint32_t below(Random& random, std::uint32_t limit) { return random() % limit; }

// A serialised table set: peaked tables of 2 to `max_entries` entries.
inline std::vector<std::uint8_t> make_tables(Random& random, unsigned count, unsigned skip_below,
                                             unsigned max_entries) {
    std::vector<std::uint8_t> data{1, static_cast<std::uint8_t>(count),
                                   static_cast<std::uint8_t>(skip_below), 0};
    std::vector<std::uint8_t> body;
    const auto put16 = [](std::vector<std::uint8_t>& out, std::uint32_t value) {
        out.push_back(static_cast<std::uint8_t>(value));
        out.push_back(static_cast<std::uint8_t>(value >> 8));
    };
    for (unsigned t = 0; t < count; ++t) {
        const std::uint32_t length = 2 + below(random, max_entries - 1);
        put16(data, static_cast<std::uint16_t>(-static_cast<std::int32_t>(length / 2)));
        put16(data, length);
        // one entry takes what the others leave, so that narrow and wide frequencies occur
        std::vector<std::uint32_t> frequencies(length, 1);
        std::uint32_t left = rans::kTotal - length;
        for (std::uint32_t& frequency : frequencies) {
            const std::uint32_t extra = below(random, 2 * left / length + 1);
            frequency += extra;
            left -= extra;
        }
        frequencies[below(random, length)] += left;
        std::uint32_t sum = 0;
        for (std::uint32_t s = 0; s + 1 < length; ++s) put16(body, sum += frequencies[s]);
    }
    data.insert(data.end(), body.begin(), body.end());
    return data;
}

struct OwnedSegment {
    std::vector<std::int16_t> symbols;
    std::vector<std::uint8_t> indexes;
};

// Symbols near the middle of their table, some far outside; 0 where skipped.
inline OwnedSegment make_segment(Random& random, std::size_t size, unsigned tables,
                                 unsigned skip_below) {
    OwnedSegment segment;
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint32_t index = below(random, tables);
        std::int32_t symbol = static_cast<std::int32_t>(below(random, 9)) - 4;
        if (below(random, 50) == 0)
            symbol = static_cast<std::int32_t>(below(random, 65536)) - 32768;
        segment.indexes.push_back(static_cast<std::uint8_t>(index));
        segment.symbols.push_back(static_cast<std::int16_t>(index < skip_below ? 0 : symbol));
    }
    return segment;
}

// What an encoder does along the trellis: symbols first, then the tables that their states name.
inline OwnedSegment along_trellis(OwnedSegment segment, unsigned skip_below, unsigned stride,
                                  unsigned states) {
    std::array<std::uint8_t, rans::kChains> chains{};
    std::size_t coded = 0;
    for (std::size_t i = 0; i < segment.indexes.size(); ++i) {
        if (segment.indexes[i] < skip_below) continue;
        std::uint8_t& chain = chains[coded++ % rans::kChains];
        segment.indexes[i] =
            static_cast<std::uint8_t>(segment.indexes[i] + stride * rans::trellis_set(chain));
        chain = static_cast<std::uint8_t>(rans::trellis_next(states, chain, segment.symbols[i]));
    }
    return segment;
}

inline std::vector<rans::Segment> views(const std::vector<OwnedSegment>& segments) {
    std::vector<rans::Segment> result;
    for (const OwnedSegment& segment : segments)
        result.push_back({segment.symbols, segment.indexes});
    return result;
}
