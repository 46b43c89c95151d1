#include "program.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>

namespace networks {
namespace {

constexpr std::int64_t kSumLimit = std::int64_t{1} << 31;
constexpr std::int64_t kLargestFold = 16;
constexpr std::size_t kMaxChannels = 4096;
constexpr std::int32_t kMaxHeads = 256, kLargestWindow = 16;
constexpr std::int64_t kLogitLimit = (std::int64_t{1} << 30) - (std::int64_t{1} << 15);

struct Shape {
    std::size_t least_arguments, most_arguments, parameters, tensors;
};

Shape shape_of(Kind kind) {
    switch (kind) {
        case Kind::linear: return {1, 1, 3, 5};
        case Kind::depthwise: return {1, 1, 1, 3};
        case Kind::add: return {2, 2, 2, 0};
        case Kind::glu: return {1, 1, 0, 0};
        case Kind::scale: return {1, 1, 3, 2};
        case Kind::lookup: return {1, 1, 1, 1};
        case Kind::concat: return {2, 255, 0, 0};
        case Kind::cell: return {1, 1, 1, 0};
        case Kind::join: return {4, 4, 0, 0};
        case Kind::gated_block: return {1, 1, 2, 10};
        case Kind::attention: return {1, 1, 4, 2};
    }
    throw InvalidNetwork("an operation of unknown kind");
}

std::int64_t largest(const Register& r) { return std::max(std::abs(r.low), std::abs(r.high)); }

// Proves one operation after another; `where` names the one at hand.
class Proof {
public:
    explicit Proof(Program& program) : program_(program) {
        for (const Input& input : program.inputs) {
            const bool known = input.type == Type::u8 || input.type == Type::i16 ||
                               input.type == Type::i32;
            where_ = "an input";
            require(known && input.channels > 0 && input.channels <= kMaxChannels, "is not possible");
            const auto [low, high] = range(input.type);
            require(low <= input.low && input.low <= input.high && input.high <= high,
                    "has an impossible range");
            give(input.type, input.channels, input.low, input.high);
        }
        for (std::size_t n = 0; n < program.operations.size(); ++n) {
            where_ = program.name + ", operation " + std::to_string(n);
            prove(program.operations[n]);
        }
        where_ = program.name + ", outputs";
        require(!program.outputs.empty(), "there are none");
        for (const std::size_t r : program.outputs) {
            require(r < program.registers.size(), "a register that is not there");
        }
    }

private:
    void require(bool holds, const std::string& what) const {
        if (!holds) throw InvalidNetwork(where_ + ": " + what);
    }

    static std::pair<std::int64_t, std::int64_t> range(Type type) {
        switch (type) {
            case Type::u8: return {0, 255};
            case Type::i16: return {-32768, 32767};
            default: return {-kSumLimit, kSumLimit - 1};
        }
    }

    void give(Type type, std::size_t channels, std::int64_t low, std::int64_t high) {
        require(channels <= kMaxChannels, "has too many channels");
        program_.registers.push_back({type, channels, low, high});
    }

    const Register& argument(std::size_t n) const {
        return program_.registers[op_->arguments[n]];
    }

    void require_type(const Register& r, std::initializer_list<Type> types) const {
        require(std::ranges::find(types, r.type) != types.end(), "reads another type");
    }

    // Tensor n must have this shape and one of these types; `leveled`: rows in front of it.
    const Tensor& need(std::size_t n, std::vector<std::size_t> shape,
                       std::initializer_list<Type> types, bool leveled = false) const {
        const Tensor& tensor = *op_->tensors[n];
        require(std::ranges::find(types, tensor.type) != types.end(), "a tensor of another type");
        std::vector<std::size_t> found(tensor.shape.begin(), tensor.shape.end());
        if (leveled) {
            require(!found.empty() && found[0] > 0, "a tensor without rows");
            found.erase(found.begin());
        }
        require(found == shape, "a tensor of another shape");
        return tensor;
    }

    void require_range(const Tensor& t, std::int64_t low, std::int64_t high) const {
        for (std::size_t i = 0; i < t.count(); ++i) {
            require(low <= t.at(i) && t.at(i) <= high, "a value is outside its range");
        }
    }

