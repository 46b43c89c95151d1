#include "photo.hpp"

#include "bytes.hpp"
#include "error.hpp"
#include "photo_encode.hpp"
#include "photo_fit.hpp"
#include "photo_model.hpp"
#include "photo_payload.hpp"
#include "photo_wave.hpp"

namespace predictive {
namespace {

void decode_coded(std::span<const std::uint8_t> payload, unsigned bits, unsigned error, const Target& out,
                  const PhotoKernels& kernels) {
    Header header;
    std::size_t at = read_header(payload, out.channels, bits, header);
    const unsigned states = states_for(out.width * out.height);
    if (payload.size() - at < states * rans::kStateBytes) {
        throw rans::StreamExhausted("the payload ends in its states");
    }
    Source source{};
    source.state_mask = states - 1;
    for (unsigned s = 0; s < states; ++s, at += rans::kStateBytes) {
        source.states[s] = rans::load_state(&payload[at]);
        if (rans::must_refill(source.states[s])) throw rans::CorruptStream("a state is too small");
    }
    source.at = payload.data() + at;
    source.end = payload.data() + payload.size();

    Setting setting = PhotoModel::get().setting(bits, error);
    header.use(setting, out.channels);
    const int channels = static_cast<int>(out.channels);
    Wave wave(out.width, out.height, channels, header.outside(out.channels));
    Predicted predicted;
    for (std::size_t t = 0; t < wave.steps(); ++t, wave.advance()) {
        std::int32_t* const record = wave.record();
        const unsigned mask = wave.mask();
        for (int c = 0; c < channels; ++c) {
            kernels.predict[c](setting, record, predicted);
            switch (kernels.decode(setting, source, predicted, c, mask, record)) {
                case Fault::exhausted: throw rans::StreamExhausted("the payload ends before its samples");
                case Fault::corrupt: throw rans::CorruptStream("a sample is out of range");
                case Fault::none: break;
            }
            kernels.commit(predicted, c, record);
        }
        store_samples(wave, out);
    }
    if (source.at != source.end) throw rans::CorruptStream("bytes follow the last sample");
    for (unsigned s = 0; s < states; ++s) {
        if (source.states[s] != rans::kLower) throw rans::CorruptStream("a state does not end at its start");
    }
}

}  // namespace

std::vector<std::uint8_t> photo_encode(const Samples& pixels, unsigned bits, unsigned error,
                                       const Target& decoded, std::string_view name) {
    check_samples(pixels, bits, error);
    const PhotoKernels& kernels = photo_kernels(name);
    Header header;
    header.set_first(pixels);
    Setting setting = PhotoModel::get().setting(bits, error);
    fit(pixels, bits, kernels, setting, header);
    header.use(setting, pixels.channels);
    std::vector<std::uint8_t> payload = write_header(header, pixels.channels, bits);
    put_symbols(photo_symbols(pixels, kernels, setting, header, decoded),
                states_for(pixels.width * pixels.height), payload);
    const std::size_t samples = pixels.width * pixels.height * pixels.channels;
    if (payload.size() < raw_size(samples, bits, error)) return payload;
    return raw_payload(pixels, bits, error, decoded);
}

void photo_decode(std::span<const std::uint8_t> payload, unsigned bits, unsigned error,
                  const Target& out, std::string_view name) {
    check_shape(out.width, out.height, out.channels, bits, error);
    if (payload.empty()) throw rans::StreamExhausted("the payload is empty");
    switch (static_cast<Mode>(payload[0])) {
        case Mode::raw: read_raw(payload, bits, error, out); break;
        case Mode::coded: decode_coded(payload, bits, error, out, photo_kernels(name)); break;
        default: throw rans::CorruptStream("there is no such mode");
    }
}

}  // namespace predictive
