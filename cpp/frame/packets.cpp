#include "packets.hpp"

namespace frame {
namespace {

constexpr unsigned kMostVarintBytes = 5;

// A number of 7 bits a byte, lowest first; nothing where there is none.
std::optional<std::size_t> read_varint(Packet payload, std::size_t& at) {
    std::size_t value = 0;
    for (unsigned n = 0; n < kMostVarintBytes && at < payload.size(); ++n) {
        const std::uint8_t byte = payload[at++];
        value |= static_cast<std::size_t>(byte & 0x7f) << (7 * n);
        if (byte < 0x80) {
            if (byte == 0 && n > 0) return std::nullopt;  // not the shortest form
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace

std::uint16_t crc16(Packet data) {
    unsigned crc = 0xffff;
    for (const std::uint8_t byte : data) {
        crc ^= static_cast<unsigned>(byte) << 8;
        for (int bit = 0; bit < 8; ++bit) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return static_cast<std::uint16_t>(crc);
}

std::vector<std::uint8_t> join_packets(const std::vector<std::vector<std::uint8_t>>& packets) {
    std::vector<std::uint8_t> payload;
    for (const auto& packet : packets) {
        std::size_t size = packet.size();
        for (; size >= 0x80; size >>= 7) payload.push_back(static_cast<std::uint8_t>(size | 0x80));
        payload.push_back(static_cast<std::uint8_t>(size));
        const std::uint16_t check = crc16(packet);
        payload.push_back(static_cast<std::uint8_t>(check));
        payload.push_back(static_cast<std::uint8_t>(check >> 8));
    }
    for (const auto& packet : packets) payload.insert(payload.end(), packet.begin(), packet.end());
    return payload;
}

Packets split_packets(Packet payload, std::size_t count) {
    Packets found;
    found.data.resize(count);
    std::vector<std::size_t> sizes;
    std::vector<unsigned> checks;
    std::size_t at = 0;
    for (std::size_t p = 0; p < count; ++p) {
        const auto size = read_varint(payload, at);
        if (!size || payload.size() - at < 2) {
            found.whole = false;
            return found;
        }
        sizes.push_back(*size);
        checks.push_back(payload[at] | static_cast<unsigned>(payload[at + 1]) << 8);
        at += 2;
    }
    for (std::size_t p = 0; p < count && at <= payload.size(); ++p) {
        const std::size_t left = payload.size() - at;
        if (sizes[p] <= left && crc16(payload.subspan(at, sizes[p])) == checks[p]) {
            found.data[p] = payload.subspan(at, sizes[p]);
        } else {
            found.whole = false;
        }
        at = sizes[p] <= left ? at + sizes[p] : payload.size() + 1;
    }
    for (const auto& packet : found.data) found.whole = found.whole && packet;
    found.whole = found.whole && at == payload.size();
    return found;
}

}  // namespace frame
