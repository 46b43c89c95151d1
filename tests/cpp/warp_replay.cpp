// Replays payloads of another coder on an emulated warp: both directions must give what the file
// says.
//
// File, little-endian, where an array is its number of bytes as u32 and then the bytes:
//     array tables, array payload
//     per segment: u32 stride (0: a plain one), u32 states, array indexes of the decoder,
//                  array symbols (int16), array tables that they are coded with
#include <fstream>
#include <iterator>

#include "warp_driver.hpp"

namespace {

class Reader {
public:
    explicit Reader(const char* path) {
        std::ifstream file(path, std::ios::binary);
        CHECK(file.good());
        bytes_.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }

    bool at_end() const { return position_ == bytes_.size(); }

    std::uint32_t number() {
        std::uint32_t value = 0;
        for (unsigned shift = 0; shift < 32; shift += 8) value |= std::uint32_t{byte()} << shift;
        return value;
    }

    std::vector<std::uint8_t> array() {
        std::vector<std::uint8_t> result(number());
        for (std::uint8_t& value : result) value = byte();
        return result;
    }

    std::vector<std::int16_t> symbols() {
        std::vector<std::int16_t> result(number() / 2);
        for (std::int16_t& value : result) {
            const unsigned low = byte();
            value = static_cast<std::int16_t>(low | unsigned{byte()} << 8);
        }
        return result;
    }

private:
    std::uint8_t byte() {
        CHECK(position_ < bytes_.size());
        return static_cast<std::uint8_t>(bytes_[position_++]);
    }

    std::vector<char> bytes_;
    std::size_t position_ = 0;
};

void replay(const char* path) {
    Reader reader(path);
    const rans::Tables tables(reader.array());
    const std::vector<std::uint8_t> payload = reader.array();
    std::vector<OwnedSegment> segments;
    std::vector<Wanted> wanted;
    while (!reader.at_end()) {
        const unsigned stride = reader.number(), states = reader.number();
        wanted.push_back({reader.array(), stride, states});
        OwnedSegment& segment = segments.emplace_back();
        segment.symbols = reader.symbols();
        segment.indexes = reader.array();
    }
    const Decoded decoded = warp_decode(payload, tables, wanted);
    CHECK(decoded.status == rans::Status::kOk && decoded.used_up);
    for (std::size_t s = 0; s < segments.size(); ++s) {
        CHECK(decoded.segments[s].symbols == segments[s].symbols);
        CHECK(decoded.segments[s].indexes == segments[s].indexes);
    }
    CHECK(warp_encode(segments, tables, 1u << (payload[0] & 7)).data == payload);
}

}  // namespace

int main(int count, char** arguments) {
    for (int i = 1; i < count; ++i) replay(arguments[i]);
    std::printf("warp_replay: %d files ok\n", count - 1);
    return 0;
}
