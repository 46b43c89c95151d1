#include "network.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "chain.hpp"
#include "prepare.hpp"

namespace networks {

#ifdef NETWORKS_AVX512
extern const Kernels kAvx512Kernels;
#endif
#ifdef NETWORKS_AVXVNNI
extern const Kernels kAvxVnniKernels;
#endif
#ifdef NETWORKS_AVX2
extern const Kernels kAvx2Kernels;
#endif
#ifdef NETWORKS_NEON
extern const Kernels kNeonKernels;
#endif
#ifdef NETWORKS_WASM
extern const Kernels kWasmKernels;
#endif

namespace {

// Of this build, the fastest first.
const std::vector<const Kernels*>& all_kernels() {
    static const std::vector<const Kernels*> all = {
#ifdef NETWORKS_AVX512
        &kAvx512Kernels,
#endif
#ifdef NETWORKS_AVXVNNI
        &kAvxVnniKernels,
#endif
#ifdef NETWORKS_AVX2
        &kAvx2Kernels,
#endif
#ifdef NETWORKS_NEON
        &kNeonKernels,
#endif
#ifdef NETWORKS_WASM
        &kWasmKernels,
#endif
        &kScalarKernels,
    };
    return all;
}

constexpr std::size_t kAlignment = 64;

// An array that lives as long as it is kept: an input of a program may be an output too, and is the
// caller's.
Array owned(const Array& array) {
    if (array.owner != nullptr) return array;
    Array copy = Array::make(array.type, array.height, array.width, array.channels);
    std::memcpy(copy.data, array.data, array.count() * size_of(array.type));
    return copy;
}

}  // namespace

const Kernels& kernels_named(const std::string& name) {
    for (const Kernels* kernels : all_kernels()) {
        if (name.empty() && kernels->supported()) return *kernels;
        if (name != kernels->name) continue;
        if (!kernels->supported()) {
            throw UnknownInstructionSet("this processor cannot run the kernels " + name);
        }
        return *kernels;
    }
    std::string known;
    for (const std::string& other : kernel_names(false)) known += (known.empty() ? "" : ", ") + other;
    throw UnknownInstructionSet("there are no kernels " + name + "; this build has " + known);
}

std::vector<std::string> kernel_names(bool runnable) {
    std::vector<std::string> names;
    for (const Kernels* kernels : all_kernels()) {
        if (!runnable || kernels->supported()) names.emplace_back(kernels->name);
    }
    return names;
}

Array Array::make(Type type, std::size_t height, std::size_t width, std::size_t channels) {
    Array array{type, height, width, channels, nullptr, nullptr};
    // Room after the end that a vector may reach into.
    const std::size_t size = array.count() * size_of(type) + kAlignment;
    void* memory = ::operator new(size, std::align_val_t{kAlignment});
    array.owner = std::shared_ptr<void>(
        memory, [](void* p) { ::operator delete(p, std::align_val_t{kAlignment}); });
    array.data = memory;
    return array;
}

Array Array::view(Type type, std::size_t height, std::size_t width, std::size_t channels,
                  const void* data) {
    return {type, height, width, channels, nullptr, const_cast<void*>(data)};
}

Network::Network(const Program& program, const Kernels& kernels)
    : inputs_(program.inputs), outputs_(program.outputs) {
    last_use_.resize(program.inputs.size() + program.operations.size());
    for (std::size_t n = 0; n < program.operations.size(); ++n) {
        const Operation& op = program.operations[n];
        std::unique_ptr<detail::Prepared> prepared;
        switch (op.kind) {
            case Kind::linear: prepared = detail::prepare_linear(op, kernels); break;
            case Kind::depthwise: prepared = detail::prepare_depthwise(op, kernels); break;
            case Kind::gated_block: prepared = detail::prepare_gated_block(op, kernels); break;
            case Kind::attention: prepared = detail::prepare_attention(op, kernels); break;
            default: prepared = detail::prepare_simple(op);
        }
        has_windows_ = has_windows_ || op.kind == Kind::attention;
        prepared->arguments = op.arguments;
        const std::size_t rows = prepared->levels();
        if (rows > 1 && levels_ > 1 && rows != levels_) {
            throw InvalidNetwork(program.name + ": tensors with rows for different levels");
        }
        levels_ = std::max(levels_, rows);
        for (const std::size_t a : op.arguments) last_use_[a] = n;
        operations_.push_back(std::move(prepared));
    }
    for (const std::size_t r : outputs_) last_use_[r] = operations_.size();
    find_chains();
}

// A chain: operations of which each reads what the one before gives, and nobody else does.
void Network::find_chains() {
    const std::size_t inputs = inputs_.size(), count = operations_.size();
    std::vector<std::size_t> readers(inputs + count);
    for (const auto& op : operations_) {
        for (const std::size_t a : op->arguments) ++readers[a];
    }
    for (const std::size_t r : outputs_) ++readers[r];
    chain_.assign(count, 1);
    for (std::size_t n = count; n-- > 1;) {
        const auto& op = *operations_[n];
        const bool joins = op.by_rows() != nullptr && operations_[n - 1]->by_rows() != nullptr &&
                           op.arguments.size() == 1 && op.arguments[0] == inputs + n - 1 &&
                           readers[inputs + n - 1] == 1;
        if (joins) chain_[n - 1] = chain_[n] + 1;
    }
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

std::vector<Array> Network::run(const std::vector<Array>& inputs, std::size_t level,
                                threads::Team& team) const {
    if (inputs.size() != inputs_.size()) throw std::invalid_argument("a wrong number of inputs");
    if (levels_ > 1 && level >= levels_) throw std::invalid_argument("there is no such level");
    for (std::size_t n = 0; n < inputs.size(); ++n) {
        if (inputs[n].type != inputs_[n].type || inputs[n].channels != inputs_[n].channels) {
            throw std::invalid_argument("an input of another type or number of channels");
        }
    }
    std::vector<Array> registers = inputs;
    registers.reserve(inputs_.size() + operations_.size());  // pointers to them are taken
    const detail::Run run{level, team};
    for (std::size_t n = 0; n < operations_.size(); ++n) {
        std::vector<const Array*> arguments;
        for (const std::size_t a : operations_[n]->arguments) arguments.push_back(&registers[a]);
        if (chain_[n] > 1) {
            std::vector<const detail::ByRows*> chain;
            for (std::size_t k = 0; k < chain_[n]; ++k) {
                chain.push_back(operations_[n + k]->by_rows());
                if (k > 0) registers.emplace_back();  // what nobody else reads is never whole
            }
            registers.push_back(detail::run_chain(chain, *arguments[0], run));
        } else {
            registers.push_back(operations_[n]->run(arguments, run));
        }
        for (const std::size_t a : operations_[n]->arguments) {
            if (last_use_[a] == n) registers[a] = Array{};  // its memory goes
        }
        n += chain_[n] - 1;
    }
    std::vector<Array> outputs;
    for (const std::size_t r : outputs_) outputs.push_back(owned(registers[r]));
    return outputs;
}

}  // namespace networks
