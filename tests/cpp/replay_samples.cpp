// Replays predictive parts: replay_samples KERNELS FILE... encodes the samples of every file and decodes
// its part, and compares both with what the file says. A file: width, height, channels, bits, error,
// bytes of the part, each u32; the part; samples that it decodes to, then those that were encoded, u16.
// All little-endian. Written by tests/unit/entropy/predictive/test_cross.py.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "part.hpp"

namespace {

void require(bool holds, const std::string& file, const char* what) {
    if (holds) return;
    std::printf("replay_samples: %s: %s\n", file.c_str(), what);
    std::exit(1);
}

// The numbers of a file, one after another.
class Reader {
public:
    explicit Reader(const std::string& path) {
        std::FILE* file = std::fopen(path.c_str(), "rb");
        require(file != nullptr, path, "cannot be opened");
        std::uint8_t part[4096];
        std::size_t count = 0;
        while ((count = std::fread(part, 1, sizeof part, file)) > 0) {
            content_.insert(content_.end(), part, part + count);
        }
        std::fclose(file);
    }

    std::uint32_t number(unsigned bytes) {
        std::uint32_t value = 0;
        for (unsigned n = 0; n < bytes; ++n) value |= std::uint32_t{content_.at(at_++)} << (8 * n);
        return value;
    }

    std::vector<std::uint16_t> samples(std::size_t count) {
        std::vector<std::uint16_t> values(count);
        for (auto& value : values) value = static_cast<std::uint16_t>(number(2));
        return values;
    }

    std::vector<std::uint8_t> bytes(std::size_t count) {
        std::vector<std::uint8_t> values(count);
        for (auto& value : values) value = static_cast<std::uint8_t>(number(1));
        return values;
    }

private:
    std::vector<std::uint8_t> content_;
    std::size_t at_ = 0;
};

void replay(const std::string& path, const std::string& kernels) {
    Reader file(path);
    const std::size_t width = file.number(4), height = file.number(4), channels = file.number(4);
    const unsigned bits = file.number(4), error = file.number(4);
    const std::vector<std::uint8_t> part = file.bytes(file.number(4));
    const std::size_t count = width * height * channels;
    const std::vector<std::uint16_t> expected = file.samples(count), pixels = file.samples(count);
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