    // sums over k of weight * m + bias + half < 2^31; `stride` is from one k of a channel to the next.
    void require_sums(const Tensor& weight, const Tensor& bias, const Tensor& shift, std::int64_t m,
                      bool by_row) const {
        require_range(shift, 0, 31);
        const std::size_t outputs = shift.count(), fan_in = weight.count() / outputs;
        std::vector<std::int64_t> worst(outputs);
        // Millions of weights: rows of them are read at once.
        const std::size_t row = by_row ? fan_in : outputs;
        std::vector<std::int32_t> values(row);
        for (std::size_t start = 0; start < weight.count(); start += row) {
            weight.read(start, values);
            if (by_row) {
                std::int64_t sum = 0;
                for (const std::int32_t v : values) sum += std::abs(v);
                worst[start / row] = sum * m;
            } else {
                for (std::size_t o = 0; o < outputs; ++o) worst[o] += std::abs(values[o]) * m;
            }
        }
        for (std::size_t o = 0; o < outputs; ++o) {
            std::int64_t most = 0;
            for (std::size_t i = o; i < bias.count(); i += outputs) {
                most = std::max(most, std::abs(std::int64_t{bias.at(i)}));
            }
            const std::int32_t s = shift.at(o);
            const std::int64_t half = s > 0 ? std::int64_t{1} << (s - 1) : 0;
            require(worst[o] + most + half < kSumLimit,
                    "sums of channel " + std::to_string(o) + " can reach 2^31");
        }
    }

    void prove(const Operation& op) {
        op_ = &op;
        const Shape shape = shape_of(op.kind);
        require(op.arguments.size() >= shape.least_arguments &&
                    op.arguments.size() <= shape.most_arguments &&
                    op.parameters.size() == shape.parameters && op.tensors.size() == shape.tensors,
                "has the wrong number of arguments, parameters or tensors");
        for (const std::size_t a : op.arguments) {
            require(a < program_.registers.size(), "reads a register that is not there yet");
        }
        const auto& p = op.parameters;
        const Register x = argument(0);
        switch (op.kind) {
            case Kind::linear: return prove_linear(x);
            case Kind::depthwise: {
                require_type(x, {Type::i16});
                require(1 <= p[0] && p[0] <= 32767, "limit");
                const Tensor& weight = need(0, {9, x.channels}, {Type::i16});
                const Tensor& bias = need(1, {x.channels}, {Type::i32}, true);
                require_sums(weight, bias, need(2, {x.channels}, {Type::i8}), largest(x), false);
                return give(Type::i16, x.channels, -p[0], p[0]);
            }
            case Kind::add:
                require_type(x, {Type::i16});
                require_type(argument(1), {Type::i16});
                require(argument(1).channels == x.channels, "adds different channels");
                require(-32768 <= p[0] && p[0] <= p[1] && p[1] <= 32767, "low and high");
                return give(Type::i16, x.channels, p[0], p[1]);
            case Kind::glu:
                require_type(x, {Type::i16});
                require(x.channels % 2 == 0, "an odd number of channels has no gates");
                return give(Type::i16, x.channels / 2, -largest(x),
                            std::min<std::int64_t>(largest(x), 32767));
            case Kind::scale: return prove_scale(x);
            case Kind::lookup: {
                require_type(x, {Type::i16, Type::i32});
                require(0 <= p[0] && p[0] <= 31, "shift");
                const std::size_t size = op.tensors[0]->count();
                const Tensor& table = need(0, {size}, {Type::i16});
                require(size % 2 == 1 && size <= 1u << 20, "a table without a middle");
                std::int64_t low = table.at(0), high = low;
                for (std::size_t i = 0; i < size; ++i) {
                    low = std::min<std::int64_t>(low, table.at(i));
                    high = std::max<std::int64_t>(high, table.at(i));
                }
                return give(Type::i16, x.channels, low, high);
            }
            case Kind::concat:
            case Kind::join: {
                Register all = x;
                all.channels = 0;
                for (std::size_t n = 0; n < op.arguments.size(); ++n) {
                    const Register& part = argument(n);
                    require(part.type == x.type, "joins different types");
                    require(op.kind == Kind::concat || part.channels == x.channels,
                            "joins cells of different channels");
                    all.channels += part.channels;
                    all.low = std::min(all.low, part.low);
                    all.high = std::max(all.high, part.high);
                }
                if (op.kind == Kind::join) all.channels = x.channels;
                return give(all.type, all.channels, all.low, all.high);
            }
            case Kind::cell:
                require(0 <= p[0] && p[0] <= 3, "there is no such cell");
                return give(x.type, x.channels, x.low, x.high);
            case Kind::gated_block: return prove_gated_block(x);
            case Kind::attention: return prove_attention(x);
        }
    }

