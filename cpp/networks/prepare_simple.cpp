// Operations without sums: add, glu, scale, lookup, concat, cell, join.
#include <algorithm>
#include <cstring>

#include "prepare.hpp"

namespace networks::detail {
namespace {

std::size_t width_of(const Array& x) { return x.channels * size_of(x.type); }  // bytes

// f(n) for every element of an array.
template <typename F>
void each(const Run& run, std::size_t count, F&& f) {
    share(run.team, count, 32, [&](std::size_t first, std::size_t last) {
        for (std::size_t n = first; n < last; ++n) f(n);
    });
}

void require_same_size(const Array& x, const Array& y) {
    if (x.height != y.height || x.width != y.width) {
        throw std::invalid_argument("arrays of different sizes");
    }
}

class Add final : public Prepared {
public:
    explicit Add(const Operation& op) : low_(op.parameters[0]), high_(op.parameters[1]) {}
    Array run(const std::vector<const Array*>& x, const Run& run) const override {
        require_same_size(*x[0], *x[1]);
        Array out = Array::make(Type::i16, x[0]->height, x[0]->width, x[0]->channels);
        const auto *a = x[0]->as<std::int16_t>(), *b = x[1]->as<std::int16_t>();
        auto* to = out.as<std::int16_t>();
        each(run, out.count(), [&](std::size_t n) {
            to[n] = static_cast<std::int16_t>(std::clamp<std::int32_t>(a[n] + b[n], low_, high_));
        });
        return out;
    }

private:
    std::int32_t low_, high_;
};

class Glu final : public Prepared {
public:
    Array run(const std::vector<const Array*>& x, const Run& run) const override {
        const std::size_t half = x[0]->channels / 2;
        Array out = Array::make(Type::i16, x[0]->height, x[0]->width, half);
        share(run.team, out.positions(), 32 * half, [&](std::size_t first, std::size_t last) {
            for (std::size_t n = first; n < last; ++n) {
                const auto* from = x[0]->as<std::int16_t>() + 2 * half * n;
                auto* to = out.as<std::int16_t>() + half * n;
                for (std::size_t c = 0; c < half; ++c) to[c] = q15(from[c], sigmoid(from[half + c]));
            }
        });
        return out;
    }
};

class Scale final : public Prepared {
public:
    explicit Scale(const Operation& op)
        : low_(op.parameters[0]), high_(op.parameters[1]), type_(static_cast<Type>(op.parameters[2])),
          rows_(op.tensors[0]->shape[0]), factor_(op.tensors[0]->count()) {
        for (std::size_t i = 0; i < factor_.size(); ++i) factor_[i] = op.tensors[0]->at(i);
        for (std::size_t c = 0; c < op.tensors[1]->count(); ++c) {
            const std::int32_t shift = op.tensors[1]->at(c);
            shift_.push_back(shift);
            half_.push_back(shift > 0 ? std::int64_t{1} << (shift - 1) : 0);
        }
    }
    std::size_t levels() const override { return rows_; }

    Array run(const std::vector<const Array*>& x, const Run& run) const override {
        Array out = Array::make(type_, x[0]->height, x[0]->width, x[0]->channels);
        if (x[0]->type == Type::i32) {
            type_ == Type::i32 ? scale<std::int32_t, std::int32_t>(*x[0], out, run)
                               : scale<std::int32_t, std::int16_t>(*x[0], out, run);
        } else {
            type_ == Type::i32 ? scale<std::int16_t, std::int32_t>(*x[0], out, run)
                               : scale<std::int16_t, std::int16_t>(*x[0], out, run);
        }
        return out;
    }

private:
    template <typename From, typename To>
    void scale(const Array& x, const Array& out, const Run& run) const {
        const std::size_t channels = x.channels;
        const std::int32_t* factor = factor_.data() + (rows_ > 1 ? run.level : 0) * channels;
        share(run.team, x.positions(), 32 * channels, [&](std::size_t first, std::size_t last) {
            for (std::size_t n = first; n < last; ++n) {
                const From* from = x.as<From>() + n * channels;
                To* to = out.as<To>() + n * channels;
                for (std::size_t c = 0; c < channels; ++c) {
                    const std::int64_t v = (std::int64_t{from[c]} * factor[c] + half_[c]) >> shift_[c];
                    to[c] = static_cast<To>(std::clamp<std::int64_t>(v, low_, high_));
                }
            }
        });
    }

