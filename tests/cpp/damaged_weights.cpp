// Reads weights files as they are and damaged: damaged_weights FILE... takes every file, every
// truncation of it, and every byte with some bits flipped. A program "p" that is read is run. Only
// the named errors may arise; the sanitizers see to the rest.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "network.hpp"

namespace {

constexpr std::size_t kSide = 4;  // of inputs

// Whether the file was taken. A copy of its own, so that reading beyond it is seen.
bool taken(const std::uint8_t* data, std::size_t size, const networks::Kernels& kernels) {
    const auto copy = std::make_unique<std::uint8_t[]>(size);
    std::memcpy(copy.get(), data, size);
    try {
        const networks::WeightsFile file({copy.get(), size});
        const networks::Network network(networks::read_program(file, "p"), kernels);
        std::vector<networks::Array> inputs;
        for (const networks::Input& input : network.inputs()) {
            if (input.channels > 64) return true;  // a large array for nothing
            inputs.push_back(networks::Array::make(input.type, kSide, kSide, input.channels));
            std::memset(inputs.back().data, 0, inputs.back().count() * size_of(input.type));
        }
        threads::Team team(1);
        network.run(inputs, 0, team);
    } catch (const networks::InvalidWeightsFile&) {
        return false;
    } catch (const networks::InvalidNetwork&) {
        return false;
    } catch (const std::invalid_argument&) {  // sides that a fold does not divide
    }
    return true;
}

}  // namespace

int main(int count, char** arguments) {
    const networks::Kernels& kernels = networks::kernels_named("scalar");
    for (int n = 1; n < count; ++n) {
        std::FILE* file = std::fopen(arguments[n], "rb");
        if (file == nullptr) return 1;
        std::vector<std::uint8_t> content(1 << 20);
        content.resize(std::fread(content.data(), 1, content.size(), file));
        std::fclose(file);
        if (!taken(content.data(), content.size(), kernels)) {
            std::printf("damaged_weights: %s is not taken\n", arguments[n]);
            return 1;
        }
        for (std::size_t size = 0; size < content.size(); ++size) {
            if (taken(content.data(), size, kernels)) return 1;
        }
        for (std::size_t at = 0; at < content.size(); ++at) {
            const std::uint8_t before = content[at];
            for (const unsigned flip : {0x01u, 0x80u, 0xffu, 1u << at % 8}) {
                content[at] = static_cast<std::uint8_t>(before ^ flip);
                taken(content.data(), content.size(), kernels);
            }
            content[at] = before;
        }
    }
    std::printf("damaged_weights: %d files ok\n", count - 1);
}
