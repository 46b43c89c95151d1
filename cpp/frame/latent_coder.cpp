#include "latent_coder.hpp"

#include <algorithm>

#include "rans_decoder.hpp"
#include "rans_encoder.hpp"
#include "vector_coder.hpp"

namespace frame {
namespace {

using networks::Type;

constexpr std::int32_t kMostSymbol = 32000;  // z is clamped to this, so that it fits 16 bits

// Where the values of a step lie in an array (h, w, latent).
class Places {
public:
    Places(const Recipe& recipe, std::size_t height, std::size_t width)
        : group_(recipe.group()), latent_(recipe.latent), rows_(height / 2), columns_(width / 2) {}

    std::size_t cell() const { return rows_ * columns_ * group_; }
    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    std::size_t group() const { return group_; }

    // f(at, n): a run of `group` values at `at` of the whole array and at n of the step's, for every
    // run of cell c at step k.
    template <typename F>
    void each_run(std::size_t k, std::size_t c, F&& f) const {
        std::size_t n = c * cell();
        for (std::size_t i = 0; i < rows_; ++i) {
            for (std::size_t j = 0; j < columns_; ++j, n += group_) {
                const std::size_t row = 2 * i + c / 2, column = 2 * j + c % 2;
                f((row * 2 * columns_ + column) * latent_ + kOrder[k][c] * group_, n);
            }
        }
    }

private:
    std::size_t group_, latent_, rows_, columns_;
};

// Means and table indexes of one step, as its values lie.
struct Parameters {
    StepValues means;
    std::vector<std::uint8_t> indexes;
};

// The four steps over one tile: parameters(k), then settle(k, y_hat).
class Context {
public:
    Context(const Model& model, const Array& z, std::size_t level, threads::Team& team)
        : model_(model), level_(level), team_(team),
          places_(model.recipe(), z.height * kHyperStride, z.width * kHyperStride),
          prior_(model.hyper_synthesis().run({z}, level, team)[0]) {}

    const Places& places() const { return places_; }

    Parameters parameters(std::size_t step) const {
        std::vector<Array> inputs = {prior_};
        if (step > 0) inputs.push_back(known_);
        const std::vector<Array> heads = model_.context(step).run(inputs, level_, team_);
        const std::size_t group = places_.group();
        Parameters found;
        found.means.resize(kCells * places_.cell());
        found.indexes.resize(found.means.size());
        std::size_t n = 0;
        for (const Array& head : heads) {
            const auto* from = head.as<std::int32_t>();
            for (std::size_t p = 0; p < head.positions(); ++p, from += 2 * group) {
                for (std::size_t m = 0; m < group; ++m, ++n) {
                    found.means[n] = from[m];
                    found.indexes[n] = static_cast<std::uint8_t>(from[group + m]);
                }
            }
        }
        return found;
    }

