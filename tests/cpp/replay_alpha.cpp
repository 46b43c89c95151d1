// Replays alpha planes that tests/capi/test_alpha.py writes: files of
//
//     bits, width, height, size of the coded plane: u32 each, little-endian
//     the coded plane; the plane, rows of u8 or of u16, low byte first; nothing of it: damaged
//
// A plane must decode to what stands there, whole and in part, and code to the bytes that stand there
// if they are those of this zlib; a damaged one must be refused as such.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "alpha.hpp"
#include "failure.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint32_t number(const Bytes& file, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t n = 0; n < 4; ++n) value |= std::uint32_t{file.at(at + n)} << 8 * n;
    return value;
}

template <typename Sample>
bool replays(const Bytes& coded, const Bytes& stored, std::size_t width, std::size_t height) {
    std::vector<Sample> plane(width * height);
    constexpr std::size_t kStep = 2;  // every other sample: the alpha of grey
    std::vector<Sample> out(width * height * kStep);
    const frame::Crop whole{0, 0, width, height};
    if (stored.empty()) {
        try {
            capi::decode_alpha(coded, width, height, whole, out.data(), kStep);
        } catch (const capi::Failure& failure) {
            return failure.status() == LIC_DAMAGED_ALPHA;
        }
        return false;
    }
    if (stored.size() != plane.size() * sizeof(Sample)) return false;
    for (std::size_t n = 0; n < plane.size(); ++n) {
        for (std::size_t byte = 0; byte < sizeof(Sample); ++byte) {
            plane[n] = static_cast<Sample>(plane[n] | stored[n * sizeof(Sample) + byte] << 8 * byte);
        }
    }
    capi::decode_alpha(coded, width, height, whole, out.data(), kStep);
    for (std::size_t n = 0; n < plane.size(); ++n) {
        if (out[n * kStep] != plane[n]) return false;
    }
    const frame::Crop last{width - 1, height - 1, 1, 1};
    capi::decode_alpha(coded, width, height, last, out.data(), kStep);
    if (out[0] != plane.back()) return false;
    return capi::encode_alpha(plane.data(), 1, width, height) == coded;
}

}  // namespace

int main(int count, char** names) {
    for (int n = 1; n < count; ++n) {
        std::ifstream stream(names[n], std::ios::binary);
        const Bytes file{std::istreambuf_iterator<char>(stream), {}};
        const std::uint32_t bits = number(file, 0), width = number(file, 4), height = number(file, 8);
        const auto coded = file.begin() + 16, plane = coded + number(file, 12);
        const auto replay = bits == 8 ? replays<std::uint8_t> : replays<std::uint16_t>;
        if (!replay({coded, plane}, {plane, file.end()}, width, height)) {
            std::cout << names[n] << ": not as in Python\n";
            return 1;
        }
    }
    std::cout << "replay_alpha: " << count - 1 << " files ok\n";
}
