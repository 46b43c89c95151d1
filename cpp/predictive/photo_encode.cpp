#include "photo_encode.hpp"

#include <algorithm>
#include <array>

#include "bytes.hpp"
#include "photo_fit.hpp"
#include "photo_model.hpp"
#include "photo_wave.hpp"
#include "rans.hpp"

namespace predictive {
namespace {

// The symbol of a residual in steps.
Symbol symbol_of(std::int32_t residual, const Predicted& predicted, int lane) {
    const std::int32_t flip = predicted.flip[lane], shift = predicted.shift[lane];
    const std::int32_t raised = ((residual ^ flip) - flip) + ((1 << shift) >> 1);
    const std::int32_t value = raised >> shift, size = value < 0 ? -value : value;
    std::int32_t raw = raised - value * (1 << shift);
    int token = value > 0 ? 2 * value - 1 : -2 * value, bits = shift;
    if (size > kDirect / 2) {
        int number = 0;
        while (number + 1 < kClasses && kClassStart[number + 1] <= size) ++number;
        token = kDirect + 1 + 2 * number + (value < 0 ? 1 : 0);
        raw |= (size - kClassStart[number]) << shift;
        bits += kClassBits[number];
    }
    return {static_cast<std::uint16_t>(predicted.table[lane] * kTokenStride + token),
            static_cast<std::uint16_t>(raw), static_cast<std::uint8_t>(bits),
            static_cast<std::uint8_t>(lane)};
}

}  // namespace

std::vector<Symbol> photo_symbols(const Samples& pixels, const PhotoKernels& kernels,
                                  const Setting& setting, const Header& header, const Target& decoded) {
    const int channels = static_cast<int>(pixels.channels);
    const std::int32_t step = setting.step, error = step >> 1;
    std::vector<Symbol> symbols(pixels.width * pixels.height * pixels.channels);
    Symbol* next = symbols.data();
    Wave wave(pixels.width, pixels.height, channels, outside_values(header, pixels.channels));
    Predicted predicted;
    const std::uint16_t* sources[kLanes] = {};
    std::uint16_t* targets[kLanes] = {};
    for (std::size_t t = 0; t < wave.steps(); ++t, wave.advance()) {
        std::int32_t* const record = wave.record();
        const unsigned mask = wave.mask();
        for (int l = 0; l < kLanes; ++l) {
            if ((mask >> l & 1) == 0) continue;
            const auto row = static_cast<std::size_t>(wave.row(l));
            const std::size_t at = static_cast<std::size_t>(wave.column(l)) * pixels.channels;
            sources[l] = pixels.row(row) + at;
            if (decoded.data != nullptr) targets[l] = decoded.row(row) + at;
        }
        for (int c = 0; c < channels; ++c) {
            const std::size_t sample = sample_of(pixels.channels, static_cast<std::size_t>(c));
            std::int32_t* const values = record + c * kKinds * kPlane;
            kernels.predict[c](setting, record, predicted);
            for (int l = 0; l < kLanes; ++l) {
                if ((mask >> l & 1) == 0) continue;
                const std::int32_t green = c == 0 ? 0 : record[l];
                std::int32_t value = sources[l][sample] - green;
                std::int32_t residual = value - predicted.centre[l];
                if (error != 0) {
                    residual = (residual < 0 ? residual - error : residual + error) / step;
                    value = std::clamp(predicted.centre[l] + residual * step, -green,
                                       setting.highest - green);
                }
                *next++ = symbol_of(residual, predicted, l);
                values[l] = value;
                if (decoded.data != nullptr) targets[l][sample] = static_cast<std::uint16_t>(value + green);
            }
            kernels.commit(predicted, c, record);
        }
    }
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
        const Symbol& symbol = symbols[n];
        rans::State& state = x[symbol.lane & (states - 1)];
        if (symbol.bits != 0) {
            make_room(state, rans::kTotal >> symbol.bits);
            state = state << symbol.bits | symbol.raw;
        }
        const rans::EncoderEntry& entry = model.entry(symbol.entry);
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