    std::int32_t low_, high_;
    Type type_;
    std::size_t rows_;
    std::vector<std::int32_t> factor_, shift_;
    std::vector<std::int64_t> half_;
};

class Lookup final : public Prepared {
public:
    explicit Lookup(const Operation& op) : shift_(op.parameters[0]), table_(op.tensors[0]->count()) {
        for (std::size_t i = 0; i < table_.size(); ++i) {
            table_[i] = static_cast<std::int16_t>(op.tensors[0]->at(i));
        }
    }
    Array run(const std::vector<const Array*>& x, const Run& run) const override {
        Array out = Array::make(Type::i16, x[0]->height, x[0]->width, x[0]->channels);
        x[0]->type == Type::i32 ? look<std::int32_t>(*x[0], out, run)
                                : look<std::int16_t>(*x[0], out, run);
        return out;
    }

private:
    template <typename From>
    void look(const Array& x, const Array& out, const Run& run) const {
        const auto reach = static_cast<std::int64_t>(table_.size() / 2);
        const std::int64_t half = shift_ > 0 ? std::int64_t{1} << (shift_ - 1) : 0;
        const From* from = x.as<From>();
        auto* to = out.as<std::int16_t>();
        each(run, x.count(), [&](std::size_t n) {
            const std::int64_t at = std::clamp((from[n] + half) >> shift_, -reach, reach) + reach;
            to[n] = table_[static_cast<std::size_t>(at)];
        });
    }

    std::int32_t shift_;
    std::vector<std::int16_t> table_;
};

class Concat final : public Prepared {
public:
    Array run(const std::vector<const Array*>& x, const Run&) const override {
        std::size_t channels = 0;
        for (const Array* part : x) {
            require_same_size(*part, *x[0]);
            channels += part->channels;
        }
        Array out = Array::make(x[0]->type, x[0]->height, x[0]->width, channels);
        auto* to = out.as<std::uint8_t>();
        for (std::size_t n = 0; n < out.positions(); ++n) {
            for (const Array* part : x) {
                const std::size_t width = width_of(*part);
                std::memcpy(to, part->as<std::uint8_t>() + n * width, width);
                to += width;
            }
        }
        return out;
    }
};

class Cell final : public Prepared {
public:
    explicit Cell(const Operation& op) : cell_(static_cast<std::size_t>(op.parameters[0])) {}
    Array run(const std::vector<const Array*>& x, const Run&) const override {
        const std::size_t row = cell_ / 2, column = cell_ % 2, width = width_of(*x[0]);
        Array out = Array::make(x[0]->type, (x[0]->height + 1 - row) / 2,
                                (x[0]->width + 1 - column) / 2, x[0]->channels);
        auto* to = out.as<std::uint8_t>();
        for (std::size_t i = 0; i < out.height; ++i) {
            for (std::size_t j = 0; j < out.width; ++j, to += width) {
                const std::size_t from = (2 * i + row) * x[0]->width + 2 * j + column;
                std::memcpy(to, x[0]->as<std::uint8_t>() + from * width, width);
            }
        }
        return out;
    }

private:
    std::size_t cell_;
};

class Join final : public Prepared {
public:
    Array run(const std::vector<const Array*>& x, const Run&) const override {
        for (const Array* part : x) require_same_size(*part, *x[0]);
        const std::size_t width = width_of(*x[0]);
        Array out = Array::make(x[0]->type, 2 * x[0]->height, 2 * x[0]->width, x[0]->channels);
        auto* to = out.as<std::uint8_t>();
        for (std::size_t i = 0; i < out.height; ++i) {
            for (std::size_t j = 0; j < out.width; ++j, to += width) {
                const Array& part = *x[2 * (i % 2) + j % 2];
                std::memcpy(to, part.as<std::uint8_t>() + (i / 2 * part.width + j / 2) * width, width);
            }
        }
        return out;
    }
};

}  // namespace

std::int16_t sigmoid(std::int16_t gate) {
    const std::int32_t g = gate;
    const std::int32_t a = std::max<std::int32_t>(g, sat(-g));
    const std::int32_t t = sat(2 * (a - 16384));
    std::int32_t p = 877;
    for (const std::int32_t k : {-2136, -1055, 5850, -11668, 11992}) p = sat(q15(p, t) + k);
    p = q15(p, p);
    p = q15(p, p);
    return static_cast<std::int16_t>(g <= 0 ? p : std::min(32768 - p, 32767));
}

std::unique_ptr<Prepared> prepare_simple(const Operation& op) {
    switch (op.kind) {
        case Kind::add: return std::make_unique<Add>(op);
        case Kind::glu: return std::make_unique<Glu>();
        case Kind::scale: return std::make_unique<Scale>(op);
        case Kind::lookup: return std::make_unique<Lookup>(op);
        case Kind::concat: return std::make_unique<Concat>();
        case Kind::cell: return std::make_unique<Cell>(op);
        case Kind::join: return std::make_unique<Join>();
        default: throw std::logic_error("an operation with sums");
    }
}

}  // namespace networks::detail