    void prove_linear(const Register& x) {
        const std::int64_t fold = op_->parameters[0], unfold = op_->parameters[1];
        require(std::min(fold, unfold) == 1 && std::max(fold, unfold) <= kLargestFold,
                "fold and unfold");
        const auto type = static_cast<Type>(op_->parameters[2]);
        require(op_->parameters[2] >= 1 && op_->parameters[2] <= 3, "type");
        require_type(x, {Type::u8, Type::i16});
        const Tensor& first = *op_->tensors[0];
        const std::size_t outputs = first.shape.size() == 2 ? first.shape[0] : 0;
        require(outputs > 0 && outputs % static_cast<std::size_t>(unfold * unfold) == 0,
                "outputs do not unfold");
        const std::size_t inputs = static_cast<std::size_t>(fold * fold) * x.channels;
        const Tensor& weight = need(0, {outputs, inputs}, {Type::i16, Type::i8});
        const Tensor& bias = need(1, {outputs}, {Type::i32}, true);
        const Tensor& shift = need(2, {outputs}, {Type::i8});
        const Tensor& low = need(3, {outputs}, {Type::i32});
        const Tensor& high = need(4, {outputs}, {Type::i32});
        const auto [least, most] = range(type);
        std::int64_t lowest = most, highest = least;
        for (std::size_t o = 0; o < outputs; ++o) {
            require(least <= low.at(o) && low.at(o) <= high.at(o) && high.at(o) <= most,
                    "low and high are no range of the type");
            lowest = std::min<std::int64_t>(lowest, low.at(o));
            highest = std::max<std::int64_t>(highest, high.at(o));
        }
        require_sums(weight, bias, shift, largest(x), true);
        give(type, outputs / static_cast<std::size_t>(unfold * unfold), lowest, highest);
    }

    void prove_scale(const Register& x) {
        const std::int32_t low = op_->parameters[0], high = op_->parameters[1];
        require(op_->parameters[2] == 2 || op_->parameters[2] == 3, "type");
        const auto type = static_cast<Type>(op_->parameters[2]);
        const auto [least, most] = range(type);
        require(least <= low && low <= high && high <= most, "low and high");
        require_type(x, {Type::i16, Type::i32});
        const Tensor& factor = need(0, {x.channels}, {Type::i32}, true);
        require_range(need(1, {x.channels}, {Type::i8}), 0, 62);
        std::int64_t m = 0;
        for (std::size_t i = 0; i < factor.count(); ++i) {
            m = std::max(m, std::abs(std::int64_t{factor.at(i)}));
        }
        // Magnitudes up to 2^31 each: below 2^62, and 2^61 for the half of the rounding.
        constexpr std::int64_t room = (std::int64_t{1} << 62) + ((std::int64_t{1} << 61) - 1);
        require(m == 0 || largest(x) <= room / m, "a product could reach 2^63");
        give(type, x.channels, low, high);
    }

