// Decoder: one payload in, one segment of symbols out per call.
#pragma once

#include <cstdint>
#include <span>

#include "cdf.hpp"
#include "payload.hpp"

namespace rans {

class Decoder {
public:
    // `data` and `tables` must outlive the decoder. Throws StreamExhausted or CorruptStream.
    Decoder(std::span<const std::uint8_t> data, const Tables& tables);

    // Decodes the next segment; `symbols` has the size of `indexes`. After an exception the decoder
    // only ever throws CorruptStream. Throws InvalidTable, StreamExhausted, CorruptStream.
    void decode(std::span<const std::uint8_t> indexes, std::span<std::int16_t> symbols);

    // The same for a segment coded along the trellis with that many states (`has_trellis`): the
    // table of a coded symbol is its index, plus `stride` where the state of its chain is odd;
    // `chosen`, of the same size, tells it.
    void decode_trellis(std::span<const std::uint8_t> indexes, unsigned stride, unsigned states,
                        std::span<std::int16_t> symbols, std::span<std::uint8_t> chosen);

    // Checks that the payload is used up and every state is back at its start; throws
    // CorruptStream.
    void finish() const;

private:
    std::size_t decode_chunk(std::span<const std::uint8_t> indexes, std::int16_t* symbols,
                             std::uint64_t position);
    template <unsigned kStates>
    void decode_along(std::span<const std::uint8_t> indexes, unsigned stride,
                      std::span<std::int16_t> symbols, std::span<std::uint8_t> chosen);
    std::int16_t read_escape(std::uint8_t index);

    const Tables& tables_;
    Payload payload_;
    const std::uint8_t* word_;
    const std::uint8_t* words_end_;
    const std::uint8_t* escape_;
    const std::uint8_t* escapes_end_;
    bool coded_any_ = false;
    bool failed_ = false;
};

}  // namespace rans
