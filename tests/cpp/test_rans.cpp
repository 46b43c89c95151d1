// Tests of the coder: arithmetic, round trips, hostile payloads. Run under ASan and UBSan.
#include <cstring>
#include <limits>

#include "cases.hpp"
#include "error.hpp"
#include "payload.hpp"
#include "rans.hpp"
#include "rans_decoder.hpp"
#include "trellis.hpp"

namespace {

using namespace rans;

// put() must equal the division it replaces. The proof in rans.hpp needs reciprocal * f - 2^64 < f
// for every f; that is checked for all of them, and the result at the borders of quotients and of
// the state.
void test_put_divides_exactly() {
    Random random(1);
    for (std::uint32_t f = 1; f < kTotal; ++f) {
        const std::uint32_t start = below(random, kTotal - f + 1);
        const EncoderEntry entry = make_encoder_entry(start, f);
        if (f > 1) CHECK(entry.reciprocal * f < f);  // modulo 2^64
        const State top = static_cast<State>(f) << kLowerBits;
        const State low = top >> kWordBits;
        for (unsigned i = 0; i < 40; ++i) {
            const State quotient = 1 + random() % (top / f - 1);
            const State candidates[] = {low, top - 1, quotient * f, quotient * f - 1,
                                        low + random() % (top - low)};
            for (const State x : candidates) {
                if (x < low || x >= top) continue;
                const State expected = ((x / f) << kPrecisionBits) + x % f + start;
                CHECK(put(x, entry) == expected);
                CHECK(expected >> 40 == 0);
                CHECK(get(expected, f, slot_of(expected) - start) == x);
            }
        }
    }
}

void test_multiply_high_matches_parts() {
    Random random(2);
    for (unsigned i = 0; i < 100000; ++i) {
        const std::uint64_t a = static_cast<std::uint64_t>(random()) << 32 | random();
        const std::uint64_t b = static_cast<std::uint64_t>(random()) << 32 | random();
        const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
        const std::uint64_t mid = a1 * b0 + (a0 * b0 >> 32), mid2 = a0 * b1 + (mid & 0xffffffffu);
        CHECK(multiply_high(a, b) == a1 * b1 + (mid >> 32) + (mid2 >> 32));
    }
}

void test_costs_are_monotone() {
    CHECK(entry_cost(1) == kPrecisionBits << kCostBits);
    CHECK(entry_cost(1u << 15) == 1u << kCostBits);
    for (std::uint32_t f = 2; f < kTotal; ++f) CHECK(entry_cost(f) <= entry_cost(f - 1));
    CHECK(choose_lanes(0) == 1);
    const std::uint64_t two_lanes = std::uint64_t{2 * kBytesPerLane} << (kCostBits + 3);
    CHECK(choose_lanes(two_lanes - 1) == 1);
    CHECK(choose_lanes(two_lanes) == 2);
    CHECK(choose_lanes(~std::uint64_t{0}) == kMaxLanes);
}

void check_round_trip(const Tables& tables, const std::vector<OwnedSegment>& segments,
                      unsigned lanes) {
    const std::vector<std::uint8_t> data = encode(views(segments), tables, lanes);
    Decoder decoder(data, tables);
    for (const OwnedSegment& segment : segments) {
        std::vector<std::int16_t> symbols(segment.symbols.size(), 99);
        decoder.decode(segment.indexes, symbols);
        CHECK(symbols == segment.symbols);
    }
    decoder.finish();
}

void test_round_trips() {
    Random random(3);
    for (const unsigned max_entries : {2u, 5u, 60u, 4096u}) {
        for (const unsigned skip_below : {0u, 3u, 9u}) {
            const Tables tables(make_tables(random, 9, skip_below, max_entries));
            for (const unsigned lanes : {0u, 1u, 2u, 4u, 8u, 16u, 32u}) {
                for (const std::size_t size : {0u, 1u, 2u, 7u, 31u, 32u, 33u, 2048u, 5000u}) {
                    check_round_trip(tables,
                                     {make_segment(random, size, 9, skip_below),
                                      make_segment(random, 3, 9, skip_below),
                                      make_segment(random, size / 2, 9, skip_below)},
                                     lanes);
                }
            }
        }
    }
}

// Decodes as far as it goes; only the coder's own errors may come out.
void try_decode(const std::vector<std::uint8_t>& data, const Tables& tables,
                const std::vector<OwnedSegment>& segments) {
    // an exact allocation, so that ASan sees a read behind the end
    const std::vector<std::uint8_t> exact(data);
    try {
        Decoder decoder(exact, tables);
        for (const OwnedSegment& segment : segments) {
            std::vector<std::int16_t> symbols(segment.indexes.size());
            decoder.decode(segment.indexes, symbols);
        }
        decoder.finish();
    } catch (const EntropyCodingError&) {
        return;
    }
}

void test_damaged_payloads_raise_named_errors() {
    Random random(4);
    const Tables tables(make_tables(random, 9, 2, 40));
    const std::vector<OwnedSegment> segments{make_segment(random, 300, 9, 2),
                                             make_segment(random, 200, 9, 2)};
    for (const unsigned lanes : {1u, 4u, 32u}) {
        const std::vector<std::uint8_t> data = encode(views(segments), tables, lanes);
        for (std::size_t size = 0; size < data.size(); ++size) {
            try_decode({data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)}, tables,
                       segments);
        }
        for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
            std::vector<std::uint8_t> flipped = data;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
            try_decode(flipped, tables, segments);
        }
    }
    for (unsigned i = 0; i < 20000; ++i) {
        std::vector<std::uint8_t> noise(below(random, 300));
        for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
        if (!noise.empty()) noise[0] &= 0x87;
        try_decode(noise, tables, segments);
    }
}

