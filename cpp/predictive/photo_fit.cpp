#include "photo_fit.hpp"

#include <algorithm>
#include <cmath>

#include "photo_wave.hpp"

namespace predictive {
namespace {

constexpr std::size_t kSampled = 40000;  // pixels that are enough
constexpr int kRows = kMostLinear + 1;   // inputs, and what they should give

// Sums of products of one channel's inputs, weighted so that large errors count less.
class Sums {
public:
    Sums(int channel, const PhotoKernels& kernels)
        : channel_(channel), rows_(kLinear[channel] + 1), kernels_(kernels),
          inputs_(static_cast<std::size_t>(rows_) * kChunk),
          weighted_(static_cast<std::size_t>(rows_) * kChunk), error_(kChunk) {}

    std::int16_t* next() { return inputs_.data() + count_; }

    // Takes the lanes of `mask` of what was written to next().
    void add(unsigned mask) {
        for (int l = 0; l < kLanes && mask != 0xffff; ++l) {
            if (mask >> l & 1) continue;
            for (int i = 0; i < rows_; ++i) next()[i * kChunk + l] = 0;
        }
        for (int l = 0; l < kLanes; ++l) samples_ += mask >> l & 1;
        count_ += kLanes;
        if (count_ == kChunk) flush();
    }

    void flush() {
        const std::int16_t* const defaults = PhotoModel::get().defaults(channel_);
        const std::size_t target = static_cast<std::size_t>(rows_ - 1) * kChunk;
        for (std::size_t n = 0; n < count_; ++n) error_[n] = inputs_[target + n] * (1 << kWeightBits);
        for (int i = 0; i + 1 < rows_; ++i) {
            const std::int16_t* const row = &inputs_[static_cast<std::size_t>(i) * kChunk];
            const std::int32_t coefficient = defaults[i];
            for (std::size_t n = 0; n < count_; ++n) error_[n] -= row[n] * coefficient;
        }
        // About 256 / (1 + |error| / s): least squares with it come near to least absolute errors.
        for (std::size_t n = 0; n < count_; ++n) {
            const std::int32_t size = std::abs(error_[n] >> kWeightBits);
            error_[n] = 20480 / (80 + size);
        }
        for (int i = 0; i < rows_; ++i) {
            const std::size_t row = static_cast<std::size_t>(i) * kChunk;
            for (std::size_t n = 0; n < count_; ++n) {
                weighted_[row + n] = static_cast<std::int16_t>(inputs_[row + n] * error_[n] >> 8);
            }
        }
        kernels_.products(weighted_.data(), inputs_.data(), rows_, static_cast<int>(count_), sums_.data());
        count_ = 0;
    }

