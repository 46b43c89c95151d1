// Range coder of binary decisions (entropy/SCREEN.md, Decisions). Encoder and decoder have the same
// `code`, so that one model serves both directions.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "error.hpp"

namespace predictive {

inline constexpr unsigned kIntervalBytes = 8;
inline constexpr std::uint64_t kShortestRange = std::uint64_t{1} << 32;

// The part of a range that stands for true; `p` is its probability in units of 2^-16.
inline std::uint64_t true_part(std::uint64_t range, std::uint32_t p) {
    return (range >> 17) * (2 * p + 1);
}

class ScreenEncoder {
public:
    static constexpr bool kDecodes = false;

    bool code(bool decision, std::uint32_t p) {
        const std::uint64_t part = true_part(range_, p);
        if (decision) {
            range_ = part;
        } else {
            low_ += part;
            if (low_ < part) carry();
            range_ -= part;
        }
        if (range_ < kShortestRange) {
            append(low_, 4);
            low_ <<= 32;
            range_ <<= 32;
        }
        return decision;
    }

    // Bits spent so far, fractions included.
    double bits() const {
        return 8.0 * static_cast<double>(bytes_.size()) + 64.0 - std::log2(static_cast<double>(range_));
    }

    // The payload: as few bytes of a number in the last interval as tell it when zeros follow.
    std::vector<std::uint8_t> finish() {
        unsigned kept = 0;
        std::uint64_t number = 0;
        for (; kept < kIntervalBytes; ++kept) {
            const std::uint64_t rest = ~std::uint64_t{0} >> (8 * kept);  // the bytes left out
            number = (low_ + rest) & ~rest;                              // modulo 2^64
            if (number - low_ < range_) break;
        }
        if (kept == kIntervalBytes) number = low_;
        if (number < low_) carry();
        append(number, kept);
        return std::move(bytes_);
    }

private:
    void append(std::uint64_t number, unsigned count) {
        for (unsigned n = 0; n < count; ++n) {
            bytes_.push_back(static_cast<std::uint8_t>(number >> (56 - 8 * n)));
        }
    }

    void carry() {
        for (std::size_t n = bytes_.size(); n-- > 0;) {
            if (++bytes_[n] != 0) break;
        }
    }

    std::uint64_t low_ = 0, range_ = ~std::uint64_t{0};
    std::vector<std::uint8_t> bytes_;
};

class ScreenDecoder {
public:
    static constexpr bool kDecodes = true;

    explicit ScreenDecoder(std::span<const std::uint8_t> payload) : payload_(payload) {
        value_ = std::uint64_t{next()} << 32;
        value_ |= next();
    }

    bool code(bool, std::uint32_t p) {
        const std::uint64_t part = true_part(range_, p);
        const bool decision = value_ < part;
        if (decision) {
            range_ = part;
        } else {
            value_ -= part;
            range_ -= part;
        }
        if (range_ < kShortestRange) {
            value_ = value_ << 32 | next();
            range_ <<= 32;
        }
        return decision;
    }

    // To be called after the last decision.
    void finish() const {
        if (value_ >= range_) throw rans::CorruptStream("a screen payload lies outside its interval");
        if (at_ < payload_.size()) throw rans::CorruptStream("a screen payload goes on after its end");
    }

private:
    // The next four bytes; the encoder leaves out up to eight at the end.
    std::uint32_t next() {
        std::uint32_t word = 0;
        for (unsigned n = 0; n < 4; ++n, ++at_) {
            word = word << 8 | (at_ < payload_.size() ? payload_[at_] : 0u);
        }
        if (at_ > payload_.size() + kIntervalBytes) {
            throw rans::StreamExhausted("a screen payload ends too early");
        }
        return word;
    }

    std::span<const std::uint8_t> payload_;
    std::size_t at_ = 0;
    std::uint64_t range_ = ~std::uint64_t{0}, value_ = 0;
};

}  // namespace predictive
