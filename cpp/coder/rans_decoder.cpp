#include "rans_decoder.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "bytes.hpp"
#include "error.hpp"
#include "escape.hpp"
#include "trellis.hpp"

namespace rans {
namespace {

// A segment is decoded in chunks whose working set stays in the first-level cache.
constexpr std::size_t kChunk = 2048;

// The coded symbols of a chunk: their indexes, where in the chunk they belong, and the numbers of
// those that turned out to be escapes.
struct Chunk {
    std::array<std::uint8_t, kChunk + 1> indexes;
    std::array<std::uint16_t, kChunk + 1> places;
    std::array<std::uint16_t, kChunk> escapes;
    std::size_t count = 0;
    std::size_t escape_count = 0;
};

struct WordReader {
    const std::uint8_t* at;
    const std::uint8_t* end;
};

// The place of the entry that the slot of x falls into; x becomes what is left without it.
[[gnu::always_inline]] inline std::size_t take_entry(State& x, const std::uint32_t* at,
                                                     unsigned shift, bool& escape) {
    const std::uint32_t slot = slot_of(x);
    std::size_t place = at[slot >> shift];
    place += slot >= at[place + 1] ? 1 : 0;
    while (slot >= at[place + 1]) [[unlikely]]
        ++place;
    const std::uint32_t start = at[place], end = at[place + 1];
    escape = end == kTotal;
    x = get(x, end - start, slot - start);
    return place;
}

// Gives x its next word if it needs one; false if there is none. With Checked = false the caller
// guarantees that there is one.
template <bool Checked>
[[gnu::always_inline]] inline bool take_word(State& x, WordReader& words) {
    if constexpr (Checked) {
        if (!must_refill(x)) return true;
        if (words.at == words.end) return false;
        x = refill(x, load_u16(words.at));
        words.at += kWordBytes;
    } else {
        // A mask, not a branch: whether a state needs a word cannot be predicted.
        const State mask = static_cast<State>(0) - (must_refill(x) ? 1 : 0);
        x = (x << (mask & kWordBits)) | (load_u16(words.at) & mask);
        words.at += mask & kWordBytes;
    }
    return true;
}

// Decodes coded symbol j of a chunk; false if it needs a word and there is none.
template <bool Checked>
[[gnu::always_inline]] inline bool get_symbol(State& x, const DecoderTable* tables,
                                              const std::uint32_t* lookup, std::int16_t* symbols,
                                              Chunk& chunk, std::size_t j, WordReader& words) {
    const DecoderTable& table = tables[chunk.indexes[j]];
    bool escape;
    const std::size_t place = take_entry(x, lookup + table.base, table.shift, escape);
    symbols[chunk.places[j]] = static_cast<std::int16_t>(place + table.bias);
    if (escape) [[unlikely]] {
        chunk.escapes[chunk.escape_count++] = static_cast<std::uint16_t>(j);
    }
    return take_word<Checked>(x, words);
}

// Decodes the coded symbols of a chunk; the first one belongs to lane `first` mod N. False if the
// words run out.
template <unsigned N>
bool decode_lanes(const Tables& set, std::int16_t* symbols, Chunk& chunk, std::uint64_t first,
                  State* states, WordReader& reader) {
    const DecoderTable* const tables = set.decoder_tables().data();
    const std::uint32_t* const lookup = set.lookup().data();
    std::array<State, N> x;
    for (unsigned lane = 0; lane < N; ++lane) x[lane] = states[lane];
    WordReader words = reader;
    const std::size_t count = chunk.count;
    bool ok = true;
    for (std::size_t j = 0; ok && j < count;) {
        if ((first + j) % N == 0) {
            // whole rounds over the lanes, as long as there is a word for every lane
            while (j + N <= count &&
                   static_cast<std::size_t>(words.end - words.at) >= N * kWordBytes) {
#pragma GCC unroll 8
                for (unsigned lane = 0; lane < N; ++lane) {
                    get_symbol<false>(x[lane], tables, lookup, symbols, chunk, j + lane, words);
                }
                j += N;
            }
        }
        if (j < count) {
            ok = get_symbol<true>(x[(first + j) % N], tables, lookup, symbols, chunk, j, words);
            ++j;
        }
    }
    reader = words;
    for (unsigned lane = 0; lane < N; ++lane) states[lane] = x[lane];
    return ok;
}

using DecodeLanes = bool (*)(const Tables&, std::int16_t*, Chunk&, std::uint64_t, State*,
                             WordReader&);

DecodeLanes decode_lanes_for(unsigned lanes) {
    switch (lanes) {
        case 1: return decode_lanes<1>;
        case 2: return decode_lanes<2>;
        case 4: return decode_lanes<4>;
        case 8: return decode_lanes<8>;
        case 16: return decode_lanes<16>;
        default: return decode_lanes<32>;
    }
}

// Lists the coded symbols. Stores always and counts sometimes: which symbols are skipped cannot be
// predicted.
void list_coded(std::span<const std::uint8_t> indexes, unsigned skip_below, Chunk& chunk) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        chunk.indexes[count] = indexes[i];
        chunk.places[count] = static_cast<std::uint16_t>(i);
        count += indexes[i] >= skip_below ? 1 : 0;
    }
    chunk.count = count;
}

}  // namespace

