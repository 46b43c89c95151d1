// Whole payloads through the warp coder on an emulated warp, as cuda/rans_encode.cu and
// cuda/rans_decode.cu bring them to a GPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cases.hpp"
#include "host_warp.hpp"
#include "payload.hpp"
#include "trellis.hpp"
#include "warp_decoder.hpp"
#include "warp_encoder.hpp"

inline rans::TablesView view_of(const rans::Tables& tables) {
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
    rans::Status status;
};

inline Encoded warp_encode(const std::vector<OwnedSegment>& segments, const rans::Tables& tables,
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
    std::vector<rans::Word> words(symbols.size());
    std::vector<std::uint8_t> escapes(rans::kMaxEscapeBytes * symbols.size());
    rans::WarpEncoderJob job{};
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
    rans::warp_encode_payload(HostWarp{}, view_of(tables), job);
    if (job.status != rans::Status::kOk) return {{}, job.status};
    return {rans::build_payload({job.states, job.lanes},
                                {words.data() + words.size() - job.word_count, job.word_count},
                                {escapes.data(), job.escape_bytes}),
            job.status};
}

// What a decoder knows of a segment. With stride 0 it is a plain one.
struct Wanted {
    std::vector<std::uint8_t> indexes;
    unsigned stride = 0;
    unsigned states = rans::kFewStates;
};

struct Decoded {
    std::vector<OwnedSegment> segments;  // symbols, and the tables that they were coded with
    rans::Status status = rans::Status::kOk;
    bool used_up = false;  // nothing left over and all states back at their start
};

// Decodes with the warp coder; stops at the first status that is not kOk. Throws what
// parse_payload throws.
inline Decoded warp_decode(const std::vector<std::uint8_t>& data, const rans::Tables& tables,
                           const std::vector<Wanted>& wanted) {
    const rans::Payload payload = rans::parse_payload(data);
    Decoded decoded;
    rans::WarpDecoderState decoder{};
    std::copy(payload.states.begin(), payload.states.end(), decoder.states);
    decoder.word = payload.words.data();
    decoder.words_end = payload.words.data() + payload.words.size();
    decoder.escape = payload.escapes.data();
    decoder.escapes_end = payload.escapes.data() + payload.escapes.size();
    decoder.lanes = payload.lanes;
    for (const Wanted& want : wanted) {
        std::vector<std::uint32_t> places(want.indexes.size());
        const std::vector<std::int16_t> unset(want.indexes.size(), std::int16_t{99});
        OwnedSegment& out = decoded.segments.emplace_back(OwnedSegment{unset, want.indexes});
        const rans::WarpDecoderSegment job{out.indexes.data(),
                                           out.symbols.data(),
                                           places.data(),
                                           static_cast<std::uint32_t>(out.indexes.size()),
                                           want.stride,
                                           want.states};
        decoded.status = rans::warp_decode_segment(HostWarp{}, view_of(tables), decoder, job);
        if (decoded.status != rans::Status::kOk) return decoded;
    }
    decoded.used_up = decoder.word == decoder.words_end && decoder.escape == decoder.escapes_end &&
                      (decoder.lanes == 0 || decoder.coded_any != 0) &&
                      std::all_of(decoder.states, decoder.states + decoder.lanes,
                                  [](rans::State x) { return x == rans::kLower; });
    return decoded;
}
