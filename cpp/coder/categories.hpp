// Symbols whose probabilities a network gives, one distribution a symbol: rANS with one lane
// (entropy/SPEC.md, Categories).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rans.hpp"

namespace rans {

constexpr std::size_t kMostCategories = 4096;
constexpr unsigned kLogitBits = 6;  // a logit counts 2^-6 octave

// A distribution over 1..kMostCategories categories, in whole numbers that sum to 2^16.
class Categories {
public:
    // Probabilities in proportion to 2^(logit / 64).
    explicit Categories(std::span<const std::int16_t> logits);

    std::uint32_t start(std::size_t category) const { return cdf_[category]; }
    std::uint32_t frequency(std::size_t category) const { return cdf_[category + 1] - cdf_[category]; }
    // The category that a slot 0..65535 belongs to.
    std::size_t find(std::uint32_t slot) const;

private:
    std::vector<std::uint32_t> cdf_;
};

class CategoryEncoder {
public:
    // Symbols in the order in which they are decoded.
    void put(const Categories& categories, std::size_t symbol);
    // The payload: empty if nothing was put.
    std::vector<std::uint8_t> finish() const;

private:
    struct Interval {
        std::uint32_t start, frequency;
    };
    std::vector<Interval> symbols_;
};

class CategoryDecoder {
public:
    // `data` must outlive the decoder.
    explicit CategoryDecoder(std::span<const std::uint8_t> data) : data_(data) {}

    // Throws StreamExhausted or CorruptStream.
    std::size_t get(const Categories& categories);
    // Throws CorruptStream unless every byte was used and the state is back at its start.
    void finish() const;

private:
    std::span<const std::uint8_t> data_;
    std::size_t at_ = 0;
    State state_ = 0;  // 0 before the first symbol
};

}  // namespace rans
