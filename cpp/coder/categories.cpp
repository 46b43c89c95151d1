#include "categories.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "bytes.hpp"
#include "error.hpp"

namespace rans {
namespace {

// round(2^15 * 2^(-i / 64))
constexpr std::array<std::uint32_t, 64> kPowers = {
    32768, 32415, 32066, 31720, 31379, 31041, 30706, 30376, 30048, 29725, 29405, 29088,
    28774, 28464, 28158, 27855, 27554, 27258, 26964, 26674, 26386, 26102, 25821, 25543,
    25268, 24995, 24726, 24460, 24196, 23936, 23678, 23423, 23170, 22921, 22674, 22430,
    22188, 21949, 21713, 21479, 21247, 21019, 20792, 20568, 20347, 20127, 19911, 19696,
    19484, 19274, 19066, 18861, 18658, 18457, 18258, 18061, 17867, 17674, 17484, 17296,
    17109, 16925, 16743, 16562,
};

std::uint64_t weight(std::int32_t below) {  // the largest logit
    const std::int32_t octaves = below >> kLogitBits;
    return octaves < 16 ? kPowers[static_cast<std::size_t>(below & 63)] >> octaves : 0;
}

}  // namespace

Categories::Categories(std::span<const std::int16_t> logits) : cdf_(logits.size() + 1) {
    if (logits.empty() || logits.size() > kMostCategories) {
        throw std::invalid_argument("1 to 4096 categories");
    }
    const auto best = std::ranges::max_element(logits);
    std::uint64_t sum = 0;
    for (const std::int16_t logit : logits) sum += weight(*best - logit);
    const std::uint64_t room = kTotal - logits.size();
    std::uint32_t total = 0;
    for (std::size_t n = 0; n < logits.size(); ++n) {
        cdf_[n + 1] = 1 + static_cast<std::uint32_t>(weight(*best - logits[n]) * room / sum);
        total += cdf_[n + 1];
    }
    cdf_[static_cast<std::size_t>(best - logits.begin()) + 1] += kTotal - total;
    for (std::size_t n = 0; n < logits.size(); ++n) cdf_[n + 1] += cdf_[n];
}

std::size_t Categories::find(std::uint32_t slot) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(cdf_, slot) - cdf_.begin()) - 1;
}

void CategoryEncoder::put(const Categories& categories, std::size_t symbol) {
    symbols_.push_back({categories.start(symbol), categories.frequency(symbol)});
}

std::vector<std::uint8_t> CategoryEncoder::finish() const {
    if (symbols_.empty()) return {};
    State state = kLower;
    std::vector<Word> words;
    for (auto it = symbols_.rbegin(); it != symbols_.rend(); ++it) {
        if (must_emit(state, it->frequency)) {
            words.push_back(static_cast<Word>(state));
            state >>= kWordBits;
        }
        state = (state / it->frequency << kPrecisionBits) + state % it->frequency + it->start;
    }
    std::vector<std::uint8_t> data(kStateBytes + kWordBytes * words.size());
    store_state(data.data(), state);
    std::uint8_t* to = data.data() + kStateBytes;
    for (auto it = words.rbegin(); it != words.rend(); ++it, to += kWordBytes) store_u16(to, *it);
    return data;
}

std::size_t CategoryDecoder::get(const Categories& categories) {
    if (at_ == 0) {
        if (data_.size() < kStateBytes) throw StreamExhausted("the state is missing");
        state_ = load_state(data_.data());
        at_ = kStateBytes;
        if (state_ < kLower || state_ >> (kLowerBits + kWordBits)) {
            throw CorruptStream("a state outside its range");
        }
    }
    const std::uint32_t slot = slot_of(state_);
    const std::size_t symbol = categories.find(slot);
    state_ = rans::get(state_, categories.frequency(symbol), slot - categories.start(symbol));
    if (must_refill(state_)) {
        if (data_.size() - at_ < kWordBytes) throw StreamExhausted("no word is left");
        state_ = refill(state_, load_u16(data_.data() + at_));
        at_ += kWordBytes;
    }
    return symbol;
}

void CategoryDecoder::finish() const {
    if (at_ != data_.size() || (at_ > 0 && state_ != kLower)) {
        throw CorruptStream("bytes are left, or the state is not back at its start");
    }
}

}  // namespace rans
