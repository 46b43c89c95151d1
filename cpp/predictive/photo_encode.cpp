#include "photo_encode.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "bytes.hpp"
#include "photo_model.hpp"
#include "photo_wave.hpp"
#include "rans.hpp"

namespace predictive {
std::vector<Symbol> photo_symbols(const Samples& pixels, const PhotoKernels& kernels,
                                  const Setting& setting, const Header& header, const Target& decoded) {
    const std::size_t channels = pixels.channels;
    const bool exact = setting.step == 1, wanted = decoded.data != nullptr;
    std::vector<Symbol> symbols(pixels.width * pixels.height * channels + kLanes);
    Symbol* next = symbols.data();
    Wave wave(pixels.width, pixels.height, static_cast<int>(channels), header.outside(channels));
    Predicted predicted;
    alignas(64) std::int32_t source[3][kLanes] = {};
    for (std::size_t t = 0; t < wave.steps(); ++t, wave.advance()) {
        std::int32_t* const record = wave.record();
        const unsigned mask = wave.mask();
        load_samples(pixels, wave, source);
        for (std::size_t c = 0; c < channels; ++c) {
            alignas(64) Symbol found[kLanes];
            const int channel = static_cast<int>(c);
            kernels.predict[c](setting, record, predicted);
            kernels.encode(setting, predicted, channel, source[c], record, found);
            kernels.commit(predicted, channel, record);
            if (mask == 0xffff) {
                std::memcpy(next, found, sizeof found);
                next += kLanes;
            } else {
                for (int l = 0; l < kLanes; ++l) {
                    if (mask >> l & 1) *next++ = found[l];
                }
            }
        }
        if (!exact && wanted) store_samples(wave, decoded);
    }
    if (exact && wanted) {
        for (std::size_t y = 0; y < pixels.height; ++y) {
            std::copy_n(pixels.row(y), pixels.width * channels, decoded.row(y));
        }
    }
    symbols.resize(pixels.width * pixels.height * channels);
    return symbols;
}

void put_symbols(const std::vector<Symbol>& symbols, unsigned states, std::vector<std::uint8_t>& payload) {
    const PhotoModel& model = PhotoModel::get();
    std::array<rans::State, kStates> x;
    x.fill(rans::kLower);
    std::vector<rans::Word> words;  // the last first
    words.reserve(symbols.size() / 2);
    const auto make_room = [&words](rans::State& state, std::uint32_t frequency) {
        if (!rans::must_emit(state, frequency)) return;
        words.push_back(static_cast<rans::Word>(state));
        state >>= rans::kWordBits;
    };
    for (std::size_t n = symbols.size(); n-- > 0;) {
        const Symbol symbol = symbols[n];
        rans::State& state = x[symbol >> kLaneAt & (states - 1)];
        const std::uint32_t raw = symbol >> kRawAt & 0xffff;  // with a one above
        if (raw != 1) {
            const unsigned bits = raw_bits(symbol);
            make_room(state, rans::kTotal >> bits);
            state = state << bits | (raw & ((1u << bits) - 1));
        }
        const rans::EncoderEntry& entry = model.entry(entry_of(symbol));
        make_room(state, entry.frequency);
        state = rans::put(state, entry);
    }
    const std::size_t head = payload.size();
    payload.resize(head + states * rans::kStateBytes + words.size() * rans::kWordBytes);
    std::uint8_t* at = payload.data() + head;
    for (unsigned s = 0; s < states; ++s, at += rans::kStateBytes) rans::store_state(at, x[s]);
    for (std::size_t n = words.size(); n-- > 0; at += rans::kWordBytes) rans::store_u16(at, words[n]);
}

}  // namespace predictive
