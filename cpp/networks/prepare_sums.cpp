// Operations with weights: linear, depthwise, gated_block.
#include <algorithm>
#include <array>
#include <cstring>

#include "prepare.hpp"

namespace networks::detail {
namespace {

// Channel of a panel that stands at `place` of the kernel order.
std::size_t channel_at(std::size_t place, std::size_t panel) {
    const std::size_t lanes = panel / 2, half = place / lanes, lane = place % lanes;
    return lane / 4 * 8 + half * 4 + lane % 4;
}

// Weights of one word, (channel, input 0 or 1) -> weight, to where kernels have them.
template <typename At>
void put_word(std::int16_t* out, const Kernels& kernels, At&& at) {
    const std::size_t panel = kernels.panel;
    for (std::size_t place = 0; place < panel; ++place) {
        if (kernels.order == Order::kPairs) {
            const std::size_t channel = channel_at(place, panel);
            out[2 * place] = at(channel, 0);
            out[2 * place + 1] = at(channel, 1);
        } else {
            out[place] = at(place, 0);
            out[panel + place] = at(place, 1);
        }
    }
}

}  // namespace

Constants::Constants(const Kernels& kernels, const Tensor& bias, const Tensor& shift)
    : rows_(bias.shape[0]), padded_(padded_to(shift.count(), kernels.panel)),
      bias_(rows_ * padded_), shift_(padded_) {
    const std::size_t outputs = shift.count();
    for (std::size_t place = 0; place < padded_; ++place) {
        const std::size_t panel = place / kernels.panel * kernels.panel;
        const std::size_t channel = panel + channel_at(place - panel, kernels.panel);
        if (channel >= outputs) continue;
        shift_.data()[place] = shift.at(channel);
        for (std::size_t row = 0; row < rows_; ++row) {
            bias_.data()[row * padded_ + place] =
                bias.at(row * outputs + channel) + half_of(shift.at(channel));
        }
    }
}

Weights::Weights(const Kernels& kernels, const Tensor& weight) {
    const std::size_t outputs = weight.shape[0], inputs = weight.shape[1];
    words_ = padded_to(inputs, 8) / 2;
    const std::size_t panels = padded_to(outputs, kernels.panel) / kernels.panel;
    const std::size_t size = 2 * kernels.panel;  // weights of a word
    packed_.resize(panels * words_ * size);
    // A plain copy first: elements of a tensor are slow to reach one by one.
    std::vector<std::int16_t> plain(outputs * 2 * words_);
    for (std::size_t o = 0; o < outputs; ++o) {
        std::int16_t* row = plain.data() + o * 2 * words_;
        if (weight.type == Type::i16) {
            std::memcpy(row, weight.data.data() + 2 * o * inputs, 2 * inputs);
        } else {
            for (std::size_t i = 0; i < inputs; ++i) {
                row[i] = static_cast<std::int16_t>(weight.at(o * inputs + i));
            }
        }
    }
    pack_rows(kernels, plain.data(), outputs, words_, packed_.data());
}

void pack_rows(const Kernels& kernels, const std::int16_t* rows, std::size_t outputs,
               std::size_t words, std::int16_t* packed) {
    const std::size_t panels = padded_to(outputs, kernels.panel) / kernels.panel;
    const std::size_t size = 2 * kernels.panel;  // weights of a word
    // A word is two weights of one row side by side.
    for (std::size_t panel = 0; panel < panels; ++panel) {
        std::int16_t* const to = packed + panel * words * size;
        for (std::size_t place = 0; place < kernels.panel; ++place) {
            const bool pairs = kernels.order == Order::kPairs;
            const std::size_t channel = pairs ? channel_at(place, kernels.panel) : place;
            const std::size_t o = panel * kernels.panel + channel;
            if (o >= outputs) continue;
            const std::int16_t* const row = rows + o * 2 * words;
            for (std::size_t word = 0; word < words; ++word) {
                std::int16_t* const at = to + word * size;
                if (pairs) {
                    std::memcpy(at + 2 * place, row + 2 * word, 2 * sizeof *row);
                } else {
                    at[place] = row[2 * word];
                    at[kernels.panel + place] = row[2 * word + 1];
                }
            }
        }
    }
}

namespace {

std::vector<std::int32_t> integers(const Tensor& tensor, std::size_t padded) {
    std::vector<std::int32_t> values(padded);
    for (std::size_t i = 0; i < tensor.count(); ++i) values[i] = tensor.at(i);
    return values;
}

// Positions of one strip, and the sums that come out.
class Strip {
public:
    Strip(std::size_t words, std::size_t outputs)
        : stride_(2 * words), inputs_(kStrip * stride_), sums_(kStrip * outputs) {}
    std::int16_t* input(std::size_t n) { return inputs_.data() + n * stride_; }
    std::int32_t* sums() { return sums_.data(); }
    std::size_t stride() const { return stride_; }

private:
    std::size_t stride_;
    Packed<std::int16_t> inputs_;
    Packed<std::int32_t> sums_;
};

class Linear final : public Prepared, public ByRows {
public:
    Linear(const Operation& op, const Kernels& kernels)
        : kernels_(kernels), type_(static_cast<Type>(op.parameters[2])), outputs_(op.tensors[0]->shape[0]),
          weights_(kernels, *op.tensors[0]), constants_(kernels, *op.tensors[1], *op.tensors[2]),
          low_(integers(*op.tensors[3], constants_.padded())),
          high_(integers(*op.tensors[4], constants_.padded())) {
        fold = static_cast<std::size_t>(op.parameters[0]);
        unfold = static_cast<std::size_t>(op.parameters[1]);
    }

