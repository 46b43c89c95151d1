// Fuzz target of the range coder: parse tables, decode a payload plainly and along the trellis,
// encode what came out, decode again.
//
// Input:  u16 number of table bytes, table bytes, u8 (segment size / 4), payload.
// With clang:     -fsanitize=fuzzer (CMake option FUZZ); run with tests/fuzz/corpus/rans.
// Without clang:  -DRANS_FUZZ_REPLAY gives a main() that replays files and their mutations.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cdf.hpp"
#include "error.hpp"
#include "rans_decoder.hpp"
#include "rans_encoder.hpp"
#include "trellis.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

// What was decoded from any bytes must survive a round trip.
void round_trip(const rans::Tables& tables, const std::vector<std::uint8_t>& indexes,
                const std::vector<std::int16_t>& symbols) {
    const rans::Segment segment{symbols, indexes};
    const std::vector<std::uint8_t> data = rans::encode({&segment, 1}, tables);
    rans::Decoder decoder(data, tables);
    std::vector<std::int16_t> again(symbols.size());
    decoder.decode(indexes, again);
    decoder.finish();
    require(again == symbols);
}

// The same payload along the trellis, under the lower half of the tables.
void decode_trellis(const std::vector<std::uint8_t>& payload, const rans::Tables& tables,
                    std::vector<std::uint8_t> indexes) {
    const auto stride = static_cast<unsigned>(tables.size() / 2);
    if (stride == 0) return;
    for (std::uint8_t& index : indexes) index = static_cast<std::uint8_t>(index % stride);
    std::vector<std::int16_t> symbols(indexes.size());
    std::vector<std::uint8_t> chosen(indexes.size());
    for (const unsigned states : {rans::kFewStates, rans::kManyStates}) {
        try {
            rans::Decoder decoder(payload, tables);
            decoder.decode_trellis(indexes, stride, states, symbols, chosen);
            decoder.finish();
        } catch (const rans::EntropyCodingError&) {
            continue;
        }
        for (std::size_t i = 0; i < chosen.size(); ++i) require(chosen[i] % stride == indexes[i]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::size_t table_bytes = static_cast<std::size_t>(data[0] | data[1] << 8);
    if (table_bytes > size - 3) return 0;
    // exact allocations, so that ASan sees a read behind the end
    const std::vector<std::uint8_t> serialized(data + 2, data + 2 + table_bytes);
    const std::size_t segment_size = std::size_t{4} * data[2 + table_bytes];
    const std::vector<std::uint8_t> payload(data + 3 + table_bytes, data + size);
    try {
        const rans::Tables tables(serialized);
        std::vector<std::uint8_t> indexes(segment_size);
        for (std::size_t i = 0; i < segment_size; ++i) {
            indexes[i] = static_cast<std::uint8_t>(i * 7 % tables.size());
        }
        std::vector<std::int16_t> symbols(segment_size);
        decode_trellis(payload, tables, indexes);
        rans::Decoder decoder(payload, tables);
        decoder.decode(indexes, symbols);
        round_trip(tables, indexes, symbols);
        decoder.finish();
    } catch (const rans::EntropyCodingError&) {
        return 0;
    }
    return 0;
}

#ifdef RANS_FUZZ_REPLAY

// Replays each file as it is, cut at every byte, with every bit flipped, and with some random
// bytes.
int main(int count, char** names) {
    for (int n = 1; n < count; ++n) {
        std::FILE* file = std::fopen(names[n], "rb");
        require(file != nullptr);
        std::vector<std::uint8_t> input(1 << 20);
        input.resize(std::fread(input.data(), 1, input.size(), file));
        std::fclose(file);
        for (std::size_t size = 0; size <= input.size(); ++size) {
            LLVMFuzzerTestOneInput(input.data(), size);
        }
        for (std::size_t bit = 0; bit < 8 * input.size(); ++bit) {
            input[bit / 8] = static_cast<std::uint8_t>(input[bit / 8] ^ 1u << bit % 8);
            LLVMFuzzerTestOneInput(input.data(), input.size());
            input[bit / 8] = static_cast<std::uint8_t>(input[bit / 8] ^ 1u << bit % 8);
        }
        std::srand(static_cast<unsigned>(n));
        for (unsigned i = 0; i < 2000 && !input.empty(); ++i) {
            std::vector<std::uint8_t> mutated = input;
            for (unsigned k = 0; k < 4; ++k) {
                mutated[static_cast<std::size_t>(std::rand()) % mutated.size()] =
                    static_cast<std::uint8_t>(std::rand());
            }
            LLVMFuzzerTestOneInput(mutated.data(), mutated.size());
        }
    }
    std::printf("fuzz_rans: %d files ok\n", count - 1);
    return 0;
}

#endif
