#include "rans_encoder.hpp"

#include <array>
#include <memory>
#include <string>

#include "error.hpp"
#include "escape.hpp"
#include "payload.hpp"

namespace rans {
namespace {

// The coded symbols of all segments as numbers of encoder entries, in order.
struct CodedSymbols {
    std::unique_ptr<std::uint32_t[]> entries;
    std::vector<std::size_t> segment_ends;
    std::vector<std::uint8_t> escapes;
    std::uint64_t cost = 0;

    std::size_t size() const { return segment_ends.empty() ? 0 : segment_ends.back(); }
};

// The rare path of look_up_segment: escape, skipped symbol other than 0, or an index without a
// table.
[[gnu::noinline, gnu::cold]] void add_escape(std::int32_t symbol, std::uint8_t index,
                                             const Tables& tables,
                                             std::vector<std::uint8_t>& escapes) {
    if (index >= tables.size()) throw_bad_index(index, tables.size());
    if (index < tables.skip_below()) {
        throw SymbolOutOfRange("symbol " + std::to_string(symbol) + " under skipped index " +
                               std::to_string(index) + ", not 0");
    }
    const EncoderTable& table = tables.encoder_table(index);
    const std::int32_t high = table.offset + table.escape - 1;
    const std::uint32_t code = escape_code(symbol, table.offset, high);
    std::array<std::uint8_t, kMaxEscapeBytes> bytes;
    write_varint(bytes.data(), code);
    escapes.insert(escapes.end(), bytes.begin(), bytes.begin() + varint_size(code));
}

// Looks up the entries of a segment's coded symbols; returns the end of what it wrote to `out`.
[[gnu::noinline]] std::uint32_t* look_up_segment(const Segment& segment, const Tables& tables,
                                                 CodedSymbols& coded, std::uint32_t* out) {
    const EncoderTable* const encoder_tables = tables.encoder_tables().data();
    const std::uint16_t* const costs = tables.costs().data();
    const std::int16_t* const symbols = segment.symbols.data();
    const std::uint8_t* const indexes = segment.indexes.data();
    const std::size_t size = segment.symbols.size();
    const unsigned skip_below = tables.skip_below();
    std::uint64_t cost = 0;
    std::size_t count = 0;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint8_t index = indexes[i];
        const std::int32_t symbol = symbols[i];
        const EncoderTable& table = encoder_tables[index];
        auto entry = static_cast<std::uint32_t>(symbol - table.offset);
        if (entry >= table.escape) [[unlikely]] {
            add_escape(symbol, index, tables, coded.escapes);
            entry = table.escape;
        }
        entry += table.base;
        // Stores always and advances sometimes: which symbols are skipped cannot be predicted.
        out[count] = entry;
        count += index >= skip_below ? 1 : 0;
        cost += costs[entry];
    }
    coded.cost += cost;
    return out + count;
}

CodedSymbols look_up(std::span<const Segment> segments, const Tables& tables) {
    std::size_t total = 0;
    for (const Segment& segment : segments) total += segment.symbols.size();
    CodedSymbols coded;
    coded.entries = std::make_unique_for_overwrite<std::uint32_t[]>(total + 1);
    coded.segment_ends.reserve(segments.size());
    std::uint32_t* out = coded.entries.get();
    for (const Segment& segment : segments) {
        out = look_up_segment(segment, tables, coded, out);
        coded.segment_ends.push_back(static_cast<std::size_t>(out - coded.entries.get()));
    }
    return coded;
}

[[gnu::always_inline]] inline void put_entry(State& x, const EncoderEntry& entry, Word*& top) {
    // Stores always and advances sometimes: whether a state gives up a word cannot be predicted.
    const unsigned emit = must_emit(x, entry.frequency) ? 1 : 0;
    top[-1] = static_cast<Word>(x);
    top -= emit;
    x >>= kWordBits * emit;
    x = put(x, entry);
}

// Codes the symbols of one segment from the last to the first and writes words downwards from
// `top`, as rANS is a stack. Returns the new top.
template <unsigned N>
Word* encode_segment(std::span<const std::uint32_t> coded, const EncoderEntry* entries,
                     State* states, Word* top) {
    std::array<State, N> x;
    for (unsigned lane = 0; lane < N; ++lane) x[lane] = states[lane];
    std::size_t j = coded.size();
    while (j % N) {
        --j;
        put_entry(x[j % N], entries[coded[j]], top);
    }
    while (j) {
        j -= N;
        const std::uint32_t* const group = &coded[j];
#pragma GCC unroll 8
        for (unsigned i = 1; i <= N; ++i) put_entry(x[N - i], entries[group[N - i]], top);
    }
    for (unsigned lane = 0; lane < N; ++lane) states[lane] = x[lane];
    return top;
}

using EncodeSegment = Word* (*)(std::span<const std::uint32_t>, const EncoderEntry*, State*, Word*);

EncodeSegment encode_segment_for(unsigned lanes) {
    switch (lanes) {
        case 1: return encode_segment<1>;
        case 2: return encode_segment<2>;
        case 4: return encode_segment<4>;
        case 8: return encode_segment<8>;
        case 16: return encode_segment<16>;
        default: return encode_segment<32>;
    }
}

}  // namespace

std::vector<std::uint8_t> encode(std::span<const Segment> segments, const Tables& tables,
                                 unsigned lanes) {
    // 1. forward: symbols to entries, escapes, cost
    const CodedSymbols coded = look_up(segments, tables);
    if (coded.size() == 0) return build_payload({}, {}, {});

    // 2. backward: entries to words; a symbol gives at most one, and put_entry stores one ahead
    if (lanes == 0) lanes = choose_lanes(coded.cost);
    const EncodeSegment encode_lanes = encode_segment_for(lanes);
    std::array<State, kMaxLanes> states;
    states.fill(kLower);
    const std::size_t capacity = coded.size() + 1;
    const auto buffer = std::make_unique_for_overwrite<Word[]>(capacity);
    Word* top = buffer.get() + capacity;
    for (std::size_t s = segments.size(); s-- > 0;) {
        const std::size_t begin = s ? coded.segment_ends[s - 1] : 0;
        top = encode_lanes({coded.entries.get() + begin, coded.segment_ends[s] - begin},
                           tables.entries().data(), states.data(), top);
    }

    // 3. the payload
    const auto count = static_cast<std::size_t>(buffer.get() + capacity - top);
    return build_payload({states.data(), lanes}, {top, count}, coded.escapes);
}

}  // namespace rans