Decoder::Decoder(std::span<const std::uint8_t> data, const Tables& tables)
    : tables_(tables),
      payload_(parse_payload(data)),
      word_(payload_.words.data()),
      words_end_(payload_.words.data() + payload_.words.size()),
      escape_(payload_.escapes.data()),
      escapes_end_(payload_.escapes.data() + payload_.escapes.size()) {}

void Decoder::decode(std::span<const std::uint8_t> indexes, std::span<std::int16_t> symbols) {
    if (failed_) throw CorruptStream("decoder: an earlier segment failed");
    std::uint8_t top = 0;
    for (const std::uint8_t index : indexes) top = std::max(top, index);
    if (top >= tables_.size()) throw_bad_index(top, tables_.size());
    failed_ = true;
    std::uint64_t position = 0;
    for (std::size_t begin = 0; begin < indexes.size(); begin += kChunk) {
        const std::size_t count = std::min(kChunk, indexes.size() - begin);
        position += decode_chunk(indexes.subspan(begin, count), symbols.data() + begin, position);
    }
    failed_ = false;
}

std::size_t Decoder::decode_chunk(std::span<const std::uint8_t> indexes, std::int16_t* symbols,
                                  std::uint64_t position) {
    // 1. which symbols are coded; the others are 0
    Chunk chunk;
    list_coded(indexes, tables_.skip_below(), chunk);
    if (chunk.count < indexes.size()) std::fill_n(symbols, indexes.size(), std::int16_t{0});
    if (chunk.count == 0) return 0;
    if (payload_.lanes == 0) {
        throw StreamExhausted("payload: empty, but a coded symbol is expected");
    }
    coded_any_ = true;

    // 2. their entries
    WordReader words{word_, words_end_};
    const bool ok = decode_lanes_for(payload_.lanes)(tables_, symbols, chunk, position,
                                                     payload_.states.data(), words);
    word_ = words.at;
    if (!ok) {
        throw StreamExhausted("payload: all " + std::to_string(payload_.words.size() / kWordBytes) +
                              " words are consumed");
    }

    // 3. symbols outside their table
    for (std::size_t e = 0; e < chunk.escape_count; ++e) {
        const std::uint16_t j = chunk.escapes[e];
        symbols[chunk.places[j]] = read_escape(chunk.indexes[j]);
    }
    return chunk.count;
}

void Decoder::decode_trellis(std::span<const std::uint8_t> indexes, unsigned stride,
                             unsigned states, std::span<std::int16_t> symbols,
                             std::span<std::uint8_t> chosen) {
    if (states == kFewStates) {
        decode_along<kFewStates>(indexes, stride, symbols, chosen);
    } else {
        decode_along<kManyStates>(indexes, stride, symbols, chosen);
    }
}

