// Decoder for one warp: one segment of one payload per call; see warp_coder.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes.hpp"
#include "escape.hpp"
#include "trellis.hpp"
#include "warp_coder.hpp"

namespace rans {

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
    std::uint8_t* indexes;  // along the trellis they become those of the tables in use
    std::int16_t* symbols;
    std::uint32_t* places;
    std::uint32_t size;
    std::uint32_t stride;  // of the trellis; 0 for a plain segment, where states do not matter
    std::uint32_t states;  // kFewStates or kManyStates
};

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
            coded[lane] = inside && index >= tables.skip_below;
            const std::uint32_t stride = coded[lane] ? segment.stride : 0;
            bad[lane] = index >= tables.count || stride >= tables.count - index;
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
                                              const WarpDecoderSegment segment) {
    // 1. which symbols are coded
    std::uint32_t count = 0;
    if (!warp_list_coded(warp, tables, segment, count)) return Status::kBadIndex;
    if (count == 0) return Status::kOk;
    const std::uint32_t lanes = decoder.lanes;
    if (lanes == 0) return Status::kEmptyPayload;

    // 2. one symbol per lane and round; thread l holds the state of the chain of symbol base + l.
    // The symbols of a round belong to different chains, as there are as many chains as threads.
    static_assert(kChains == kWarpSize);
    const bool along_trellis = segment.stride != 0;
    typename Warp::template PerLane<State> x;
    typename Warp::template PerLane<std::uint32_t> chain;
    warp.each([&](unsigned lane) {
        x[lane] = decoder.states[lane];
        chain[lane] = 0;
    });
    const std::uint8_t* word = decoder.word;
    const std::uint8_t* escape = decoder.escape;
    const std::uint8_t* const words_end = decoder.words_end;
    const std::uint8_t* const escapes_end = decoder.escapes_end;
    for (std::uint32_t base = 0; base < count; base += lanes) {
        typename Warp::template PerLane<bool> need, escaped;
        typename Warp::template PerLane<std::int16_t> symbol;
        warp.each([&](unsigned lane) {
            need[lane] = escaped[lane] = false;
            if (lane >= lanes || base + lane >= count) return;
            const std::uint32_t i = segment.places[base + lane];
            const std::uint32_t index =
                segment.indexes[i] + segment.stride * trellis_set(chain[lane]);
            if (along_trellis) segment.indexes[i] = static_cast<std::uint8_t>(index);
            const DecoderTable table = tables.decoder_tables[index];
            const std::uint32_t* const at = tables.lookup + table.base;
            const std::uint32_t slot = slot_of(x[lane]);
            std::uint32_t place = at[slot >> table.shift];
            while (slot >= at[place + 1]) ++place;
            const std::uint32_t start = at[place], end = at[place + 1];
            x[lane] = get(x[lane], end - start, slot - start);
            need[lane] = must_refill(x[lane]);
            escaped[lane] = end == kTotal;
            symbol[lane] = static_cast<std::int16_t>(place + table.bias);
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
            const unsigned reader = lowest_one(mask);
            const std::uint32_t i = segment.places[base + reader];
            std::int16_t value = 0;
            const Status status =
                read_escape(tables.encoder_tables[segment.indexes[i]], escape, escapes_end, value);
            if (status != Status::kOk) return status;
            warp.each([&](unsigned lane) {
                if (lane == reader) symbol[lane] = value;
            });
        }

        // 4. symbols go to their places, and the chains move on
        warp.each([&](unsigned lane) {
            if (lane >= lanes || base + lane >= count) return;
            segment.symbols[segment.places[base + lane]] = symbol[lane];
            if (along_trellis) {
                chain[lane] = trellis_next(segment.states, chain[lane], symbol[lane]);
            }
        });
        if (along_trellis) chain = warp.rotate(chain, lanes);
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

}  // namespace rans