    double at(int i, int j) const {
        return static_cast<double>(sums_[static_cast<std::size_t>(std::max(i, j) * kRows + std::min(i, j))]);
    }
    std::size_t samples() const { return samples_; }
    int inputs() const { return rows_ - 1; }

private:
    int channel_, rows_;
    const PhotoKernels& kernels_;
    std::vector<std::int16_t> inputs_, weighted_;
    std::vector<std::int32_t> error_;
    std::array<std::int64_t, kRows * kRows> sums_{};
    std::size_t count_ = 0, samples_ = 0;
};

using Vector = std::array<double, kMostLinear>;

// Weighted squared error of coefficients in units of 2^-10.
double error_of(const Sums& sums, const Vector& c) {
    const int n = sums.inputs();
    double error = sums.at(n, n);
    for (int i = 0; i < n; ++i) {
        double row = -2 * sums.at(i, n);
        for (int j = 0; j < n; ++j) row += sums.at(i, j) * c[static_cast<std::size_t>(j)];
        error += row * c[static_cast<std::size_t>(i)];
    }
    return std::max(error, 1.0);
}

// Solves for what has to be added to the defaults; a little weight keeps it small where samples say nothing.
Vector solve(const Sums& sums, const Vector& defaults) {
    const int n = sums.inputs();
    double a[kMostLinear][kMostLinear], b[kMostLinear];
    const double ridge = 65536.0 * 24 + 1e-4 * sums.at(n, n);
    for (int i = 0; i < n; ++i) {
        b[i] = sums.at(i, n);
        for (int j = 0; j < n; ++j) {
            a[i][j] = sums.at(i, j);
            b[i] -= a[i][j] * defaults[static_cast<std::size_t>(j)];
        }
        a[i][i] += ridge;
    }
    for (int k = 0; k < n; ++k) {  // a = L D L^T, L below the diagonal
        for (int i = k + 1; i < n; ++i) {
            const double factor = a[i][k] / a[k][k];
            for (int j = k + 1; j < n; ++j) a[i][j] -= factor * a[k][j];
            b[i] -= factor * b[k];
        }
    }
    Vector x{};
    for (int i = n; i-- > 0;) {
        double v = b[i];
        for (int j = i + 1; j < n; ++j) v -= a[i][j] * x[static_cast<std::size_t>(j)];
        x[static_cast<std::size_t>(i)] = v / a[i][i];
    }
    return x;
}

// The logarithm to 2^-16, of additions and products alone: the same on every machine.
double log2_of(double value) {
    int exponent = 0;
    double rest = std::frexp(value, &exponent);  // 0.5 .. 1
    double found = exponent, bit = 1;
    for (int i = 0; i < 16; ++i) {
        rest *= rest;
        bit /= 2;
        if (rest < 0.5) {
            rest *= 2;
            found -= bit;
        }
    }
    return found;
}

// The precision at which the bits of all samples and of the coefficients are fewest.
Coefficients chosen(const Sums& sums, int channel, std::size_t pixels) {
    const int n = sums.inputs();
    const std::int16_t* const given = PhotoModel::get().defaults(channel);
    Vector defaults{};
    Coefficients best;
    for (int i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        best.values[at] = given[i];
        defaults[at] = given[i] / double{1 << kWeightBits};
    }
    const Vector step = solve(sums, defaults);
    // Half the logarithm of the squared error is about what an error costs; the network saves part of it.
    const double worth = 0.3 * static_cast<double>(pixels);
    double least = worth * log2_of(error_of(sums, defaults)) + coefficient_bits(channel, best);
    for (unsigned precision = 3; precision <= kMostPrecision; ++precision) {
        Coefficients c;
        c.precision = precision;
        Vector v{};
        const int unit = 1 << (kWeightBits - precision);
        for (int i = 0; i < n; ++i) {
            const auto at = static_cast<std::size_t>(i);
            double multiple = std::floor(step[at] * (1 << precision) + 0.5);
            const double most = 16000.0 / unit;  // with the default it stays within 16 bits
            if (!(multiple > -most)) multiple = -most;
            if (multiple > most) multiple = most;
            c.values[at] = static_cast<std::int16_t>(given[i] + static_cast<int>(multiple) * unit);
            v[at] = c.values[at] / double{1 << kWeightBits};
        }
        const double cost = worth * log2_of(error_of(sums, v)) + coefficient_bits(channel, c);
        if (cost < least) {
            least = cost;
            best = c;
        }
    }
    return best;
}

// Sums over one of so many columns.
void add_picture(const Samples& pixels, unsigned bits, const PhotoKernels& kernels, const Setting& setting,
                 const Header& header, std::size_t every, std::vector<Sums>& sums) {
    const std::int32_t highest = (1 << bits) - 1, step = setting.step, error = step / 2;
    const std::size_t channels = pixels.channels;
    Wave wave(pixels.width, pixels.height, static_cast<int>(channels), header.outside(channels));
    Predicted predicted{};
    alignas(64) std::int32_t source[3][kLanes] = {};
    for (std::size_t t = 0; t < wave.steps(); ++t, wave.advance()) {
        const bool sampled = t % every == 0;
        std::int32_t* const record = wave.record();
        const unsigned mask = wave.mask();
        load_samples(pixels, wave, source);
        for (std::size_t c = 0; c < channels; ++c) {
            std::int32_t* const x = record + c * kKinds * kPlane;
            for (int l = 0; l < kLanes; ++l) x[l] = source[c][l] - (c == 0 ? 0 : record[l]);
            kernels.inputs[c](setting, record, predicted, sampled ? sums[c].next() : nullptr);
            if (sampled) sums[c].add(mask);
            // About the errors that coding will leave in what it predicts from.
            for (int l = 0; l < kLanes && step > 1; ++l) {
                const std::int32_t least = c == 0 ? 0 : -record[l];
                const std::int32_t distance = x[l] - predicted.start[l];
                const std::int32_t number = (distance + (distance < 0 ? -error : error)) / step;
                x[l] = std::clamp(predicted.start[l] + number * step, least, least + highest);
            }
            kernels.commit(predicted, static_cast<int>(c), record);
        }
    }
}

}  // namespace

void fit(const Samples& pixels, unsigned bits, const PhotoKernels& kernels, const Setting& setting,
         Header& header) {
    const std::size_t count = pixels.width * pixels.height;
    std::vector<Sums> sums;
    for (std::size_t c = 0; c < pixels.channels; ++c) sums.emplace_back(static_cast<int>(c), kernels);
    add_picture(pixels, bits, kernels, setting, header, count / kSampled | 1, sums);
    for (std::size_t c = 0; c < pixels.channels; ++c) {
        sums[c].flush();
        header.coefficients[c] = chosen(sums[c], static_cast<int>(c), count);
    }
}

}  // namespace predictive