    // Takes in what step k decodes to.
    void settle(std::size_t step, const StepValues& y_hat) {
        if (step + 1 == kSteps) return;
        std::vector<Array> inputs;
        for (std::size_t c = 0; c < kCells; ++c) {
            inputs.push_back(Array::view(Type::i32, places_.rows(), places_.columns(),
                                         places_.group(), y_hat.data() + c * places_.cell()));
        }
        if (step > 0) inputs.push_back(known_);
        known_ = model_.embed(step).run(inputs, level_, team_)[0];
    }

private:
    const Model& model_;
    std::size_t level_;
    threads::Team& team_;
    Places places_;
    Array prior_, known_;
};

// What symbols stand for, added to the means: in place, in 2^-5 symbols.
void add_points(const Recipe& recipe, const std::vector<std::int16_t>& symbols,
                const std::vector<std::uint8_t>& tables, StepValues& means) {
    const auto step = static_cast<std::int32_t>(recipe.trellis_step);
    for (std::size_t n = 0; n < means.size(); ++n) {
        const std::int32_t symbol = symbols[n];
        const std::int32_t sign = (symbol > 0) - (symbol < 0);
        means[n] += step * (2 * symbol - (tables[n] >= kTables ? sign : 0));
    }
}

std::vector<std::uint8_t> z_tables(const Model& model, std::size_t positions, std::size_t level) {
    const auto row = model.z_index(level);
    std::vector<std::uint8_t> tables;
    tables.reserve(positions * row.size());
    for (std::size_t n = 0; n < positions; ++n) tables.insert(tables.end(), row.begin(), row.end());
    return tables;
}

void put(const Places& places, std::size_t step, const StepValues& values, const Array& whole) {
    auto* to = whole.as<std::int32_t>();
    for (std::size_t c = 0; c < kCells; ++c) {
        places.each_run(step, c, [&](std::size_t at, std::size_t n) {
            std::copy_n(values.data() + n, places.group(), to + at);
        });
    }
}

}  // namespace

Coded encode_latents(const Model& model, const Array& y, std::size_t level, threads::Team& team) {
    if (model.codebooks()) return compress_vectors(model, y, level, team);
    return compress(model, y, hyper_analyse(model, y, level, team), level, team);
}

Array decode_latents(const Model& model, std::span<const std::uint8_t> payload, std::size_t height,
                     std::size_t width, std::size_t level, bool conceal, threads::Team& team) {
    if (model.codebooks()) {
        return decompress_vectors(model, payload, height, width, level, conceal, team);
    }
    return decompress(model, payload, height, width, level, team);
}

Array hyper_analyse(const Model& model, const Array& y, std::size_t level, threads::Team& team) {
    return model.hyper_analysis().run({y}, level, team)[0];
}

Coded compress(const Model& model, const Array& y, const Array& z, std::size_t level,
               threads::Team& team, const Answer& answer) {
    const Recipe& recipe = model.recipe();
    Coded coded;
    coded.segments.resize(1 + kSteps);
    SegmentData& hyper = coded.segments[0];
    Array z_hat = Array::make(Type::i32, z.height, z.width, z.channels);
    for (std::size_t n = 0; n < z.count(); ++n) {
        const std::int32_t v = std::clamp(z.as<std::int32_t>()[n], -kMostSymbol, kMostSymbol);
        z_hat.as<std::int32_t>()[n] = v;
        hyper.symbols.push_back(static_cast<std::int16_t>(v));
    }
    hyper.tables = z_tables(model, z.positions(), level);

    Context context(model, z_hat, level, team);
    const Places& places = context.places();
    std::array<StepValues, kSteps> targets;
    for (std::size_t k = 0; k < kSteps; ++k) {
        targets[k].resize(kCells * places.cell());
        for (std::size_t c = 0; c < kCells; ++c) {
            places.each_run(k, c, [&](std::size_t at, std::size_t n) {
                std::copy_n(y.as<std::int32_t>() + at, places.group(), targets[k].data() + n);
            });
        }
    }
    coded.y_hat = Array::make(Type::i32, y.height, y.width, recipe.latent);
    for (std::size_t k = 0; k < kSteps; ++k) {
        Parameters found = context.parameters(k);
        const std::size_t count = found.means.size();
        StepValues residuals(count);
        for (std::size_t n = 0; n < count; ++n) {
            residuals[n] = targets[k][n] - found.means[n] * (1 << (kUnitBits - kMeanBits));
        }
        SegmentData& segment = coded.segments[1 + k];
        segment.symbols.resize(count);
        std::vector<std::uint8_t> sets(count);
        rans::quantise_trellis(residuals, found.indexes, model.costs(), segment.symbols, sets);
        segment.tables = std::move(found.indexes);
        for (std::size_t n = 0; n < count; ++n) {
            segment.tables[n] = static_cast<std::uint8_t>(segment.tables[n] + kTables * sets[n]);
        }
        add_points(recipe, segment.symbols, segment.tables, found.means);
        put(places, k, found.means, coded.y_hat);
        context.settle(k, found.means);
        if (answer && k + 1 < kSteps) answer(k, found.means, targets);
    }
    std::vector<rans::Segment> views;
    for (const SegmentData& segment : coded.segments) views.push_back({segment.symbols, segment.tables});
    coded.payload = rans::encode(views, model.tables());
    return coded;
}

Array decompress(const Model& model, std::span<const std::uint8_t> payload, std::size_t height,
                 std::size_t width, std::size_t level, threads::Team& team) {
    const Recipe& recipe = model.recipe();
    rans::Decoder decoder(payload, model.tables());
    Array z = Array::make(Type::i32, height / kHyperStride, width / kHyperStride, recipe.hyper);
    {
        const auto tables = z_tables(model, z.positions(), level);
        std::vector<std::int16_t> symbols(tables.size());
        decoder.decode(tables, symbols);
        std::copy(symbols.begin(), symbols.end(), z.as<std::int32_t>());
    }
    Context context(model, z, level, team);
    Array y_hat = Array::make(Type::i32, height, width, recipe.latent);
    for (std::size_t k = 0; k < kSteps; ++k) {
        Parameters found = context.parameters(k);
        std::vector<std::int16_t> symbols(found.means.size());
        std::vector<std::uint8_t> tables(found.means.size());
        decoder.decode_trellis(found.indexes, kTables, recipe.trellis_states, symbols, tables);
        add_points(recipe, symbols, tables, found.means);
        put(context.places(), k, found.means, y_hat);
        context.settle(k, found.means);
    }
    decoder.finish();
    return y_hat;
}

}  // namespace frame
