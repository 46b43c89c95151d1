// The warp coder, which runs on GPUs, must give the bytes and symbols of the scalar one. Here its
// code runs on an emulated warp.
#include <algorithm>

#include "cases.hpp"
#include "error.hpp"
#include "host_warp.hpp"
#include "payload.hpp"
#include "rans_decoder.hpp"
#include "warp_decoder.hpp"
#include "warp_encoder.hpp"

namespace {

using namespace rans;

TablesView view_of(const Tables& tables) {
    return {tables.encoder_tables().data(),
            tables.entries().data(),
            tables.costs().data(),
            tables.decoder_tables().data(),
            tables.lookup().data(),
            static_cast<std::uint32_t>(tables.size()),
            tables.skip_below()};
}

struct Encoded {
    std::vector<std::uint8_t> data;
    Status status;
};

Encoded warp_encode(const std::vector<OwnedSegment>& segments, const Tables& tables,
                    unsigned lanes) {
    std::vector<std::int16_t> symbols;
    std::vector<std::uint8_t> indexes;
    std::vector<std::uint32_t> sizes;
    for (const OwnedSegment& segment : segments) {
        symbols.insert(symbols.end(), segment.symbols.begin(), segment.symbols.end());
        indexes.insert(indexes.end(), segment.indexes.begin(), segment.indexes.end());
        sizes.push_back(static_cast<std::uint32_t>(segment.symbols.size()));
    }
    std::vector<std::uint32_t> entries(symbols.size()), ends(sizes.size());
    std::vector<Word> words(symbols.size());
    std::vector<std::uint8_t> escapes(kMaxEscapeBytes * symbols.size());
    WarpEncoderJob job{};
    job.symbols = symbols.data();
    job.indexes = indexes.data();
    job.segment_sizes = sizes.data();
    job.segment_count = static_cast<std::uint32_t>(sizes.size());
    job.entries = entries.data();
    job.coded_ends = ends.data();
    job.words = words.data();
    job.words_capacity = static_cast<std::uint32_t>(words.size());
    job.escapes = escapes.data();
    job.lanes = lanes;
    warp_encode_payload(HostWarp{}, view_of(tables), job);
    if (job.status != Status::kOk) return {{}, job.status};
    return {build_payload({job.states, job.lanes},
                          {words.data() + words.size() - job.word_count, job.word_count},
                          {escapes.data(), job.escape_bytes}),
            job.status};
}

struct Decoded {
    std::vector<std::vector<std::int16_t>> symbols;
    Status status = Status::kOk;
    bool used_up = false;  // nothing left over and all states back at their start
};

// Decodes with the warp coder; stops at the first status that is not kOk.
Decoded warp_decode(const std::vector<std::uint8_t>& data, const Tables& tables,
                    const std::vector<OwnedSegment>& segments) {
    const Payload payload = parse_payload(data);
    Decoded decoded;
    WarpDecoderState decoder{};
    std::copy(payload.states.begin(), payload.states.end(), decoder.states);
    decoder.word = payload.words.data();
    decoder.words_end = payload.words.data() + payload.words.size();
    decoder.escape = payload.escapes.data();
    decoder.escapes_end = payload.escapes.data() + payload.escapes.size();
    decoder.lanes = payload.lanes;
    for (const OwnedSegment& segment : segments) {
        std::vector<std::uint32_t> places(segment.indexes.size());
        decoded.symbols.emplace_back(segment.indexes.size(), std::int16_t{99});
        const WarpDecoderSegment job{segment.indexes.data(), decoded.symbols.back().data(),
                                     places.data(),
                                     static_cast<std::uint32_t>(segment.indexes.size())};
        decoded.status = warp_decode_segment(HostWarp{}, view_of(tables), decoder, job);
        if (decoded.status != Status::kOk) return decoded;
    }
    decoded.used_up = decoder.word == decoder.words_end && decoder.escape == decoder.escapes_end &&
                      std::all_of(decoder.states, decoder.states + decoder.lanes,
                                  [](State x) { return x == kLower; });
    return decoded;
}

void test_same_bytes_and_symbols() {
    Random random(7);
    for (const unsigned max_entries : {2u, 60u, 3000u}) {
        for (const unsigned skip_below : {0u, 3u, 9u}) {
            const Tables tables(make_tables(random, 9, skip_below, max_entries));
            for (const unsigned lanes : {0u, 1u, 2u, 4u, 8u, 16u, 32u}) {
                for (const std::size_t size : {0u, 1u, 31u, 32u, 33u, 3000u}) {
                    const std::vector<OwnedSegment> segments{
                        make_segment(random, size, 9, skip_below),
                        make_segment(random, 5, 9, skip_below),
                        make_segment(random, size / 3, 9, skip_below)};
                    const std::vector<std::uint8_t> data = encode(views(segments), tables, lanes);
                    CHECK(warp_encode(segments, tables, lanes).data == data);
                    const Decoded decoded = warp_decode(data, tables, segments);
                    CHECK(decoded.status == Status::kOk && decoded.used_up);
                    for (std::size_t s = 0; s < segments.size(); ++s) {
                        CHECK(decoded.symbols[s] == segments[s].symbols);
                    }
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
    const std::vector<OwnedSegment> one{{{0}, {2}}}, bad{{{0}, {4}}};
    CHECK(warp_decode({0}, tables, one).status == Status::kEmptyPayload);
    CHECK(warp_decode({0}, tables, bad).status == Status::kBadIndex);
}

// Damaged payloads must not make the warp coder read outside (ASan watches), and what the scalar
// decoder rejects must not pass.
void test_damaged_payloads_are_reported() {
    Random random(10);
    const Tables tables(make_tables(random, 9, 2, 40));
    const std::vector<OwnedSegment> segments{make_segment(random, 300, 9, 2)};
    const std::vector<std::uint8_t> data = encode(views(segments), tables, 8);
    for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
        std::vector<std::uint8_t> flipped = data;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
        bool scalar_ok = true;
        std::vector<std::int16_t> symbols(segments[0].indexes.size());
        try {
            Decoder decoder(flipped, tables);
            decoder.decode(segments[0].indexes, symbols);
            decoder.finish();
        } catch (const EntropyCodingError&) {
            scalar_ok = false;
        }
        try {
            const Decoded decoded = warp_decode(flipped, tables, segments);
            CHECK((decoded.status == Status::kOk && decoded.used_up) == scalar_ok);
            if (scalar_ok) CHECK(decoded.symbols[0] == symbols);
        } catch (const EntropyCodingError&) {
            CHECK(!scalar_ok);
        }
    }
    const std::vector<OwnedSegment> longer{make_segment(random, 3000, 9, 0)};
    CHECK(warp_decode(data, tables, longer).status != Status::kOk);
}

}  // namespace

int main() {
    test_same_bytes_and_symbols();
    test_lane_rule_is_followed();
    test_wrong_use_is_reported();
    test_damaged_payloads_are_reported();
    std::puts("test_warp: ok");
    return 0;
}
