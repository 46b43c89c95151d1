// Table sets: parsed and validated once, then read by index without any check.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rans.hpp"

namespace rans {

constexpr std::size_t kMaxTables = 255;
constexpr std::size_t kMaxEntries = 4096;

// Where an encoder finds the entries of a table. `escape` is the entry number of the escape.
// A skipped table points at the one entry of cost 0, has escape = 1 and offset = 0, so that every
// symbol but 0 takes the rare path; an index without a table has escape = 0, so that all of them
// do.
struct EncoderTable {
    std::uint32_t base;
    std::int16_t offset;
    std::uint16_t escape;
};
static_assert(sizeof(EncoderTable) == 8);

// How a decoder finds the entry of a slot. Each table owns a stretch of one array:
//
//     at = lookup + base
//     at[0 .. buckets-1]            at[slot >> shift] = first place that reaches into this bucket
//     at[buckets .. buckets + n]    cdf[0] .. cdf[n]
//
//     place = at[slot >> shift]
//     while (slot >= at[place + 1]) ++place      mostly 0 or 1 steps; ends, as cdf[n] = 65536
//     start = at[place];  frequency = at[place + 1] - start
//     symbol = place + bias;                     the escape if at[place + 1] = 65536
struct DecoderTable {
    std::uint32_t base;
    std::uint16_t bias;  // offset - buckets, modulo 2^16
    std::uint16_t shift;
};
static_assert(sizeof(DecoderTable) == 8);

class Tables {
public:
    // Parses the serialised form of SPEC.md; throws InvalidTable.
    explicit Tables(std::span<const std::uint8_t> serialized);

    std::size_t size() const { return count_; }
    unsigned skip_below() const { return skip_below_; }

    // All 256 exist: an index without a table is harmless in memory (see EncoderTable) but an
    // error.
    const EncoderTable& encoder_table(std::uint8_t index) const { return encoder_tables_[index]; }
    const DecoderTable& decoder_table(std::uint8_t index) const { return decoder_tables_[index]; }

    std::span<const EncoderTable, 256> encoder_tables() const { return encoder_tables_; }
    std::span<const DecoderTable, 256> decoder_tables() const { return decoder_tables_; }
    std::span<const EncoderEntry> entries() const { return entries_; }
    std::span<const std::uint16_t> costs() const { return costs_; }  // of entries()
    std::span<const std::uint32_t> lookup() const { return lookup_; }

private:
    void add_table(unsigned index, std::int16_t offset, std::span<const std::uint32_t> cdf);

    std::size_t count_ = 0;
    unsigned skip_below_ = 0;
    std::array<EncoderTable, 256> encoder_tables_{};
    std::array<DecoderTable, 256> decoder_tables_{};
    std::vector<EncoderEntry> entries_;
    std::vector<std::uint16_t> costs_;
    std::vector<std::uint32_t> lookup_;
};

}  // namespace rans
