#include "payload.hpp"

#include <string>

#include "bytes.hpp"
#include "error.hpp"
#include "escape.hpp"

namespace rans {
namespace {

constexpr std::uint8_t kEmpty = 0x00;
constexpr std::uint8_t kEscapesFlag = 0x80;
constexpr std::uint8_t kLanesMask = 0x07;

}  // namespace

Payload parse_payload(std::span<const std::uint8_t> data) {
    if (data.empty()) throw StreamExhausted("payload: 0 bytes, expected at least 1");
    const std::uint8_t head = data[0];
    Payload payload;
    if (data.size() == 1 && head == kEmpty) return payload;

    // 1. number of lanes
    payload.lanes = 1u << (head & kLanesMask);
    if (payload.lanes > kMaxLanes || (head & ~(kLanesMask | kEscapesFlag)) != 0) {
        throw CorruptStream("payload byte 0: found " + std::to_string(head) + ", not a lane count");
    }

    // 2. sizes of the parts
    const std::uint8_t* cursor = data.data() + 1;
    const std::uint8_t* end = data.data() + data.size();
    std::uint64_t escape_bytes = 0;
    if (head & kEscapesFlag) {
        switch (read_varint(cursor, end, kMaxLengthBytes, escape_bytes)) {
            case Varint::kExhausted:
                throw StreamExhausted("payload byte 1: the length of the escapes is cut short");
            case Varint::kMalformed:
                throw CorruptStream("payload byte 1: malformed length of the escapes");
            case Varint::kOk: break;
        }
        if (escape_bytes < 1 || escape_bytes >> 32) {
            throw CorruptStream("payload byte 1: escape stream of " + std::to_string(escape_bytes) +
                                " bytes");
        }
    }
    const std::uint64_t state_bytes = payload.lanes * kStateBytes;
    const auto left = static_cast<std::uint64_t>(end - cursor);
    if (left < state_bytes + escape_bytes) {
        throw StreamExhausted("payload: " + std::to_string(data.size()) + " bytes, expected " +
                              std::to_string(state_bytes + escape_bytes - left) + " more");
    }
    const std::uint64_t word_bytes = left - state_bytes - escape_bytes;
    if (word_bytes % kWordBytes) {
        throw CorruptStream("payload: " + std::to_string(word_bytes) +
                            " bytes of words, expected even");
    }

    // 3. the parts
    for (unsigned lane = 0; lane < payload.lanes; ++lane, cursor += kStateBytes) {
        payload.states[lane] = load_state(cursor);
        if (payload.states[lane] < kLower) {
            throw CorruptStream("payload: state of lane " + std::to_string(lane) + " is " +
                                std::to_string(payload.states[lane]) + ", below 2^24");
        }
    }
    payload.words = {cursor, static_cast<std::size_t>(word_bytes)};
    payload.escapes = {cursor + word_bytes, static_cast<std::size_t>(escape_bytes)};
    return payload;
}

std::vector<std::uint8_t> build_payload(std::span<const State> states, std::span<const Word> words,
                                        std::span<const std::uint8_t> escapes) {
    if (states.empty()) return {kEmpty};
    const auto escape_bytes = static_cast<std::uint32_t>(escapes.size());
    const std::size_t length_bytes = escapes.empty() ? 0 : varint_size(escape_bytes);
    std::vector<std::uint8_t> data(1 + length_bytes + states.size() * kStateBytes +
                                   words.size() * kWordBytes + escapes.size());
    std::uint8_t* out = data.data();
    *out++ = static_cast<std::uint8_t>(std::countr_zero(states.size()) |
                                       (escapes.empty() ? 0 : kEscapesFlag));
    if (length_bytes) write_varint(out, escape_bytes);
    out += length_bytes;
    for (const State state : states) {
        store_state(out, state);
        out += kStateBytes;
    }
    if constexpr (std::endian::native == std::endian::little) {
        if (!words.empty()) std::memcpy(out, words.data(), words.size_bytes());
        out += words.size_bytes();
    } else {
        for (const Word word : words) {
            store_u16(out, word);
            out += kWordBytes;
        }
    }
    if (!escapes.empty()) std::memcpy(out, escapes.data(), escapes.size());
    return data;
}

}  // namespace rans
