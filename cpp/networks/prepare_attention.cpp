// Attention in windows: products of queries and keys, weights, and means of values, by the same kernels
// as layers with weights.
#include <algorithm>
#include <array>
#include <cstring>

#include "prepare.hpp"

namespace networks::detail {
namespace {

constexpr std::int32_t kMostOctaves = 4095;  // in 2^-8
constexpr unsigned kWeightBits = 15;

// 2^14 times 2 to the power of -t / 256, for t of 0 .. kMostOctaves.
constexpr std::array<std::uint16_t, kMostOctaves + 1> powers() {
    std::array<std::uint16_t, kMostOctaves + 1> all{};
    for (std::int32_t t = 0; t <= kMostOctaves; ++t) {
        const std::int32_t f = t & 255;
        const std::int32_t part = (11003 * f - ((2811 * f * f) >> 8)) >> 8;
        all[static_cast<std::size_t>(t)] = static_cast<std::uint16_t>((16384 - part) >> (t >> 8));
    }
    return all;
}

constexpr auto kPowers = powers();

// A product whose second factor changes: constants are the same for all outputs.
class Changing {
public:
    Changing(const Kernels& kernels, std::size_t inputs, std::size_t outputs)
        : kernels_(kernels), words_(padded_to(inputs, 8) / 2), padded_(padded_to(outputs, kernels.panel)),
          rows_(padded_ * 2 * words_), packed_(padded_ * 2 * words_), bias_(padded_), shift_(padded_),
          sums_(kStrip * padded_) {}

    std::size_t stride() const { return 2 * words_; }  // of inputs
    std::int16_t* row(std::size_t output) { return rows_.data() + output * stride(); }
    void pack() { pack_rows(kernels_, rows_.data(), padded_, words_, packed_.data()); }

    void set_shift(std::int32_t shift) {
        std::fill_n(bias_.data(), padded_, half_of(shift));
        std::fill_n(shift_.data(), padded_, shift);
    }

    // done(n, sums) for `count` inputs, `stride` values apart.
    template <typename Done>
    void run(const std::int16_t* x, std::size_t count, Done&& done) {
        const Product product{words_, padded_, packed_.data(), bias_.data(), shift_.data()};
        for (std::size_t first = 0; first < count; first += kStrip) {
            const std::size_t rows = std::min(kStrip, count - first);
            kernels_.product(product, x + first * stride(), stride(), rows, sums_.data());
            for (std::size_t n = 0; n < rows; ++n) done(first + n, sums_.data() + n * padded_);
        }
    }

private:
    const Kernels& kernels_;
    std::size_t words_, padded_;
    Packed<std::int16_t> rows_, packed_;
    Packed<std::int32_t> bias_, shift_, sums_;
};

class Attention final : public Prepared {
public:
    Attention(const Operation& op, const Kernels& kernels)
        : kernels_(kernels), heads_(static_cast<std::size_t>(op.parameters[0])),
          window_(static_cast<std::size_t>(op.parameters[1])),
          shift_(static_cast<std::size_t>(op.parameters[2])), limit_(op.parameters[3]) {
        const std::size_t table = side() * side();
        bias_.resize(heads_ * table);
        for (std::size_t n = 0; n < bias_.size(); ++n) {
            const std::size_t head = n / table * table, last = head + table - 1;
            bias_[n] = static_cast<std::int16_t>(op.tensors[0]->at(last - (n - head)));
        }
        for (std::size_t h = 0; h < heads_; ++h) logit_shift_.push_back(op.tensors[1]->at(h));
    }

    Array run(const std::vector<const Array*>& arguments, const Run& run) const override {
        const Array& x = *arguments[0];
        const std::size_t depth = x.channels / (3 * heads_), size = window_ * window_;
        Array out = Array::make(Type::i16, x.height, x.width, x.channels / 3);
        const std::size_t rows = (x.height + shift_ + window_ - 1) / window_;
        const std::size_t columns = (x.width + shift_ + window_ - 1) / window_;
        share(run.team, rows * columns, 2 * heads_ * size * size * depth,
              [&](std::size_t first, std::size_t last) {
                  Windows windows(*this, depth);
                  for (std::size_t n = first; n < last; ++n) {
                      windows.run(x, out, n / columns * window_, n % columns * window_);
                  }
              });
        return out;
    }

private:
    std::size_t side() const { return 2 * window_ - 1; }  // of a table of distances
    // Where a position of a window stands in such a table.
    std::size_t offset(std::size_t within) const { return within / window_ * side() + within % window_; }