void test_damaged_tables_raise_invalid_table() {
    Random random(5);
    const std::vector<std::uint8_t> data = make_tables(random, 5, 1, 12);
    CHECK(Tables(data).size() == 5);
    for (std::size_t size = 0; size < data.size(); ++size) {
        const std::vector<std::uint8_t> cut(data.begin(),
                                            data.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_THROWS(Tables(cut), InvalidTable);
    }
    for (unsigned i = 0; i < 20000; ++i) {
        std::vector<std::uint8_t> noise = data;
        noise[below(random, static_cast<std::uint32_t>(noise.size()))] =
            static_cast<std::uint8_t>(random());
        try {
            const Tables tables(noise);
        } catch (const InvalidTable&) {
            continue;
        }
    }
}

void test_wrong_use_raises_its_error() {
    Random random(6);
    const Tables tables(make_tables(random, 4, 2, 12));
    const OwnedSegment bad_index{{0}, {4}}, bad_skip{{1}, {1}}, good{{1, 2}, {2, 3}};
    CHECK_THROWS(encode(views({bad_index}), tables), InvalidTable);
    CHECK_THROWS(encode(views({bad_skip}), tables), SymbolOutOfRange);
    const std::vector<std::uint8_t> data = encode(views({good}), tables);
    std::vector<std::int16_t> symbols(2);
    Decoder decoder(data, tables);
    CHECK_THROWS(decoder.finish(), CorruptStream);
    CHECK_THROWS(decoder.decode(std::vector<std::uint8_t>{2, 4}, symbols), InvalidTable);
    decoder.decode(good.indexes, symbols);
    decoder.finish();
    const std::vector<std::uint8_t> empty = encode({}, tables);
    CHECK(empty == std::vector<std::uint8_t>{0});
    Decoder nothing(empty, tables);
    CHECK_THROWS(nothing.decode(good.indexes, symbols), StreamExhausted);
    CHECK_THROWS(nothing.decode(good.indexes, symbols), CorruptStream);
    CHECK_THROWS(nothing.finish(), CorruptStream);
}

}  // namespace

void test_trellis_round_trips() {
    Random random(11);
    for (const unsigned lanes : {0u, 1u, 4u, 32u}) {
        for (const std::size_t size : {0u, 1u, 31u, 33u, 5000u}) {
            const unsigned states = lanes % 2 ? kFewStates : kManyStates;
            const Tables tables(make_tables(random, 40, 3, 30));
            const OwnedSegment plain = make_segment(random, size, 40, 3);
            OwnedSegment base = make_segment(random, size, 20, 3);
            const OwnedSegment coded = along_trellis(base, 3, 20, states);
            const Segment segments[] = {{plain.symbols, plain.indexes},
                                        {coded.symbols, coded.indexes}};
            const std::vector<std::uint8_t> data = encode(segments, tables, lanes);
            Decoder decoder(data, tables);
            std::vector<std::int16_t> symbols(size);
            std::vector<std::uint8_t> chosen(size);
            decoder.decode(plain.indexes, symbols);
            CHECK(symbols == plain.symbols);
            decoder.decode_trellis(base.indexes, 20, states, symbols, chosen);
            CHECK(symbols == coded.symbols);
            CHECK(chosen == coded.indexes);
            decoder.finish();
            if (size > 100) {
                Decoder cut({data.data(), data.size() - 4}, tables);
                try {
                    cut.decode(plain.indexes, symbols);
                    cut.decode_trellis(base.indexes, 20, states, symbols, chosen);
                    cut.finish();
                    CHECK(false);
                } catch (const EntropyCodingError&) {
                }
                Decoder other(data, tables);
                CHECK_THROWS(other.decode_trellis(base.indexes, 38, states, symbols, chosen),
                             InvalidTable);
            }
        }
    }
}

void test_trellis_choice_stays_in_its_arrays() {
    Random random(12);
    for (const std::size_t size : {0u, 1u, 32u, 33u, 1000u}) {
        const std::vector<std::int32_t> costs(2 * 5 * 7, 2048);
        std::vector<std::int32_t> residuals(size);
        std::vector<std::uint8_t> indexes(size);
        for (std::size_t i = 0; i < size; ++i) {
            const auto any = static_cast<std::int32_t>(random());
            residuals[i] = i % 3 == 0 ? any : any >> 20;
            if (i % 50 == 49) residuals[i] = std::numeric_limits<std::int32_t>::min();
            indexes[i] = static_cast<std::uint8_t>(below(random, 5));
        }
        std::vector<std::int16_t> symbols(size);
        std::vector<std::uint8_t> sets(size);
        for (const unsigned states : {kFewStates, kManyStates}) {
            const TrellisCosts choice{costs, 5, 7, 2, 20, 64, states};
            quantise_trellis(residuals, indexes, choice, symbols, sets);
            for (std::size_t i = 0; i < size; ++i) {
                if (indexes[i] < 2) CHECK(symbols[i] == 0 && sets[i] == 0);
                CHECK(std::abs(symbols[i]) <= 32000);
            }
        }
    }
}

int main() {
    test_put_divides_exactly();
    test_multiply_high_matches_parts();
    test_costs_are_monotone();
    test_round_trips();
    test_damaged_payloads_raise_named_errors();
    test_damaged_tables_raise_invalid_table();
    test_wrong_use_raises_its_error();
    test_trellis_round_trips();
    test_trellis_choice_stays_in_its_arrays();
    std::puts("test_rans: ok");
    return 0;
}