    std::size_t levels() const override { return constants_.rows(); }

    const ByRows* by_rows() const override { return this; }

    Array room(std::size_t height, std::size_t width, std::size_t rows) const override {
        if (height % fold != 0 || width % fold != 0) {
            throw std::invalid_argument("an array's sides are no multiples of the fold");
        }
        return Array::make(type_, rows, width / fold * unfold, outputs_ / (unfold * unfold));
    }

    Array run(const std::vector<const Array*>& arguments, const Run& run) const override {
        const Array& x = *arguments[0];
        const RowsOf out{room(x.height, x.width, x.height / fold * unfold)};
        run_rows({x}, out, 0, out.array.height, run);
        return out.array;
    }

    void run_rows(const RowsOf& x, const RowsOf& out, std::size_t first_row, std::size_t last_row,
                  const Run& run) const override {
        const std::size_t width = x.array.width / fold;
        const Product product{weights_.words(), constants_.padded(), weights_.data(),
                              constants_.bias(run.level), constants_.shift()};
        const std::size_t begin = first_row / unfold * width, end = last_row / unfold * width;
        const std::size_t strips = (end - begin + kStrip - 1) / kStrip;
        share(run.team, strips, kStrip * 2 * product.words * product.outputs,
              [&](std::size_t first, std::size_t last) {
                  Strip strip(product.words, product.outputs);
                  for (std::size_t s = first; s < last; ++s) {
                      const std::size_t start = begin + s * kStrip;
                      const std::size_t count = std::min(kStrip, end - start);
                      for (std::size_t n = 0; n < count; ++n) {
                          gather(x, (start + n) / width, (start + n) % width, strip.input(n));
                      }
                      kernels_.product(product, strip.input(0), strip.stride(), count, strip.sums());
                      for (std::size_t n = 0; n < count; ++n) {
                          scatter(strip.sums() + n * product.outputs, (start + n) / width,
                                  (start + n) % width, out);
                      }
                  }
              });
    }

private:
    // The fold x fold positions of x at (row, column), as 16 bits.
    void gather(const RowsOf& x, std::size_t row, std::size_t column, std::int16_t* to) const {
        const std::size_t channels = x.array.channels, run = fold * channels;
        for (std::size_t i = 0; i < fold; ++i) {
            const std::size_t from = x.offset(row * fold + i) + column * fold * channels;
            if (x.array.type == Type::i16) {
                std::memcpy(to + i * run, x.array.as<std::int16_t>() + from, 2 * run);
            } else {
                const std::uint8_t* bytes = x.array.as<std::uint8_t>() + from;
                for (std::size_t k = 0; k < run; ++k) to[i * run + k] = bytes[k];
            }
        }
    }