    void prove_gated_block(const Register& x) {
        require_type(x, {Type::i16});
        for (const std::int32_t limit : op_->parameters) {
            require(1 <= limit && limit <= 32767, "a limit is outside 1..32767");
        }
        const Tensor& reduce = *op_->tensors[6];
        const std::size_t c = x.channels, n = reduce.shape.size() == 2 ? reduce.shape[1] : 0;
        require(n > 0, "no hidden channels");
        const Tensor& spatial = need(0, {9, c}, {Type::i16});
        const Tensor& spatial_bias = need(1, {1, c}, {Type::i32});
        require_sums(spatial, spatial_bias, need(2, {c}, {Type::i8}), largest(x), false);
        const Tensor& expand = need(3, {2 * n, c}, {Type::i16, Type::i8});
        const Tensor& expand_bias = need(4, {1, 2 * n}, {Type::i32});
        require_sums(expand, expand_bias, need(5, {2 * n}, {Type::i8}), op_->parameters[0], true);
        need(6, {c, n}, {Type::i16, Type::i8});
        const Tensor& reduce_bias = need(7, {1, c}, {Type::i32});
        require_sums(reduce, reduce_bias, need(8, {c}, {Type::i8}), op_->parameters[1], true);
        require_range(need(9, {c}, {Type::i16}, true), 0, 32767);
        give(Type::i16, c, -32768, 32767);
    }

    void prove_attention(const Register& x) {
        require_type(x, {Type::i16});
        const std::int32_t heads = op_->parameters[0], window = op_->parameters[1];
        const std::int32_t shift = op_->parameters[2], limit = op_->parameters[3];
        require(1 <= limit && limit <= 32767, "limit");
        require(1 <= heads && heads <= kMaxHeads && 1 <= window && window <= kLargestWindow &&
                    0 <= shift && shift < window,
                "heads, window or shift");
        const auto count = static_cast<std::size_t>(heads);
        const auto side = static_cast<std::size_t>(2 * window - 1);
        require(x.channels % (3 * count) == 0, "channels are no queries, keys and values");
        need(0, {count, side * side}, {Type::i16});
        const Tensor& logit_shift = need(1, {count}, {Type::i8});
        require_range(logit_shift, 0, 30);
        std::int64_t half = 1;
        for (std::size_t h = 0; h < count; ++h) {
            half = std::max(half, std::int64_t{1} << std::max(logit_shift.at(h) - 1, 0));
        }
        const auto depth = static_cast<std::int64_t>(x.channels / (3 * count));
        require(depth * largest(x) * largest(x) + half < kLogitLimit,
                "a logit could reach 2^30 - 2^15");
        give(Type::i16, x.channels / 3, -limit, limit);
    }

    Program& program_;
    const Operation* op_ = nullptr;
    std::string where_;
};

}  // namespace

Program read_program(const WeightsFile& file, const std::string& name) {
    Reader reader(file.find(name, EntryKind::program).tensor.data);
    Program program;
    program.name = name;
    if (reader.take<std::uint8_t>() != 1) throw InvalidWeightsFile(name + " has another version");
    for (auto count = reader.take<std::uint8_t>(); count > 0; --count) {
        Input input{};
        input.type = static_cast<Type>(reader.take<std::uint8_t>());
        if (reader.take<std::uint8_t>() != 0) throw InvalidWeightsFile(name + ": a reserved byte");
        input.channels = reader.take<std::uint16_t>();
        input.low = reader.take<std::int32_t>();
        input.high = reader.take<std::int32_t>();
        program.inputs.push_back(input);
    }
    for (auto count = reader.take<std::uint16_t>(); count > 0; --count) {
        Operation op{};
        op.kind = static_cast<Kind>(reader.take<std::uint8_t>());
        const auto arguments = reader.take<std::uint8_t>();
        const auto parameters = reader.take<std::uint8_t>();
        const auto tensors = reader.take<std::uint8_t>();
        for (unsigned n = 0; n < arguments; ++n) op.arguments.push_back(reader.take<std::uint16_t>());
        for (unsigned n = 0; n < parameters; ++n) op.parameters.push_back(reader.take<std::int32_t>());
        for (unsigned n = 0; n < tensors; ++n) {
            const auto number = reader.take<std::uint16_t>();
            if (number >= file.entries().size() ||
                file.entries()[number].kind != EntryKind::tensor) {
                throw InvalidWeightsFile(name + " names an entry that is no tensor");
            }
            op.tensors.push_back(&file.entries()[number].tensor);
        }
        program.operations.push_back(std::move(op));
    }
    for (auto count = reader.take<std::uint8_t>(); count > 0; --count) {
        program.outputs.push_back(reader.take<std::uint16_t>());
    }
    if (!reader.done()) throw InvalidWeightsFile("bytes follow " + name);
    Proof{program};
    return program;
}

}  // namespace networks
