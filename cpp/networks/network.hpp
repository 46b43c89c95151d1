// A program ready to run: its weights in the order of an instruction set's kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "program.hpp"
#include "team.hpp"

namespace networks {

// Kernels by name; the fastest that this processor can run for an empty one. Throws
// UnknownInstructionSet.
const Kernels& kernels_named(const std::string& name);

// Names of the kernels in this build, the fastest first; `runnable`: only what this processor runs.
std::vector<std::string> kernel_names(bool runnable);

// An array (height, width, channels) in C order, of its own or of somebody else.
struct Array {
    Type type = Type::i16;
    std::size_t height = 0, width = 0, channels = 0;
    std::shared_ptr<void> owner;  // of data; empty where somebody else owns it
    void* data = nullptr;

    std::size_t positions() const { return height * width; }
    std::size_t count() const { return height * width * channels; }
    template <typename T>
    T* as() const {
        return static_cast<T*>(data);
    }
    static Array make(Type type, std::size_t height, std::size_t width, std::size_t channels);
    static Array view(Type type, std::size_t height, std::size_t width, std::size_t channels,
                      const void* data);
};

namespace detail {
struct Prepared;
}

// May be run by any number of threads at once.
class Network {
public:
    // Packs the weights; `program` may go afterwards, its file too.
    Network(const Program& program, const Kernels& kernels);
    ~Network();
    Network(Network&&) noexcept;

    // The outputs at one level. Inputs have the types and channels of the program, sizes that its
    // folds divide, and values in their ranges. Throws std::invalid_argument.
    std::vector<Array> run(const std::vector<Array>& inputs, std::size_t level,
                           threads::Team& team) const;

    const std::vector<Input>& inputs() const { return inputs_; }
    // Rows of the tensors that depend on the level: 1 where none does.
    std::size_t levels() const { return levels_; }
    // Whether it has attention, so that what it gives depends on where its input begins.
    bool has_windows() const { return has_windows_; }

private:
    void find_chains();

    std::vector<Input> inputs_;
    std::vector<std::size_t> outputs_;
    std::vector<std::unique_ptr<detail::Prepared>> operations_;
    std::vector<std::size_t> last_use_;  // operation that reads a register last
    std::vector<std::size_t> chain_;     // from this operation on, how many are computed row by row
    std::size_t levels_ = 1;
    bool has_windows_ = false;
};

}  // namespace networks
