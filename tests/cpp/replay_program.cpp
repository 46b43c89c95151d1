// Replays programs: replay_program KERNELS FILE... runs the program of every file with the kernels of
// that name (none for the fastest), on 1 and on 3 threads, and compares what it gives with what the
// file says. Files are weights files (networks/SPEC.md) with the entries "program"; "level", one i32;
// "input/0", "input/1", ... and "output/0", ..., arrays of three axes. Written by
// tests/networks/random_programs.py.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "network.hpp"

namespace {

void require(bool holds, const std::string& file, const std::string& what) {
    if (holds) return;
    std::printf("replay_program: %s: %s\n", file.c_str(), what.c_str());
    std::exit(1);
}

std::vector<std::uint8_t> content_of(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    require(file != nullptr, path, "cannot be opened");
    std::vector<std::uint8_t> content;
    std::uint8_t part[4096];
    std::size_t count = 0;
    while ((count = std::fread(part, 1, sizeof part, file)) > 0) {
        content.insert(content.end(), part, part + count);
    }
    std::fclose(file);
    return content;
}

// The tensors prefix/0, prefix/1, ... of a file.
std::vector<const networks::Tensor*> tensors_of(const networks::WeightsFile& file,
                                                const std::string& prefix) {
    std::vector<const networks::Tensor*> tensors;
    while (file.has(prefix + "/" + std::to_string(tensors.size()))) {
        const std::string name = prefix + "/" + std::to_string(tensors.size());
        tensors.push_back(&file.find(name, networks::EntryKind::tensor).tensor);
    }
    return tensors;
}

bool equal(const networks::Array& array, const networks::Tensor& tensor) {
    const auto& shape = tensor.shape;
    return array.type == tensor.type && shape.size() == 3 && array.height == shape[0] &&
           array.width == shape[1] && array.channels == shape[2] &&
           std::memcmp(array.data, tensor.data.data(), tensor.data.size()) == 0;
}

void replay(const std::string& path, const networks::Kernels& kernels) {
    const std::vector<std::uint8_t> content = content_of(path);
    const networks::WeightsFile file(content);
    const networks::Network network(networks::read_program(file, "program"), kernels);
    const auto level =
        static_cast<std::size_t>(file.find("level", networks::EntryKind::tensor).tensor.at(0));
    std::vector<networks::Array> inputs;
    for (const networks::Tensor* input : tensors_of(file, "input")) {
        require(input->shape.size() == 3, path, "an input without three axes");
        inputs.push_back(networks::Array::view(input->type, input->shape[0], input->shape[1],
                                               input->shape[2], input->data.data()));
    }
    const auto expected = tensors_of(file, "output");
    for (const std::size_t threads : {1, 3}) {
        threads::Team team(threads);
        const std::vector<networks::Array> outputs = network.run(inputs, level, team);
        require(outputs.size() == expected.size(), path, "another number of outputs");
        for (std::size_t n = 0; n < outputs.size(); ++n) {
            require(equal(outputs[n], *expected[n]), path,
                    "output " + std::to_string(n) + " differs, kernels " + kernels.name + ", " +
                        std::to_string(threads) + " threads");
        }
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) {
        std::puts("usage: replay_program KERNELS FILE...");
        return 1;
    }
    const networks::Kernels& kernels = networks::kernels_named(arguments[1]);
    for (int n = 2; n < count; ++n) replay(arguments[n], kernels);
    std::printf("replay_program: %d files ok, kernels %s\n", count - 2, kernels.name);
}
