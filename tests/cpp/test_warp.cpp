// The warp coder, which runs on GPUs, must give the bytes and symbols of the scalar one. Here its
// code runs on an emulated warp.
#include "error.hpp"
#include "rans_decoder.hpp"
#include "warp_driver.hpp"

namespace {

using namespace rans;

constexpr unsigned kAllLanes[] = {0, 1, 2, 4, 8, 16, 32};  // 0: the rule of SPEC.md

// How a payload ends: accepted, or the exception that the coder reports.
enum class Outcome { kAccepted, kInvalidTable, kExhausted, kCorrupt };

struct Result {
    Outcome outcome;
    std::vector<OwnedSegment> segments;
};

Outcome outcome_of(const Decoded& decoded) {
    switch (decoded.status) {
        case Status::kOk: return decoded.used_up ? Outcome::kAccepted : Outcome::kCorrupt;
        case Status::kBadIndex: return Outcome::kInvalidTable;
        case Status::kEscapeMalformed: return Outcome::kCorrupt;
        default: return Outcome::kExhausted;
    }
}

template <class Function>
Result with_outcome(Function function) {
    try {
        return function();
    } catch (const InvalidTable&) {
        return {Outcome::kInvalidTable, {}};
    } catch (const StreamExhausted&) {
        return {Outcome::kExhausted, {}};
    } catch (const CorruptStream&) {
        return {Outcome::kCorrupt, {}};
    }
}

Result decode_on_warp(const std::vector<std::uint8_t>& data, const Tables& tables,
                      const std::vector<Wanted>& wanted) {
    return with_outcome([&]() -> Result {
        const Decoded decoded = warp_decode(data, tables, wanted);
        return {outcome_of(decoded), decoded.segments};
    });
}

Result decode_scalar(const std::vector<std::uint8_t>& data, const Tables& tables,
                     const std::vector<Wanted>& wanted) {
    return with_outcome([&]() -> Result {
        Decoder decoder(data, tables);
        std::vector<OwnedSegment> segments;
        for (const Wanted& want : wanted) {
            OwnedSegment& out = segments.emplace_back();
            out.symbols.resize(want.indexes.size());
            out.indexes = want.indexes;
            if (want.stride == 0) {
                decoder.decode(want.indexes, out.symbols);
            } else {
                decoder.decode_trellis(want.indexes, want.stride, want.states, out.symbols,
                                       out.indexes);
            }
        }
        decoder.finish();
        return {Outcome::kAccepted, segments};
    });
}

bool same(const std::vector<OwnedSegment>& a, const std::vector<OwnedSegment>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const OwnedSegment& left, const OwnedSegment& right) {
                          return left.symbols == right.symbols && left.indexes == right.indexes;
                      });
}

// Segments as an encoder has them, and as a decoder asks for them.
struct Case {
    std::vector<OwnedSegment> segments;
    std::vector<Wanted> wanted;

    void add_plain(const OwnedSegment& segment) {
        segments.push_back(segment);
        wanted.push_back({segment.indexes});
    }
    void add_along_trellis(const OwnedSegment& segment, unsigned skip_below, unsigned stride,
                           unsigned states) {
        segments.push_back(along_trellis(segment, skip_below, stride, states));
        wanted.push_back({segment.indexes, stride, states});
    }
};

void check_both_ways(const Case& item, const Tables& tables, unsigned lanes) {
    const std::vector<std::uint8_t> data = encode(views(item.segments), tables, lanes);
    CHECK(warp_encode(item.segments, tables, lanes).data == data);
    const Result found = decode_on_warp(data, tables, item.wanted);
    CHECK(found.outcome == Outcome::kAccepted);
    CHECK(same(found.segments, item.segments));
    CHECK(same(found.segments, decode_scalar(data, tables, item.wanted).segments));
}

