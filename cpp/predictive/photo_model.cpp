#include "photo_model.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "network_error.hpp"
#include "weights_file.hpp"

namespace predictive {

// The bytes of codec/models/data/predictive-12.weights, from a file that the build makes.
extern const std::uint8_t kWeights[];
extern const std::size_t kWeightsSize;

#ifdef PREDICTIVE_AVX512
extern const PhotoKernels kPhotoAvx512;
#endif
#ifdef PREDICTIVE_AVXVNNI
extern const PhotoKernels kPhotoAvxVnni;
#endif
#ifdef PREDICTIVE_AVX2
extern const PhotoKernels kPhotoAvx2;
#endif
#ifdef PREDICTIVE_LANES4
extern const PhotoKernels kPhotoLanes4;
#endif
extern const PhotoKernels kPhotoScalar;

namespace {

constexpr std::size_t kBins = 152;

std::vector<std::int32_t> tensor(const networks::WeightsFile& file, const std::string& name,
                                 std::size_t count) {
    const networks::Tensor& found = file.find(name, networks::EntryKind::tensor).tensor;
    if (found.count() != count) throw networks::InvalidWeightsFile(name + " has a wrong size");
    std::vector<std::int32_t> values(count);
    found.read(0, values);
    return values;
}

// Weights [outputs][inputs] as pairs of inputs, for each the outputs.
std::vector<std::int32_t> in_pairs(const std::vector<std::int32_t>& weights, std::size_t outputs) {
    const std::size_t inputs = weights.size() / outputs;
    std::vector<std::int32_t> pairs(weights.size() / 2);
    for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t i = 0; i < inputs; i += 2) {
            const auto low = static_cast<std::uint32_t>(weights[o * inputs + i]);
            const auto high = static_cast<std::uint32_t>(weights[o * inputs + i + 1]);
            pairs[i / 2 * outputs + o] = static_cast<std::int32_t>((low & 0xffff) | high << 16);
        }
    }
    return pairs;
}

// The same in fours: inputs 0, 2, 1, 3 from the lowest byte on.
std::vector<std::int32_t> in_quads(const std::vector<std::int32_t>& weights, std::size_t outputs) {
    const std::size_t inputs = weights.size() / outputs;
    std::vector<std::int32_t> quads(weights.size() / 4);
    for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t i = 0; i < inputs; i += 4) {
            const std::int32_t* const w = &weights[o * inputs + i];
            std::uint32_t bytes = 0;
            for (const std::size_t k : {3u, 1u, 2u, 0u}) {
                bytes = bytes << 8 | (static_cast<std::uint32_t>(w[k]) & 0xff);
            }
            quads[i / 4 * outputs + o] = static_cast<std::int32_t>(bytes);
        }
    }
    return quads;
}

}  // namespace

