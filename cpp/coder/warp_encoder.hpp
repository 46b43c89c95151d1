// Encoder for one warp: one payload per call; see warp_coder.hpp.
#pragma once

#include <cstdint>

#include "escape.hpp"
#include "payload.hpp"
#include "warp_coder.hpp"

namespace rans {

// All segments of a payload, one after the other in `symbols` and `indexes`, and what becomes of
// them.
struct WarpEncoderJob {
    const std::int16_t* symbols;
    const std::uint8_t* indexes;
    const std::uint32_t* segment_sizes;
    std::uint32_t segment_count;
    std::uint32_t* entries;     // room for all symbols
    std::uint32_t* coded_ends;  // room for segment_count
    Word* words;                // room for all symbols; filled from the end
    std::uint32_t words_capacity;
    std::uint8_t* escapes;  // room for kMaxEscapeBytes per symbol
    // results
    State states[kMaxLanes];
    std::uint32_t lanes;  // in: 0 for the rule of SPEC.md; out: 0 when nothing was coded
    std::uint32_t word_count;
    std::uint32_t escape_bytes;
    std::uint32_t bad_index;
    Status status;
};

// Looks up the entries of all coded symbols and writes the escapes.
template <class Warp>
RANS_WARP_FUNCTION Status warp_look_up(const Warp& warp, const TablesView& tables,
                                       const WarpEncoderJob& job, std::uint64_t& cost,
                                       std::uint32_t& escape_bytes, std::uint32_t& bad_index) {
    typename Warp::template PerLane<std::uint64_t> costs;
    warp.each([&](unsigned lane) { costs[lane] = 0; });
    std::uint32_t first = 0, coded_count = 0;
    escape_bytes = 0;
    for (std::uint32_t s = 0; s < job.segment_count; ++s) {
        const std::uint32_t size = job.segment_sizes[s];
        for (std::uint32_t base = 0; base < size; base += kWarpSize) {
            typename Warp::template PerLane<bool> coded, outside;
            typename Warp::template PerLane<std::uint32_t> entry;
            warp.each([&](unsigned lane) {
                coded[lane] = outside[lane] = false;
                if (base + lane >= size) return;
                const std::uint32_t i = first + base + lane;
                const std::uint32_t index = job.indexes[i];
                const EncoderTable table = tables.encoder_tables[index];
                entry[lane] = static_cast<std::uint32_t>(job.symbols[i] - table.offset);
                outside[lane] = entry[lane] >= table.escape;
                coded[lane] = index >= tables.skip_below;
                entry[lane] = table.base + (outside[lane] ? table.escape : entry[lane]);
            });
            for (std::uint32_t mask = warp.ballot(outside); mask; mask &= mask - 1) {
                const std::uint32_t i = first + base + lowest_one(mask);
                const std::uint32_t index = job.indexes[i];
                bad_index = index;
                if (index >= tables.count) return Status::kBadIndex;
                if (index < tables.skip_below) return Status::kSkippedSymbol;
                const EncoderTable table = tables.encoder_tables[index];
                const std::uint32_t code =
                    escape_code(job.symbols[i], table.offset, table.offset + table.escape - 1);
                warp.once([&] { write_varint(job.escapes + escape_bytes, code); });
                escape_bytes += static_cast<std::uint32_t>(varint_size(code));
            }
            const std::uint32_t mask = warp.ballot(coded);
            warp.each([&](unsigned lane) {
                if (!coded[lane]) return;
                job.entries[coded_count + count_ones(mask & lanes_below(lane))] = entry[lane];
                costs[lane] += tables.costs[entry[lane]];
            });
            coded_count += count_ones(mask);
        }
        warp.once([&] { job.coded_ends[s] = coded_count; });
        first += size;
    }
    cost = warp.sum(costs);
    return Status::kOk;
}

template <class Warp>
RANS_WARP_FUNCTION void warp_encode_payload(const Warp& warp, const TablesView& tables,
                                            WarpEncoderJob& job) {
    // 1. forward: symbols to entries, escapes, cost
    std::uint64_t cost = 0;
    std::uint32_t escape_bytes = 0, bad_index = 0;
    const Status status = warp_look_up(warp, tables, job, cost, escape_bytes, bad_index);
    const bool ok = status == Status::kOk && job.segment_count != 0;
    const std::uint32_t coded_count = ok ? job.coded_ends[job.segment_count - 1] : 0;
    std::uint32_t lanes = coded_count == 0 ? 0 : job.lanes ? job.lanes : choose_lanes(cost);

    // 2. backward: entries to words
    typename Warp::template PerLane<State> x;
    warp.each([&](unsigned lane) { x[lane] = kLower; });
    std::uint32_t top = job.words_capacity;
    for (std::uint32_t s = coded_count ? job.segment_count : 0; s-- > 0;) {
        const std::uint32_t begin = s ? job.coded_ends[s - 1] : 0;
        const std::uint32_t count = job.coded_ends[s] - begin;
        for (std::uint32_t round = (count + lanes - 1) / lanes; round-- > 0;) {
            const std::uint32_t base = round * lanes;
            typename Warp::template PerLane<bool> emit;
            typename Warp::template PerLane<EncoderEntry> entry;
            warp.each([&](unsigned lane) {
                emit[lane] = false;
                if (lane >= lanes || base + lane >= count) return;
                entry[lane] = tables.entries[job.entries[begin + base + lane]];
                emit[lane] = must_emit(x[lane], entry[lane].frequency);
            });
            const std::uint32_t mask = warp.ballot(emit);
            top -= count_ones(mask);
            warp.each([&](unsigned lane) {
                if (lane >= lanes || base + lane >= count) return;
                if (emit[lane]) {
                    job.words[top + count_ones(mask & lanes_below(lane))] =
                        static_cast<Word>(x[lane]);
                    x[lane] >>= kWordBits;
                }
                x[lane] = put(x[lane], entry[lane]);
            });
        }
    }

    // 3. results
    warp.sync();
    warp.each([&](unsigned lane) { job.states[lane] = x[lane]; });
    warp.once([&] {
        job.lanes = lanes;
        job.word_count = job.words_capacity - top;
        job.escape_bytes = escape_bytes;
        job.bad_index = bad_index;
        job.status = status;
    });
}

}  // namespace rans