void test_same_bytes_and_symbols() {
    Random random(7);
    for (const unsigned max_entries : {2u, 60u, 3000u}) {
        for (const unsigned skip_below : {0u, 3u, 9u}) {
            const Tables tables(make_tables(random, 9, skip_below, max_entries));
            for (const unsigned lanes : kAllLanes) {
                for (const std::size_t size : {0u, 1u, 31u, 32u, 33u, 3000u}) {
                    Case item;
                    item.add_plain(make_segment(random, size, 9, skip_below));
                    item.add_plain(make_segment(random, 5, 9, skip_below));
                    item.add_plain(make_segment(random, size / 3, 9, skip_below));
                    check_both_ways(item, tables, lanes);
                }
            }
        }
    }
}

// With tables of two entries nearly every symbol is an escape; with skip_below = 20 none of these
// segments is coded.
void test_same_bytes_and_symbols_along_the_trellis() {
    Random random(11);
    for (const unsigned max_entries : {2u, 30u, 3000u}) {
        for (const unsigned skip_below : {0u, 3u, 20u}) {
            const Tables tables(make_tables(random, 40, skip_below, max_entries));
            for (const unsigned lanes : kAllLanes) {
                for (const std::size_t size : {0u, 1u, 31u, 32u, 33u, 64u, 1500u}) {
                    Case item;
                    item.add_plain(make_segment(random, size / 4, 40, skip_below));
                    for (const unsigned states : {kFewStates, kManyStates}) {
                        item.add_along_trellis(make_segment(random, size, 20, skip_below),
                                               skip_below, 20, states);
                    }
                    item.add_along_trellis(make_segment(random, 7, 20, skip_below), skip_below, 17,
                                           kManyStates);
                    check_both_ways(item, tables, lanes);
                }
            }
        }
    }
}

void test_lane_rule_is_followed() {
    Random random(8);
    const Tables tables(make_tables(random, 9, 0, 3000));
    const std::vector<OwnedSegment> segments{make_segment(random, 250000, 9, 0)};
    const std::vector<std::uint8_t> data = encode(views(segments), tables);
    CHECK((data[0] & 7) == 5);
    CHECK(warp_encode(segments, tables, 0).data == data);
}

void test_wrong_use_is_reported() {
    Random random(9);
    const Tables tables(make_tables(random, 4, 2, 12));
    CHECK(warp_encode({{{0}, {4}}}, tables, 0).status == Status::kBadIndex);
    CHECK(warp_encode({{{1}, {1}}}, tables, 0).status == Status::kSkippedSymbol);
    CHECK(warp_decode({0}, tables, {{{2}}}).status == Status::kEmptyPayload);
    CHECK(warp_decode({0}, tables, {{{4}}}).status == Status::kBadIndex);
}

// A table that is not there is refused even if no chain asks for it; a skipped index asks for none.
void test_tables_of_both_quantisers_must_exist() {
    Random random(12);
    const Tables tables(make_tables(random, 8, 2, 12));
    const std::vector<std::uint8_t> nothing{0};
    for (const unsigned states : {kFewStates, kManyStates}) {
        CHECK(warp_decode(nothing, tables, {{{4}, 3, states}}).status == Status::kEmptyPayload);
        CHECK(warp_decode(nothing, tables, {{{4}, 4, states}}).status == Status::kBadIndex);
        CHECK(warp_decode(nothing, tables, {{{8}, 1, states}}).status == Status::kBadIndex);
        CHECK(warp_decode(nothing, tables, {{{4}, ~0u, states}}).status == Status::kBadIndex);
        const Result skipped = decode_on_warp(nothing, tables, {{{1, 0}, 7, states}});
        CHECK(skipped.outcome == Outcome::kAccepted);
        CHECK(same(skipped.segments, {{{0, 0}, {1, 0}}}));
    }
}

