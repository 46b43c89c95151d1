#include <numeric>
#include <string>

#include "batch.hpp"
#include "device_warp.cuh"
#include "error.hpp"
#include "payload.hpp"

namespace rans::cuda {
namespace {

__global__ void decode_kernel(TablesView tables, WarpDecoderState* decoders,
                              const WarpDecoderSegment* segments, std::uint32_t count) {
    const std::uint32_t payload = blockIdx.x * kWarpsPerBlock + threadIdx.x / kWarpSize;
    if (payload >= count) return;
    const DeviceWarp warp{threadIdx.x % kWarpSize};
    const Status status = warp_decode_segment(warp, tables, decoders[payload], segments[payload]);
    warp.once([&] { decoders[payload].status = status; });
}

}  // namespace

int device_count() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

DeviceTables::DeviceTables(const Tables& tables)
    : encoder_tables_(tables.encoder_tables()),
      entries_(tables.entries()),
      costs_(tables.costs()),
      decoder_tables_(tables.decoder_tables()),
      lookup_(tables.lookup()),
      view_{encoder_tables_.data(), entries_.data(), costs_.data(),
            decoder_tables_.data(), lookup_.data(),  static_cast<std::uint32_t>(tables.size()),
            tables.skip_below()} {
    check(cudaStreamSynchronize(cudaStreamPerThread), "upload of the tables");
}

void throw_status(Status status, std::size_t payload, std::uint32_t index) {
    const std::string where = "payload " + std::to_string(payload) + " of the batch: ";
    switch (status) {
        case Status::kBadIndex: throw InvalidTable(where + "an index names no table");
        case Status::kSkippedSymbol:
            throw SymbolOutOfRange(where + "a symbol under skipped index " + std::to_string(index) +
                                   " is not 0");
        case Status::kEmptyPayload:
            throw StreamExhausted(where + "empty, but a coded symbol is expected");
        case Status::kWordsExhausted: throw StreamExhausted(where + "all words are consumed");
        case Status::kEscapesExhausted:
            throw StreamExhausted(where + "all escape bytes are consumed");
        default: throw CorruptStream(where + "malformed escape");
    }
}

BatchDecoder::BatchDecoder(std::span<const std::span<const std::uint8_t>> payloads,
                           const DeviceTables& tables)
    : tables_(tables) {
    std::vector<std::uint8_t> data;
    for (const auto payload : payloads) data.insert(data.end(), payload.begin(), payload.end());
    data_ = DeviceBuffer<std::uint8_t>(data);
    std::vector<WarpDecoderState> decoders;
    const std::uint8_t* base = data_.data();
    for (const auto bytes : payloads) {
        const Payload payload = parse_payload(bytes);
        WarpDecoderState decoder{};
        std::copy(payload.states.begin(), payload.states.end(), decoder.states);
        decoder.lanes = payload.lanes;
        decoder.escapes_end = base + bytes.size();
        decoder.escape = decoder.escapes_end - payload.escapes.size();
        decoder.words_end = decoder.escape;
        decoder.word = decoder.words_end - payload.words.size();
        decoders.push_back(decoder);
        base += bytes.size();
    }
    decoders_ = DeviceBuffer<WarpDecoderState>(decoders);
    check(cudaStreamSynchronize(cudaStreamPerThread), "upload of the payloads");
}

void BatchDecoder::decode(std::span<const std::span<const std::uint8_t>> indexes,
                          std::span<const std::span<std::int16_t>> symbols) {
    decode_trellis(indexes, 0, kFewStates, symbols, {});
}

void BatchDecoder::decode_trellis(std::span<const std::span<const std::uint8_t>> indexes,
                                  unsigned stride, unsigned states,
                                  std::span<const std::span<std::int16_t>> symbols,
                                  std::span<const std::span<std::uint8_t>> chosen) {
    if (failed_) throw CorruptStream("decoder: an earlier segment failed");
    if (size() == 0) return;
    failed_ = true;

    // 1. all indexes in one piece
    std::vector<std::uint8_t> joined;
    for (const auto segment : indexes) joined.insert(joined.end(), segment.begin(), segment.end());
    const DeviceBuffer<std::uint8_t> device_indexes(joined);
    const DeviceBuffer<std::int16_t> device_symbols(joined.size());
    const DeviceBuffer<std::uint32_t> places(joined.size());
    std::vector<WarpDecoderSegment> segments;
    std::size_t first = 0;
    for (const auto segment : indexes) {
        segments.push_back({device_indexes.data() + first, device_symbols.data() + first,
                            places.data() + first, static_cast<std::uint32_t>(segment.size()),
                            stride, states});
        first += segment.size();
    }
    const DeviceBuffer<WarpDecoderSegment> device_segments(segments);

    // 2. one warp per payload
    const auto count = static_cast<std::uint32_t>(size());
    const unsigned blocks = (count + kWarpsPerBlock - 1) / kWarpsPerBlock;
    decode_kernel<<<blocks, kWarpsPerBlock * kWarpSize, 0, cudaStreamPerThread>>>(
        tables_.view(), decoders_.data(), device_segments.data(), count);
    check(cudaGetLastError(), "decode_kernel");

    // 3. symbols and their tables back
    const std::vector<WarpDecoderState> decoders = decoders_.download();
    for (std::size_t p = 0; p < decoders.size(); ++p) {
        if (decoders[p].status != Status::kOk) throw_status(decoders[p].status, p, 0);
    }
    first = 0;
    for (const auto segment : symbols) {
        device_symbols.download(first, segment);
        first += segment.size();
    }
    first = 0;
    for (const auto segment : chosen) {
        device_indexes.download(first, segment);
        first += segment.size();
    }
    failed_ = false;
}

void BatchDecoder::finish() const {
    if (failed_) throw CorruptStream("decoder: an earlier segment failed");
    const std::vector<WarpDecoderState> decoders = decoders_.download();
    for (std::size_t p = 0; p < decoders.size(); ++p) {
        const WarpDecoderState& decoder = decoders[p];
        const std::string where = "payload " + std::to_string(p) + " of the batch: ";
        if (decoder.word != decoder.words_end) throw CorruptStream(where + "words left over");
        if (decoder.escape != decoder.escapes_end) {
            throw CorruptStream(where + "escape bytes left over");
        }
        for (unsigned lane = 0; lane < decoder.lanes; ++lane) {
            if (decoder.states[lane] != kLower) {
                throw CorruptStream(where + "a final state differs from the initial one");
            }
        }
        if (decoder.lanes && !decoder.coded_any) {
            throw CorruptStream(where + "has states but no coded symbol");
        }
    }
}

}  // namespace rans::cuda