    void scatter(const std::int32_t* sums, std::size_t row, std::size_t column,
                 const RowsOf& out) const {
        const std::size_t channels = out.array.channels, run = unfold * channels;
        for (std::size_t i = 0; i < unfold; ++i) {
            const std::size_t to = out.offset(row * unfold + i) + column * unfold * channels;
            const std::size_t from = i * run;
            if (type_ == Type::i16) {
                kernels_.narrow(sums + from, low_.data() + from, high_.data() + from, run,
                                out.array.as<std::int16_t>() + to);
            } else if (type_ == Type::u8) {
                std::uint8_t* bytes = out.array.as<std::uint8_t>() + to;
                for (std::size_t k = 0; k < run; ++k) {
                    bytes[k] = static_cast<std::uint8_t>(clamped(sums, from + k));
                }
            } else {
                std::int32_t* values = out.array.as<std::int32_t>() + to;
                for (std::size_t k = 0; k < run; ++k) values[k] = clamped(sums, from + k);
            }
        }
    }

    std::int32_t clamped(const std::int32_t* sums, std::size_t k) const {
        return std::max(std::min(sums[k], high_[k]), low_[k]);
    }

    const Kernels& kernels_;
    Type type_;
    std::size_t outputs_;
    Weights weights_;
    Constants constants_;
    std::vector<std::int32_t> low_, high_;
};

// A 3x3 filter: by kernels where channels are whole panels, in plain code otherwise.
class SpatialFilter {
public:
    SpatialFilter(const Tensor& weight, const Tensor& bias, const Tensor& shift, std::int32_t limit,
                  const Kernels& kernels)
        : channels_(shift.count()), limit_(static_cast<std::int16_t>(limit)),
          plain_(9 * channels_), plain_bias_(bias.count()), plain_shift_(channels_),
          constants_(kernels, bias, shift) {
        for (std::size_t i = 0; i < plain_.size(); ++i) {
            plain_[i] = static_cast<std::int16_t>(weight.at(i));
        }
        for (std::size_t i = 0; i < plain_bias_.size(); ++i) plain_bias_[i] = bias.at(i);
        for (std::size_t c = 0; c < channels_; ++c) plain_shift_[c] = shift.at(c);
        fits_ = kernels.filter != nullptr && channels_ % kernels.panel == 0 && channels_ <= kMostBlock;
        if (!fits_) return;
        const std::size_t size = 2 * kernels.panel;
        packed_.resize(channels_ * 2 * 6);
        std::int16_t* to = packed_.data();
        for (std::size_t panel = 0; panel < channels_; panel += kernels.panel) {
            for (std::size_t i = 0; i < 3; ++i, to += 2 * size) {
                put_word(to, kernels, [&](std::size_t c, std::size_t k) {
                    return plain_[(3 * i + k) * channels_ + panel + c];
                });
                put_word(to + size, kernels, [&](std::size_t c, std::size_t k) {
                    return k == 0 ? plain_[(3 * i + 2) * channels_ + panel + c] : std::int16_t{0};
                });
            }
        }
    }

    bool fits() const { return fits_; }
    std::size_t rows() const { return constants_.rows(); }
    std::size_t channels() const { return channels_; }

    Filter at(std::size_t level) const {
        return {channels_, packed_.data(), constants_.bias(level), constants_.shift(), limit_};
    }

