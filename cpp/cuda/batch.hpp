// The coder on a GPU: many payloads at a time, one warp each; same bytes as rans_encoder.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cdf.hpp"
#include "device_buffer.hpp"
#include "rans_encoder.hpp"
#include "warp_decoder.hpp"

namespace rans::cuda {

constexpr unsigned kWarpsPerBlock = 4;

// Number of GPUs; 0 without a driver.
int device_count();

// Tables in the memory of the GPU.
class DeviceTables {
public:
    explicit DeviceTables(const Tables& tables);
    const TablesView& view() const { return view_; }

private:
    DeviceBuffer<EncoderTable> encoder_tables_;
    DeviceBuffer<EncoderEntry> entries_;
    DeviceBuffer<std::uint16_t> costs_;
    DeviceBuffer<DecoderTable> decoder_tables_;
    DeviceBuffer<std::uint32_t> lookup_;
    TablesView view_;
};

// Throws the exception that `status` of payload number `payload` stands for.
[[noreturn]] void throw_status(Status status, std::size_t payload, std::uint32_t index);

// One payload per element of `payloads`; `lanes` as for rans::encode.
std::vector<std::vector<std::uint8_t>> encode_batch(std::span<const std::vector<Segment>> payloads,
                                                    const DeviceTables& tables, unsigned lanes);

// Decodes several payloads in step: one segment of each per call.
class BatchDecoder {
public:
    // `tables` must outlive the decoder. Throws StreamExhausted or CorruptStream.
    BatchDecoder(std::span<const std::span<const std::uint8_t>> payloads,
                 const DeviceTables& tables);

    std::size_t size() const { return decoders_.size(); }

    // Element p of both spans belongs to payload p and both have the same size. After an exception
    // the decoder only ever throws CorruptStream.
    void decode(std::span<const std::span<const std::uint8_t>> indexes,
                std::span<const std::span<std::int16_t>> symbols);

    // The same for segments coded along the trellis, as rans::Decoder::decode_trellis.
    void decode_trellis(std::span<const std::span<const std::uint8_t>> indexes, unsigned stride,
                        unsigned states, std::span<const std::span<std::int16_t>> symbols,
                        std::span<const std::span<std::uint8_t>> chosen);

    // Checks that every payload is used up and intact; throws CorruptStream.
    void finish() const;

private:
    const DeviceTables& tables_;
    DeviceBuffer<std::uint8_t> data_;
    DeviceBuffer<WarpDecoderState> decoders_;
    bool failed_ = false;
};

}  // namespace rans::cuda