    // One window after another, with the memory that they need.
    class Windows {
    public:
        Windows(const Attention& of, std::size_t depth)
            : of_(of), depth_(depth), size_(of.window_ * of.window_), keys_(of.kernels_, depth, size_),
              values_(of.kernels_, size_, depth), queries_((size_ + kStrip) * keys_.stride()),
              weights_((size_ + kStrip) * values_.stride()), logits_(size_) {
            values_.set_shift(kWeightBits);
        }

        // The window that begins at (top, left) of the array with `shift` positions around it.
        void run(const Array& x, const Array& out, std::size_t top, std::size_t left) {
            inside_.clear();
            for (std::size_t n = 0; n < size_; ++n) {  // wraps round outside
                const std::size_t row = top + n / of_.window_ - of_.shift_;
                const std::size_t column = left + n % of_.window_ - of_.shift_;
                if (row >= x.height || column >= x.width) continue;
                inside_.push_back({of_.offset(n), row * x.width + column});
            }
            if (inside_.empty()) return;
            for (std::size_t head = 0; head < of_.heads_; ++head) {
                gather(x, head);
                keys_.set_shift(of_.logit_shift_[head]);
                keys_.run(queries_.data(), inside_.size(), [&](std::size_t n, const std::int32_t* logits) {
                    weigh(head, n, logits);
                });
                values_.run(weights_.data(), inside_.size(), [&](std::size_t n, const std::int32_t* sums) {
                    std::int16_t* to = out.as<std::int16_t>() + inside_[n].position * out.channels;
                    for (std::size_t c = 0; c < depth_; ++c) {
                        to[head * depth_ + c] = static_cast<std::int16_t>(
                            std::clamp(sums[c], -of_.limit_, of_.limit_));
                    }
                });
            }
        }

    private:
        struct Place {
            std::size_t offset, position;  // in a table of distances, in the array
        };

        // Queries, keys and values of a head, of the positions inside; what follows them counts nothing.
        void gather(const Array& x, std::size_t head) {
            const std::size_t third = x.channels / 3;
            for (std::size_t n = 0; n < inside_.size(); ++n) {
                const std::int16_t* from =
                    x.as<std::int16_t>() + inside_[n].position * x.channels + head * depth_;
                std::memcpy(queries_.data() + n * keys_.stride(), from, 2 * depth_);
                std::memcpy(keys_.row(n), from + third, 2 * depth_);
                for (std::size_t c = 0; c < depth_; ++c) values_.row(c)[n] = from[2 * third + c];
            }
            keys_.pack();
            values_.pack();
        }

        // Weights of the keys for query n.
        void weigh(std::size_t head, std::size_t n, const std::int32_t* logits) {
            const std::size_t count = inside_.size();
            // The table is turned round: keys that follow one another do so in it.
            const std::size_t side = of_.side(), middle = (side * side - 1) / 2;
            const std::int16_t* bias =
                of_.bias_.data() + head * side * side + middle - inside_[n].offset;
            std::int32_t* const t = logits_.data();
            std::int32_t most = INT32_MIN;
            for (std::size_t k = 0; k < count; ++k) {
                t[k] = logits[k] + bias[inside_[k].offset];
                most = t[k] > most ? t[k] : most;
            }
            std::uint32_t sum = 0;
            for (std::size_t k = 0; k < count; ++k) {
                const std::int32_t below = std::min(most - t[k], kMostOctaves);
                t[k] = kPowers[static_cast<std::size_t>(below)];
                sum += static_cast<std::uint32_t>(t[k]);
            }
            const std::uint32_t part = 0x7fffffffu / sum;
            std::int16_t* const to = weights_.data() + n * values_.stride();
            for (std::size_t k = 0; k < count; ++k) {
                const std::uint32_t w = (static_cast<std::uint32_t>(t[k]) * part + 0x8000u) >> 16;
                to[k] = static_cast<std::int16_t>(std::min(w, 32767u));
            }
            std::fill(to + count, to + values_.stride(), std::int16_t{0});
        }

        const Attention& of_;
        std::size_t depth_, size_;
        Changing keys_, values_;
        Packed<std::int16_t> queries_, weights_;
        Packed<std::int32_t> logits_;
        std::vector<Place> inside_;
    };

    const Kernels& kernels_;
    std::size_t heads_, window_, shift_;
    std::int32_t limit_;
    std::vector<std::int16_t> bias_;  // by head, the last distance first
    std::vector<std::int32_t> logit_shift_;
};

}  // namespace

std::unique_ptr<Prepared> prepare_attention(const Operation& op, const Kernels& kernels) {
    return std::make_unique<Attention>(op, kernels);
}

}  // namespace networks::detail