    // One position, in plain code.
    void plain(const Plane& plane, std::size_t position, std::size_t level, std::int16_t* out) const {
        const std::size_t row = position / plane.width, column = position % plane.width;
        const std::int32_t* bias = plain_bias_.data() + (rows() > 1 ? level : 0) * channels_;
        for (std::size_t c = 0; c < channels_; ++c) {
            std::int32_t sum = bias[c] + half_of(plain_shift_[c]);
            for (std::size_t k = 0; k < 9; ++k) {
                const std::size_t r = row + k / 3 - 1, q = column + k % 3 - 1;  // wraps round
                if (r >= plane.height || q >= plane.width) continue;
                sum += std::int32_t{plain_[k * channels_ + c]} *
                       plane.from(r * plane.width + q, channels_)[c];
            }
            sum >>= plain_shift_[c];
            out[c] = static_cast<std::int16_t>(std::clamp<std::int32_t>(sum, -limit_, limit_));
        }
    }

private:
    std::size_t channels_;
    std::int16_t limit_;
    std::vector<std::int16_t> plain_;
    std::vector<std::int32_t> plain_bias_, plain_shift_;
    Constants constants_;
    Packed<std::int16_t> packed_;
    bool fits_ = false;
};

class Depthwise final : public Prepared {
public:
    Depthwise(const Operation& op, const Kernels& kernels)
        : kernels_(kernels),
          filter_(*op.tensors[0], *op.tensors[1], *op.tensors[2], op.parameters[0], kernels) {}

    std::size_t levels() const override { return filter_.rows(); }

    Array run(const std::vector<const Array*>& arguments, const Run& run) const override {
        const Array& x = *arguments[0];
        Array out = Array::make(Type::i16, x.height, x.width, x.channels);
        const Plane plane{x.as<const std::int16_t>(), out.as<std::int16_t>(), x.height, x.width, 0, 0};
        share(run.team, x.positions(), 9 * x.channels, [&](std::size_t first, std::size_t last) {
            if (filter_.fits()) return kernels_.filter(filter_.at(run.level), plane, first, last);
            for (std::size_t n = first; n < last; ++n) {
                filter_.plain(plane, n, run.level, plane.to(n, x.channels));
            }
        });
        return out;
    }

private:
    const Kernels& kernels_;
    SpatialFilter filter_;
};

class Gated final : public Prepared, public ByRows {
public:
    Gated(const Operation& op, const Kernels& kernels)
        : kernels_(kernels), hidden_(op.tensors[6]->shape[1]),
          value_limit_(static_cast<std::int16_t>(op.parameters[1])),
          filter_(*op.tensors[0], *op.tensors[1], *op.tensors[2], op.parameters[0], kernels),
          expand_(kernels, *op.tensors[3]), expand_constants_(kernels, *op.tensors[4], *op.tensors[5]),
          reduce_(kernels, *op.tensors[6]), reduce_constants_(kernels, *op.tensors[7], *op.tensors[8]),
          gain_rows_(op.tensors[9]->shape[0]), gain_(op.tensors[9]->count()) {
        for (std::size_t i = 0; i < op.tensors[9]->count(); ++i) {
            gain_.data()[i] = static_cast<std::int16_t>(op.tensors[9]->at(i));
        }
        reach = 1;
        fits_ = kernels.gated_block != nullptr && filter_.fits() && hidden_ % kernels.panel == 0 &&
                hidden_ <= kMostBlock;
    }

    std::size_t levels() const override { return gain_rows_; }

    const ByRows* by_rows() const override { return this; }

    Array room(std::size_t, std::size_t width, std::size_t rows) const override {
        return Array::make(Type::i16, rows, width, filter_.channels());
    }

    Array run(const std::vector<const Array*>& arguments, const Run& run) const override {
        const Array& x = *arguments[0];
        const RowsOf out{room(x.height, x.width, x.height)};
        run_rows({x}, out, 0, x.height, run);
        return out.array;
    }

