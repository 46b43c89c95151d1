// Operations with their weights packed, one class a kind: what `Network` is made of.
#pragma once

#include "network.hpp"

namespace networks::detail {

// Memory on a boundary of 64 bytes, with room after it that a vector may reach into.
template <typename T>
class Packed {
public:
    explicit Packed(std::size_t count = 0) { resize(count); }
    void resize(std::size_t count) {
        array_ = Array::make(Type::u8, 1, 1, (count + 64) * sizeof(T));
        for (std::size_t i = 0; i < count + 64; ++i) data()[i] = T{};
    }
    T* data() { return array_.as<T>(); }
    const T* data() const { return array_.as<T>(); }

private:
    Array array_;
};

// The constants of the sums of a layer, rows of them one after another, in kernel order.
class Constants {
public:
    Constants(const Kernels& kernels, const Tensor& bias, const Tensor& shift);
    const std::int32_t* bias(std::size_t level) const {
        return bias_.data() + (rows_ > 1 ? level : 0) * padded_;
    }
    const std::int32_t* shift() const { return shift_.data(); }
    std::size_t padded() const { return padded_; }
    std::size_t rows() const { return rows_; }

private:
    std::size_t rows_, padded_;
    Packed<std::int32_t> bias_, shift_;
};

// Weights (outputs, inputs) in panels.
class Weights {
public:
    Weights(const Kernels& kernels, const Tensor& weight);
    std::size_t words() const { return words_; }
    const std::int16_t* data() const { return packed_.data(); }

private:
    std::size_t words_;
    Packed<std::int16_t> packed_;
};

inline std::size_t padded_to(std::size_t count, std::size_t unit) {
    return (count + unit - 1) / unit * unit;
}

// What rounds a number that is shifted by so much to the nearest.
inline std::int32_t half_of(std::int32_t shift) {
    return shift > 0 ? std::int32_t{1} << (shift - 1) : 0;
}

// Rows (outputs, 2 words) of weights to panels, as kernels have them: `packed` holds whole panels, zeros
// at first.
void pack_rows(const Kernels& kernels, const std::int16_t* rows, std::size_t outputs,
               std::size_t words, std::int16_t* packed);

// Everything an operation needs while it runs.
struct Run {
    std::size_t level;
    threads::Team& team;
};

// An array of which a part of the rows is held, from `first` on.
struct RowsOf {
    Array array;             // its height is that of the whole
    std::size_t first = 0;

    std::size_t offset(std::size_t row) const {  // of a row, in values
        return (row - first) * array.width * array.channels;
    }
};

// The interface of operations that can be computed some rows at a time.
struct ByRows {
    virtual ~ByRows() = default;
    // Rows of the input for `unfold` rows of the output, and rows around them.
    std::size_t fold = 1, unfold = 1, reach = 0;
    // An output that holds `rows` rows, for an input of that height and width.
    virtual Array room(std::size_t height, std::size_t width, std::size_t rows) const = 0;
    // Rows first .. last - 1 of the output, multiples of unfold.
    virtual void run_rows(const RowsOf& x, const RowsOf& out, std::size_t first, std::size_t last,
                          const Run& run) const = 0;
};

struct Prepared {
    virtual ~Prepared() = default;
    virtual Array run(const std::vector<const Array*>& x, const Run& run) const = 0;
    virtual std::size_t levels() const { return 1; }
    // How rows of the output follow from rows of the only input, where they can be computed a few at a
    // time; null elsewhere.
    virtual const ByRows* by_rows() const { return nullptr; }

    std::vector<std::size_t> arguments;
};

std::unique_ptr<Prepared> prepare_linear(const Operation& op, const Kernels& kernels);
std::unique_ptr<Prepared> prepare_depthwise(const Operation& op, const Kernels& kernels);
std::unique_ptr<Prepared> prepare_gated_block(const Operation& op, const Kernels& kernels);
std::unique_ptr<Prepared> prepare_attention(const Operation& op, const Kernels& kernels);
// All others: elementwise, or moving things about.
std::unique_ptr<Prepared> prepare_simple(const Operation& op);

// work(first, last) for parts of `count` places of so many products each, on the team.
template <typename Work>
void share(threads::Team& team, std::size_t count, std::size_t products, Work&& work) {
    constexpr std::size_t kLeastProducts = std::size_t{1} << 20;  // some 10 us: not worth less
    constexpr std::size_t kPiecesEach = 4;  // a thread that another process holds up does one
    const std::size_t most = count * products / kLeastProducts;
    const std::size_t wanted = team.threads() > 1 ? kPiecesEach * team.threads() : 1;
    std::size_t pieces = most < wanted ? most : wanted;
    if (pieces > count) pieces = count;
    if (pieces < 2) {
        if (count > 0) work(std::size_t{0}, count);
        return;
    }
    team.share(count, pieces, work);
}

inline std::int16_t sat(std::int32_t v) {
    return static_cast<std::int16_t>(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
}
inline std::int16_t q15(std::int32_t a, std::int32_t b) { return sat((a * b + 16384) >> 15); }
std::int16_t sigmoid(std::int16_t gate);

}  // namespace networks::detail
