// Packets in a payload, each with a check of its own (entropy/SPEC.md, Payload of a tile with code
// vectors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace frame {

using Packet = std::span<const std::uint8_t>;

struct Packets {
    std::vector<std::optional<Packet>> data;  // nothing where one is missing or its check fails
    bool whole = true;                        // all are there, and nothing else
};

// CRC-16 with polynomial 0x1021 that begins at 0xffff and is not reflected (CRC-16/IBM-3740).
std::uint16_t crc16(Packet data);

std::vector<std::uint8_t> join_packets(const std::vector<std::vector<std::uint8_t>>& packets);

// Views into the payload, which may be damaged anywhere or end early.
Packets split_packets(Packet payload, std::size_t count);

}  // namespace frame