// Damaged payloads must not make the warp coder read outside (ASan watches), and what the scalar
// decoder rejects must not pass. With one lane both meet the faults in the same order and so report
// the same; `strict` asks for that.
void check_same_rejection(const std::vector<std::uint8_t>& data, const Tables& tables,
                          const std::vector<Wanted>& wanted, bool strict) {
    const Result warp = decode_on_warp(data, tables, wanted);
    const Result scalar = decode_scalar(data, tables, wanted);
    CHECK((warp.outcome == Outcome::kAccepted) == (scalar.outcome == Outcome::kAccepted));
    if (strict) CHECK(warp.outcome == scalar.outcome);
    if (scalar.outcome == Outcome::kAccepted) CHECK(same(warp.segments, scalar.segments));
}

void check_damage(const Case& item, const Tables& tables, unsigned lanes, bool strict) {
    const std::vector<std::uint8_t> data = encode(views(item.segments), tables, lanes);
    for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
        std::vector<std::uint8_t> flipped = data;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
        check_same_rejection(flipped, tables, item.wanted, strict && bit >= 8);
    }
    for (std::size_t size = 0; size < data.size(); ++size) {
        const std::vector<std::uint8_t> cut(data.begin(),
                                            data.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK(decode_on_warp(cut, tables, item.wanted).outcome != Outcome::kAccepted);
        check_same_rejection(cut, tables, item.wanted, strict);
    }
    std::vector<std::uint8_t> longer = data;
    longer.insert(longer.end(), 2, 0);
    CHECK(decode_on_warp(longer, tables, item.wanted).outcome != Outcome::kAccepted);
    check_same_rejection(longer, tables, item.wanted, strict);
}

void test_damaged_payloads_are_reported() {
    Random random(10);
    const Tables tables(make_tables(random, 9, 2, 40));
    Case item;
    item.add_plain(make_segment(random, 300, 9, 2));
    check_damage(item, tables, 8, false);
    const Wanted longer{make_segment(random, 3000, 9, 0).indexes};
    const std::vector<std::uint8_t> data = encode(views(item.segments), tables, 8);
    CHECK(warp_decode(data, tables, {longer}).status != Status::kOk);
}

void test_damaged_payloads_along_the_trellis_are_reported() {
    Random random(13);
    const Tables tables(make_tables(random, 18, 2, 40));
    for (const unsigned states : {kFewStates, kManyStates}) {
        for (const unsigned lanes : {1u, 4u, 32u}) {
            Case item;
            item.add_along_trellis(make_segment(random, 200, 9, 2), 2, 9, states);
            check_damage(item, tables, lanes, lanes == 1);
        }
    }
}

// One fault at a time, with any number of lanes: no words are left, no escapes, a malformed one.
void test_single_faults_along_the_trellis() {
    Random random(14);
    const Tables tables(make_tables(random, 6, 0, 20));
    const std::vector<OwnedSegment> escapes{along_trellis({{300, -300}, {1, 2}}, 0, 3, 8)};
    for (const unsigned lanes : {1u, 2u, 4u, 8u, 16u, 32u}) {
        const std::vector<std::uint8_t> data = encode(views(escapes), tables, lanes);
        const Wanted two{{1, 2}, 3, kFewStates};
        CHECK(warp_decode(data, tables, {two}).used_up);
        const Wanted many{std::vector<std::uint8_t>(1000, 1), 3, kFewStates};
        CHECK(decode_on_warp(data, tables, {many}).outcome == Outcome::kExhausted);
        std::vector<std::uint8_t> malformed = data;
        malformed.back() = 0;  // the last of two bytes of a varint
        CHECK(warp_decode(malformed, tables, {two}).status == Status::kEscapeMalformed);
        malformed.back() = 0x80;  // goes on, but nothing follows
        CHECK(warp_decode(malformed, tables, {two}).status == Status::kEscapesExhausted);
    }
}

}  // namespace

int main() {
    test_same_bytes_and_symbols();
    test_same_bytes_and_symbols_along_the_trellis();
    test_lane_rule_is_followed();
    test_wrong_use_is_reported();
    test_tables_of_both_quantisers_must_exist();
    test_damaged_payloads_are_reported();
    test_damaged_payloads_along_the_trellis_are_reported();
    test_single_faults_along_the_trellis();
    std::puts("test_warp: ok");
    return 0;
}
