// Coder for one warp of 32 threads: lanes are threads, words are allotted by ballot and popcount.
// The bytes are those of rans_encoder.cpp and rans_decoder.cpp; SPEC.md is normative.
//
// The code is written against a Warp so that it runs on a GPU (cuda/device_warp.cuh) and, lane
// after lane, on a CPU (tests/cpp/host_warp.hpp). A Warp has
//
//     Warp::PerLane<T>        one T per thread; value[lane] is the own one on a GPU
//     each(f)                 calls f(lane): on a GPU for the own lane, on a CPU for all
//     once(f)                 calls f() on one thread
//     sync()                  what a thread wrote before it, all threads read after it
//     ballot(PerLane<bool>)   sync(), then bit l is the value of lane l
//     sum(PerLane<uint64_t>)  sync(), then the sum over all lanes
//
// Everything outside each() and once() is uniform: all threads hold the same values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes.hpp"
#include "cdf.hpp"
#include "escape.hpp"
#include "payload.hpp"
#include "rans.hpp"

#if defined(__CUDACC__)
#define RANS_WARP_FUNCTION __device__ inline
#else
#define RANS_WARP_FUNCTION inline
#endif

namespace rans {

constexpr unsigned kWarpSize = 32;
static_assert(kMaxLanes <= kWarpSize);

// What a warp reports instead of throwing.
enum class Status : std::uint32_t {
    kOk,
    kBadIndex,
    kSkippedSymbol,
    kEmptyPayload,
    kWordsExhausted,
    kEscapesExhausted,
    kEscapeMalformed,
};

// Tables as plain pointers; see cdf.hpp.
struct TablesView {
    const EncoderTable* encoder_tables;
    const EncoderEntry* entries;
    const std::uint16_t* costs;
    const DecoderTable* decoder_tables;
    const std::uint32_t* lookup;
    std::uint32_t count;
    std::uint32_t skip_below;
};

// A payload in the course of decoding.
struct WarpDecoderState {
    State states[kMaxLanes];
    const std::uint8_t* word;
    const std::uint8_t* words_end;
    const std::uint8_t* escape;
    const std::uint8_t* escapes_end;
    std::uint32_t lanes;  // 0 when nothing was coded
    std::uint32_t coded_any;
    Status status;
};

// One segment to decode. `places` has room for `size` numbers.
struct WarpDecoderSegment {
    const std::uint8_t* indexes;
    std::int16_t* symbols;
    std::uint32_t* places;
    std::uint32_t size;
};

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

RANS_WARP_FUNCTION std::uint32_t lanes_below(unsigned lane) {
    return (std::uint32_t{1} << lane) - 1;
}

// Lists the places of coded symbols and writes zeros for all; false if an index names no table.
template <class Warp>
RANS_WARP_FUNCTION bool warp_list_coded(const Warp& warp, const TablesView& tables,
                                        const WarpDecoderSegment& segment, std::uint32_t& count) {
    count = 0;
    for (std::uint32_t base = 0; base < segment.size; base += kWarpSize) {
        typename Warp::template PerLane<bool> coded, bad;
        warp.each([&](unsigned lane) {
            const std::uint32_t i = base + lane;
            const bool inside = i < segment.size;
            const std::uint32_t index = inside ? segment.indexes[i] : 0;
            bad[lane] = index >= tables.count;
            coded[lane] = inside && index >= tables.skip_below;
            if (inside) segment.symbols[i] = 0;
        });
        if (warp.ballot(bad)) return false;
        const std::uint32_t mask = warp.ballot(coded);
        warp.each([&](unsigned lane) {
            if (coded[lane]) {
                segment.places[count + count_ones(mask & lanes_below(lane))] = base + lane;
            }
        });
        count += count_ones(mask);
    }
    warp.sync();
    return true;
}

// Reads one escaped symbol; all threads do the same.
RANS_WARP_FUNCTION Status read_escape(const EncoderTable& table, const std::uint8_t*& cursor,
                                      const std::uint8_t* end, std::int16_t& symbol) {
    std::uint64_t code = 0;
    const Varint read = read_varint(cursor, end, kMaxEscapeBytes, code);
    if (read == Varint::kExhausted) return Status::kEscapesExhausted;
    if (read == Varint::kMalformed) return Status::kEscapeMalformed;
    const std::int32_t value = escape_symbol(static_cast<std::uint32_t>(code), table.offset,
                                             table.offset + table.escape - 1);
    if (!is_int16(value)) return Status::kEscapeMalformed;
    symbol = static_cast<std::int16_t>(value);
    return Status::kOk;
}

template <class Warp>
RANS_WARP_FUNCTION Status warp_decode_segment(const Warp& warp, const TablesView& tables,
                                              WarpDecoderState& decoder,
                                              const WarpDecoderSegment& segment) {
    // 1. which symbols are coded
    std::uint32_t count = 0;
    if (!warp_list_coded(warp, tables, segment, count)) return Status::kBadIndex;
    if (count == 0) return Status::kOk;
    const std::uint32_t lanes = decoder.lanes;
    if (lanes == 0) return Status::kEmptyPayload;

    // 2. one symbol per lane and round
    typename Warp::template PerLane<State> x;
    warp.each([&](unsigned lane) { x[lane] = decoder.states[lane]; });
    const std::uint8_t* word = decoder.word;
    const std::uint8_t* escape = decoder.escape;
    const std::uint8_t* const words_end = decoder.words_end;
    const std::uint8_t* const escapes_end = decoder.escapes_end;
    for (std::uint32_t base = 0; base < count; base += lanes) {
        typename Warp::template PerLane<bool> need, escaped;
        warp.each([&](unsigned lane) {
            need[lane] = escaped[lane] = false;
            if (lane >= lanes || base + lane >= count) return;
            const std::uint32_t i = segment.places[base + lane];
            const DecoderTable table = tables.decoder_tables[segment.indexes[i]];
            const std::uint32_t* const at = tables.lookup + table.base;
            const std::uint32_t slot = slot_of(x[lane]);
            std::uint32_t place = at[slot >> table.shift];
            while (slot >= at[place + 1]) ++place;
            const std::uint32_t start = at[place], end = at[place + 1];
            x[lane] = get(x[lane], end - start, slot - start);
            need[lane] = must_refill(x[lane]);
            escaped[lane] = end == kTotal;
            if (end != kTotal) segment.symbols[i] = static_cast<std::int16_t>(place + table.bias);
        });
        const std::uint32_t refills = warp.ballot(need);
        const std::size_t bytes = kWordBytes * count_ones(refills);
        if (static_cast<std::size_t>(words_end - word) < bytes) return Status::kWordsExhausted;
        warp.each([&](unsigned lane) {
            if (need[lane]) {
                const std::size_t before = count_ones(refills & lanes_below(lane));
                x[lane] = refill(x[lane], load_u16(word + kWordBytes * before));
            }
        });
        word += bytes;

        // 3. symbols outside their table, in order
        for (std::uint32_t mask = warp.ballot(escaped); mask; mask &= mask - 1) {
            const std::uint32_t i = segment.places[base + lowest_one(mask)];
            std::int16_t symbol = 0;
            const Status status =
                read_escape(tables.encoder_tables[segment.indexes[i]], escape, escapes_end, symbol);
            if (status != Status::kOk) return status;
            warp.once([&] { segment.symbols[i] = symbol; });
        }
    }
    warp.sync();
    warp.each([&](unsigned lane) { decoder.states[lane] = x[lane]; });
    warp.once([&] {
        decoder.word = word;
        decoder.escape = escape;
        decoder.coded_any = 1;
    });
    return Status::kOk;
}

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