    void run_rows(const RowsOf& x, const RowsOf& out, std::size_t first_row, std::size_t last_row,
                  const Run& run) const override {
        const std::size_t channels = filter_.channels(), width = x.array.width;
        const Plane plane{x.array.as<const std::int16_t>(), out.array.as<std::int16_t>(),
                          x.array.height, width, x.first, out.first};
        const Product expand{expand_.words(), expand_constants_.padded(), expand_.data(),
                             expand_constants_.bias(0), expand_constants_.shift()};
        const Product reduce{reduce_.words(), reduce_constants_.padded(), reduce_.data(),
                             reduce_constants_.bias(0), reduce_constants_.shift()};
        const GatedBlock block{filter_.at(0), expand,       reduce,
                               hidden_,       value_limit_, gain(run.level)};
        const std::size_t begin = first_row * width, end = last_row * width;
        const std::size_t strips = (end - begin + kStrip - 1) / kStrip;
        share(run.team, strips, kStrip * channels * (9 + 3 * hidden_),
              [&](std::size_t first, std::size_t last) {
                  const std::size_t start = begin + first * kStrip;
                  const std::size_t stop = std::min(begin + last * kStrip, end);
                  if (fits_) return kernels_.gated_block(block, plane, start, stop);
                  plain(block, plane, start, stop);
              });
    }

private:
    const std::int16_t* gain(std::size_t level) const {
        return gain_.data() + (gain_rows_ > 1 ? level : 0) * filter_.channels();
    }

    void plain(const GatedBlock& block, const Plane& plane, std::size_t first,
               std::size_t last) const {
        const std::size_t channels = filter_.channels();
        Strip filtered(expand_.words(), block.expand.outputs);
        Strip gated(reduce_.words(), block.reduce.outputs);
        for (std::size_t start = first; start < last; start += kStrip) {
            const std::size_t count = std::min(kStrip, last - start);
            for (std::size_t n = 0; n < count; ++n) {
                filter_.plain(plane, start + n, 0, filtered.input(n));
            }
            kernels_.product(block.expand, filtered.input(0), filtered.stride(), count,
                             filtered.sums());
            for (std::size_t n = 0; n < count; ++n) {
                const std::int32_t* sums = filtered.sums() + n * block.expand.outputs;
                for (std::size_t h = 0; h < hidden_; ++h) {
                    const std::int32_t limit = value_limit_;
                    gated.input(n)[h] = q15(std::clamp(sums[h], -limit, limit),
                                            sigmoid(sat(sums[hidden_ + h])));
                }
            }
            kernels_.product(block.reduce, gated.input(0), gated.stride(), count, gated.sums());
            for (std::size_t n = 0; n < count; ++n) {
                const std::int32_t* sums = gated.sums() + n * block.reduce.outputs;
                const std::int16_t* from = plane.from(start + n, channels);
                std::int16_t* to = plane.to(start + n, channels);
                for (std::size_t c = 0; c < channels; ++c) {
                    to[c] = sat(from[c] + q15(sat(sums[c]), block.gain[c]));
                }
            }
        }
    }

    const Kernels& kernels_;
    std::size_t hidden_;
    std::int16_t value_limit_;
    SpatialFilter filter_;
    Weights expand_;
    Constants expand_constants_;
    Weights reduce_;
    Constants reduce_constants_;
    std::size_t gain_rows_;
    Packed<std::int16_t> gain_;
    bool fits_;
};

}  // namespace

std::unique_ptr<Prepared> prepare_linear(const Operation& op, const Kernels& kernels) {
    return std::make_unique<Linear>(op, kernels);
}

std::unique_ptr<Prepared> prepare_depthwise(const Operation& op, const Kernels& kernels) {
    return std::make_unique<Depthwise>(op, kernels);
}

std::unique_ptr<Prepared> prepare_gated_block(const Operation& op, const Kernels& kernels) {
    return std::make_unique<Gated>(op, kernels);
}

}  // namespace networks::detail