template <unsigned kStates>
void Decoder::decode_along(std::span<const std::uint8_t> indexes, unsigned stride,
                           std::span<std::int16_t> symbols, std::span<std::uint8_t> chosen) {
    if (failed_) throw CorruptStream("decoder: an earlier segment failed");
    const unsigned skip_below = tables_.skip_below();
    unsigned top = 0;
    for (const std::uint8_t index : indexes) {
        top = std::max(top, index < skip_below ? index : index + stride);
    }
    if (top >= tables_.size()) throw_bad_index(top, tables_.size());
    failed_ = true;
    const DecoderTable* const tables = tables_.decoder_tables().data();
    const std::uint32_t* const lookup = tables_.lookup().data();
    WordReader words{word_, words_end_};
    std::array<std::uint8_t, kChains> chains{};
    std::size_t coded = 0;
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        chosen[i] = indexes[i];
        symbols[i] = 0;
        if (indexes[i] < skip_below) continue;
        if (payload_.lanes == 0) {
            throw StreamExhausted("payload: empty, but a coded symbol is expected");
        }
        std::uint8_t& chain = chains[coded % kChains];
        const auto index = static_cast<std::uint8_t>(indexes[i] + stride * trellis_set(chain));
        const DecoderTable& table = tables[index];
        State& x = payload_.states[coded % payload_.lanes];
        bool escape;
        const std::size_t place = take_entry(x, lookup + table.base, table.shift, escape);
        if (!take_word<true>(x, words)) {
            throw StreamExhausted("payload: all " +
                                  std::to_string(payload_.words.size() / kWordBytes) +
                                  " words are consumed");
        }
        const std::int16_t symbol =
            escape ? read_escape(index) : static_cast<std::int16_t>(place + table.bias);
        chosen[i] = index;
        symbols[i] = symbol;
        chain = static_cast<std::uint8_t>(trellis_next(kStates, chain, symbol));
        ++coded;
    }
    word_ = words.at;
    coded_any_ = coded_any_ || coded > 0;
    failed_ = false;
}

std::int16_t Decoder::read_escape(std::uint8_t index) {
    std::uint64_t code = 0;
    switch (read_varint(escape_, escapes_end_, kMaxEscapeBytes, code)) {
        case Varint::kExhausted:
            throw StreamExhausted("escapes: all " + std::to_string(payload_.escapes.size()) +
                                  " bytes are consumed");
        case Varint::kMalformed: throw CorruptStream("escapes: malformed varint");
        case Varint::kOk: break;
    }
    const EncoderTable& table = tables_.encoder_table(index);
    const std::int32_t symbol = escape_symbol(static_cast<std::uint32_t>(code), table.offset,
                                              table.offset + table.escape - 1);
    if (!is_int16(symbol)) {
        throw CorruptStream("escapes: symbol " + std::to_string(symbol) + " is not int16");
    }
    return static_cast<std::int16_t>(symbol);
}

void Decoder::finish() const {
    if (failed_) throw CorruptStream("decoder: an earlier segment failed");
    if (word_ != words_end_) {
        throw CorruptStream(
            "payload: " + std::to_string((words_end_ - word_) / std::ptrdiff_t{kWordBytes}) +
            " words left over");
    }
    if (escape_ != escapes_end_) {
        throw CorruptStream("payload: " + std::to_string(escapes_end_ - escape_) +
                            " escape bytes left over");
    }
    for (unsigned lane = 0; lane < payload_.lanes; ++lane) {
        if (payload_.states[lane] != kLower) {
            throw CorruptStream("payload: the final state of lane " + std::to_string(lane) +
                                " differs from the initial one");
        }
    }
    if (payload_.lanes && !coded_any_) {
        throw CorruptStream("payload: has states but no coded symbol");
    }
}

}  // namespace rans