PhotoModel::PhotoModel() {
    const networks::WeightsFile file({kWeights, kWeightsSize});
    reciprocals_ = tensor(file, "photo/reciprocals", kBins);
    logarithms_ = tensor(file, "photo/logarithms", kBins);
    constexpr std::size_t kTables = kScales * kPhases;
    const auto frequencies = tensor(file, "photo/frequencies", kTables * kTokens);
    starts_.assign(kTables * kTokenStride, 0xffff);
    frequencies_.assign(kTables * kTokenStride, 0);
    entries_.resize(kTables * kTokenStride);
    costs_.assign(kTables * kTokenStride, 0);
    for (std::size_t t = 0; t < kTables; ++t) {
        std::int32_t start = 0;
        for (std::size_t k = 0; k < kTokens; ++k) {
            const std::int32_t frequency = frequencies[t * kTokens + k];
            if (frequency < 1 || frequency > 0xffff || start > 0xffff) {
                throw networks::InvalidWeightsFile("photo/frequencies: a table is not one");
            }
            starts_[t * kTokenStride + k] = static_cast<std::uint16_t>(start);
            frequencies_[t * kTokenStride + k] = static_cast<std::uint16_t>(frequency);
            entries_[t * kTokenStride + k] = rans::make_encoder_entry(
                static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(frequency));
            costs_[t * kTokenStride + k] = rans::entry_cost(static_cast<std::uint32_t>(frequency));
            start += frequency;
        }
        if (start != 1 << 16) throw networks::InvalidWeightsFile("photo/frequencies: a wrong sum");
    }
    for (int c = 0; c < 3; ++c) {
        const std::string name = "photo/" + std::to_string(c) + "/";
        const auto linear = tensor(file, name + "linear", static_cast<std::size_t>(kLinear[c]));
        defaults_[c].assign(linear.begin(), linear.end());
        const std::size_t sizes[4] = {static_cast<std::size_t>(kFeatures[c]), kHidden1, kHidden2, 2};
        const char* const names[3] = {"first", "second", "third"};
        for (std::size_t n = 0; n < 3; ++n) {
            Stored& layer = layers_[c][n];
            const std::string path = name + names[n];
            const auto weights = tensor(file, path + "/weights", sizes[n] * sizes[n + 1]);
            layer.pairs = in_pairs(weights, sizes[n + 1]);
            layer.bias = tensor(file, path + "/bias", sizes[n + 1]);
            if (n == 2) continue;
            layer.quads = in_quads(weights, sizes[n + 1]);
            layer.shift = tensor(file, path + "/shift", sizes[n + 1]);
            layer.quad_bias = layer.bias;
            for (std::size_t i = 0; n == 0 && i < weights.size(); ++i) {
                layer.quad_bias[i / sizes[0]] -= 128 * weights[i];
            }
        }
        const auto layer_of = [this, c](std::size_t n, int inputs) {
            const Stored& l = layers_[c][n];
            return Layer{inputs,          l.pairs.data(),     l.quads.data(),
                         l.bias.data(), l.quad_bias.data(), l.shift.data()};
        };
        nets_[c] = {layer_of(0, kFeatures[c]), layer_of(1, kHidden1), layers_[c][2].pairs.data(),
                    layers_[c][2].bias.data()};
    }
}

const PhotoModel& PhotoModel::get() {
    static const PhotoModel model;
    return model;
}

int bin_of(std::int32_t activity) {
    const int top = std::bit_width(static_cast<std::uint32_t>(activity)) - 1;
    return 8 * (top - 5) + (activity >> (top - 3) & 7);
}

void set_linear(Setting& setting, int channel, const std::int16_t* coefficients) {
    std::fill(std::begin(setting.linear[channel]), std::end(setting.linear[channel]), 0);
    for (int i = 0; i < kLinear[channel]; ++i) {
        const auto bits = static_cast<std::uint32_t>(static_cast<std::uint16_t>(coefficients[i]));
        auto& pair = setting.linear[channel][i / 2];
        pair = static_cast<std::int32_t>(static_cast<std::uint32_t>(pair) | bits << (i % 2 * 16));
    }
}

Setting PhotoModel::setting(unsigned bits, unsigned error) const {
    Setting s{};
    s.reciprocals = reciprocals_.data();
    s.logarithms = logarithms_.data();
    s.nets = nets_;
    s.tables = {starts_.data(), frequencies_.data()};
    s.highest = (1 << bits) - 1;
    s.step = static_cast<std::int32_t>(2 * error + 1);
    s.log_step = logarithms_[static_cast<std::size_t>(
        bin_of(std::min(128 * s.step, (1 << 24) - 1)))];
    for (int c = 0; c < 3; ++c) set_linear(s, c, defaults(c));
    return s;
}

const PhotoKernels& photo_kernels(std::string_view name) {
    static const PhotoKernels* const all[] = {
#ifdef PREDICTIVE_AVX512
        &kPhotoAvx512,
#endif
#ifdef PREDICTIVE_AVXVNNI
        &kPhotoAvxVnni,
#endif
#ifdef PREDICTIVE_AVX2
        &kPhotoAvx2,
#endif
#ifdef PREDICTIVE_LANES4
        &kPhotoLanes4,
#endif
        &kPhotoScalar,
    };
    for (const PhotoKernels* kernels : all) {
        if ((name.empty() || name == kernels->name) && kernels->supported()) return *kernels;
    }
    throw networks::UnknownInstructionSet("no kernels " + std::string(name) + " run here");
}

}  // namespace predictive
