// Replays predictive parts: replay_samples KERNELS FILE... encodes the samples of every file and decodes
// its part, and compares both with what the file says. A file: width, height, channels, bits, error,
// bytes of the part, each u32; the part; samples that it decodes to, then those that were encoded, u16.
// Written by tests/unit/entropy/predictive/test_cross.py.
#include "part.hpp"
#include "replay_reader.hpp"

namespace {

void replay(const std::string& path, const std::string& kernels) {
    ReplayReader file(path);
    const std::size_t width = file.number(), height = file.number(), channels = file.number();
    const unsigned bits = file.number(), error = file.number();
    const auto part = file.numbers<std::uint8_t>(file.number());
    const std::size_t count = width * height * channels;
    const auto expected = file.numbers<std::uint16_t>(count), pixels = file.numbers<std::uint16_t>(count);
    const predictive::Format format{bits, error, kernels};

    std::vector<std::uint16_t> decoded(count);
    predictive::decode_part(part, format, {decoded.data(), width, height, channels, width * channels});
    require(decoded == expected, path, "other samples");
    const predictive::Samples view{pixels.data(), width, height, channels, width * channels};
    require(predictive::encode_part(view, format, predictive::Strength::normal) == part, path,
            "other bytes");
}

}  // namespace

int main(int argc, char** argv) {
    for (int n = 2; n < argc; ++n) replay(argv[n], argv[1]);
    std::printf("%d files\n", argc - 2);
    return 0;
}
