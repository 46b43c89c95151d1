#include "cdf.hpp"

#include <string>

#include "bytes.hpp"
#include "error.hpp"

namespace rans {
namespace {

constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kDirectoryBytes = 4;  // offset, length
constexpr std::uint8_t kVersion = 1;

constexpr unsigned kMinBucketBits = 3;
constexpr std::uint32_t kMinBuckets = 1u << kMinBucketBits;
constexpr unsigned kMaxBucketBits = 10;
// A slot more than one entry behind its bucket's first costs the decoder a mispredicted branch;
// that many of the 2^16 slots may.
constexpr std::uint32_t kMaxSlowSlots = kTotal / 64;

[[noreturn]] void fail(const std::string& message) { throw InvalidTable(message); }

std::string table_name(unsigned index) { return "table " + std::to_string(index) + ": "; }

// Entry that holds `slot`, searched upwards from `from`.
std::size_t entry_at(std::span<const std::uint32_t> cdf, std::uint32_t slot, std::size_t from) {
    while (cdf[from + 1] <= slot) ++from;
    return from;
}

std::uint32_t slow_slots(std::span<const std::uint32_t> cdf, unsigned shift) {
    std::uint32_t slow = 0;
    std::size_t first = 0;
    for (std::uint32_t start = 0; start < kTotal; start += 1u << shift) {
        first = entry_at(cdf, start, first);
        const std::uint32_t end = start + (1u << shift);
        if (first + 2 < cdf.size() && cdf[first + 2] < end) slow += end - cdf[first + 2];
    }
    return slow;
}

unsigned choose_bucket_bits(std::span<const std::uint32_t> cdf) {
    unsigned bits = kMinBucketBits;
    while (bits < kMaxBucketBits && slow_slots(cdf, kPrecisionBits - bits) > kMaxSlowSlots) ++bits;
    return bits;
}

}  // namespace

Tables::Tables(std::span<const std::uint8_t> serialized) {
    // 1. header
    if (serialized.size() < kHeaderBytes) fail("serialised tables: fewer than 4 bytes");
    if (serialized[0] != kVersion || serialized[3] != 0) {
        fail("serialised tables: unknown version or reserved byte");
    }
    count_ = serialized[1];
    skip_below_ = serialized[2];
    if (count_ < 1 || count_ > kMaxTables) fail("table set: no tables");
    if (skip_below_ > count_) fail("skip_below: more than there are tables");
    const std::size_t body = kHeaderBytes + kDirectoryBytes * count_;
    if (serialized.size() < body) fail("serialised tables: directory is cut short");

    // 2. entry 0 belongs to the skipped tables; an index without a table has no entries at all
    entries_.push_back({0, 0, 0, 0});
    costs_.push_back(0);
    lookup_.assign(kMinBuckets, kMinBuckets);
    lookup_.insert(lookup_.end(), {0, kTotal});
    for (DecoderTable& table : decoder_tables_) table = {0, 0, kPrecisionBits - kMinBucketBits};

    // 3. the tables
    std::size_t position = body;
    std::vector<std::uint32_t> cdf;
    for (unsigned t = 0; t < count_; ++t) {
        const std::uint8_t* entry = &serialized[kHeaderBytes + kDirectoryBytes * t];
        const auto offset = static_cast<std::int16_t>(load_u16(entry));
        const std::size_t length = load_u16(entry + 2);
        if (length < 2 || length > kMaxEntries) fail(table_name(t) + "length outside 2 to 4096");
        if (offset + static_cast<std::int32_t>(length) - 2 > 32767) {
            fail(table_name(t) + "symbols are not all int16");
        }
        if ((serialized.size() - position) / kWordBytes < length - 1) {
            fail(table_name(t) + "cdf is cut short");
        }
        cdf.assign(1, 0);
        for (std::size_t s = 1; s < length; ++s, position += kWordBytes) {
            cdf.push_back(load_u16(&serialized[position]));
        }
        cdf.push_back(kTotal);
        for (std::size_t s = 0; s < length; ++s) {
            if (cdf[s + 1] <= cdf[s]) fail(table_name(t) + "an entry has a frequency below 1");
        }
        add_table(t, offset, cdf);
    }
    if (position != serialized.size()) fail("serialised tables: bytes left over");
}

void Tables::add_table(unsigned index, std::int16_t offset, std::span<const std::uint32_t> cdf) {
    if (index < skip_below_) {
        encoder_tables_[index] = {0, 0, 1};
        return;
    }
    const std::size_t length = cdf.size() - 1;
    const auto escape = static_cast<std::uint16_t>(length - 1);
    const unsigned bits = choose_bucket_bits(cdf);
    const unsigned shift = kPrecisionBits - bits;

    encoder_tables_[index] = {static_cast<std::uint32_t>(entries_.size()), offset, escape};
    for (std::size_t s = 0; s < length; ++s) {
        entries_.push_back(make_encoder_entry(cdf[s], cdf[s + 1] - cdf[s]));
        costs_.push_back(entry_cost(cdf[s + 1] - cdf[s]));
    }

    const std::uint32_t buckets = 1u << bits;
    decoder_tables_[index] = {
        static_cast<std::uint32_t>(lookup_.size()),
        static_cast<std::uint16_t>(offset - static_cast<std::int32_t>(buckets)),
        static_cast<std::uint16_t>(shift)};
    std::size_t first = 0;
    for (std::uint32_t start = 0; start < kTotal; start += 1u << shift) {
        first = entry_at(cdf, start, first);
        lookup_.push_back(buckets + static_cast<std::uint32_t>(first));
    }
    lookup_.insert(lookup_.end(), cdf.begin(), cdf.end());
}

}  // namespace rans
