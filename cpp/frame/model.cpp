#include "model.hpp"

#include <string>
#include <utility>

#include "categories.hpp"

namespace frame {
namespace {

using networks::EntryKind;
using networks::InvalidWeightsFile;
using networks::Type;

void require(bool holds, const char* what) {
    if (!holds) throw InvalidWeightsFile(what);
}

VectorTable read_vectors(const networks::WeightsFile& file, const std::string& name,
                         std::size_t channels) {
    const networks::Tensor& t = file.find(name, EntryKind::tensor).tensor;
    require(t.type == Type::i16 && t.shape.size() == 2 && t.shape[0] >= 1 &&
                t.shape[0] <= rans::kMostCategories && t.shape[1] == channels,
            "code vectors: another type or shape");
    VectorTable table{t.shape[0], channels, std::vector<std::int16_t>(t.count())};
    for (std::size_t n = 0; n < t.count(); ++n) table.values[n] = static_cast<std::int16_t>(t.at(n));
    return table;
}

// `codes`: M, channels of code vectors, levels, margins.
std::optional<Codebooks> read_codebooks(const networks::WeightsFile& file) {
    if (!file.has("codes")) return std::nullopt;
    const networks::Tensor& t = file.find("codes", EntryKind::tensor).tensor;
    require(t.type == Type::i32 && t.count() == 5, "codes: expected 5 integers");
    require(4 <= t.at(0) && t.at(0) <= 4096 && 1 <= t.at(1) && t.at(1) <= 256 && 1 <= t.at(2) &&
                t.at(2) <= 64 && 0 <= t.at(3) && t.at(3) <= 64 && 0 <= t.at(4) && t.at(4) <= 64,
            "codes: a number is outside its range");
    const auto channels = static_cast<std::size_t>(t.at(1)), levels = static_cast<std::size_t>(t.at(2));
    Codebooks books;
    books.coarse = read_vectors(file, "coarse", channels);
    books.fine = read_vectors(file, "fine", channels);
    const networks::Tensor& logits = file.find("coarse_logits", EntryKind::tensor).tensor;
    require(logits.type == Type::i16 && logits.count() == levels * books.coarse.count,
            "coarse_logits: another type or shape");
    for (std::size_t n = 0; n < logits.count(); ++n) {
        books.logits.push_back(static_cast<std::int16_t>(logits.at(n)));
    }
    const networks::Tensor& prices = file.find("prices", EntryKind::tensor).tensor;
    require(prices.type == Type::i32 && prices.count() == 2 * levels, "prices: another type or shape");
    for (std::size_t n = 0; n < prices.count(); ++n) {
        require(prices.at(n) >= 0, "prices: a number is outside its range");
        books.prices.push_back(prices.at(n));
    }
    return books;
}

Recipe read_recipe(const networks::WeightsFile& file, const std::optional<Codebooks>& books) {
    if (books) {
        const networks::Tensor& t = file.find("codes", EntryKind::tensor).tensor;
        const auto at = [&](std::size_t n) { return static_cast<std::size_t>(t.at(n)); };
        return {at(0), 0, 0, at(2), 0, 0, at(3), at(4)};
    }
    const networks::Tensor& t = file.find("recipe", EntryKind::tensor).tensor;
    require(t.type == Type::i32 && t.count() == 8, "recipe: expected 8 integers");
    const auto at = [&](std::size_t n, std::int32_t low, std::int32_t high) {
        require(low <= t.at(n) && t.at(n) <= high, "recipe: a number is outside its range");
        return static_cast<std::size_t>(t.at(n));
    };
    const Recipe recipe{at(0, 4, 4096), at(1, 1, 4096), at(2, 1, 4096), at(3, 1, 64),
                        static_cast<unsigned>(at(4, 1, 64)), static_cast<unsigned>(at(5, 8, 256)),
                        at(6, 0, 64), at(7, 0, 64)};
    require(recipe.latent % kGroups == 0 && rans::has_trellis(recipe.trellis_states),
            "recipe: latent channels or states of the trellis");
    return recipe;
}

std::span<const std::uint8_t> read_z_index(const networks::WeightsFile& file, const Recipe& recipe,
                                           std::size_t tables) {
    const networks::Tensor& t = file.find("z_index", EntryKind::tensor).tensor;
    require(t.type == Type::u8 && t.shape.size() == 2 && t.shape[0] == recipe.levels &&
                t.shape[1] == recipe.hyper,
            "z_index: another type or shape");
    for (const std::uint8_t index : t.data) require(index < tables, "z_index: there is no such table");
    return t.data;
}

}  // namespace

Model::Model(std::span<const std::uint8_t> file, const networks::Kernels& kernels)
    : file_(file), kernels_(kernels), codebooks_(read_codebooks(file_)),
      recipe_(read_recipe(file_, codebooks_)) {
    if (!codebooks_) read_hyperprior();
}

void Model::read_hyperprior() {
    tables_.emplace(file_.find("cdf", EntryKind::bytes).tensor.data);
    require(tables_->size() > 2 * kTables, "cdf: too few tables");
    z_index_ = read_z_index(file_, recipe_, tables_->size());
    prices_.emplace(rans::trellis_prices(*tables_, kTables));
    costs_.emplace(rans::TrellisCosts{prices_->costs, kTables, prices_->magnitudes,
                                      tables_->skip_below(), recipe_.trellis_step, kTrellisWeight,
                                      recipe_.trellis_states});
}

namespace {

// A program must take and give arrays of these types and channels, so that none is read beyond its end.
void require_ends(const networks::Program& program,
                  const std::vector<std::pair<Type, std::size_t>>& inputs,
                  const std::vector<std::pair<Type, std::size_t>>& outputs) {
    bool right = program.inputs.size() == inputs.size() && program.outputs.size() == outputs.size();
    for (std::size_t n = 0; right && n < inputs.size(); ++n) {
        const networks::Input& found = program.inputs[n];
        right = found.type == inputs[n].first && found.channels == inputs[n].second;
    }
    for (std::size_t n = 0; right && n < outputs.size(); ++n) {
        const networks::Register& found = program.registers[program.outputs[n]];
        right = found.type == outputs[n].first && found.channels == outputs[n].second;
    }
    if (!right) {
        throw InvalidWeightsFile(program.name + ": its inputs or outputs have other channels or types "
                                 "than the recipe says");
    }
}

}  // namespace

void Model::require_fit(std::size_t part, const networks::Program& program) const {
    using Ends = std::vector<std::pair<Type, std::size_t>>;
    const Recipe& r = recipe_;
    const Ends pixels = {{Type::u8, 3}}, y = {{Type::i32, r.latent}}, z = {{Type::i32, r.hyper}};
    const Ends features = {{Type::i16, r.hidden}};
    Ends with_known = features;
    switch (part) {
        case kAnalysis: return require_ends(program, pixels, y);
        case kHyperAnalysis: return require_ends(program, y, z);
        case kHyperSynthesis: return require_ends(program, z, features);
        case kSynthesis: return require_ends(program, y, pixels);
        default: break;
    }
    if (part >= kProject) {
        const std::size_t channels = codebooks_->coarse.channels;
        const Ends code = {{Type::i16, channels}}, lost = {{Type::i16, channels}, {Type::i16, 1}};
        switch (part) {
            case kProject: return require_ends(program, y, {code[0], code[0]});
            case kExpand: return require_ends(program, code, code);
            case kLeave: return require_ends(program, code, y);
            case kConceal: return require_ends(program, lost, code);
            default: break;
        }
        const Ends known = {code[0], {Type::i16, kSiblings * channels}};
        return require_ends(program, known, {{Type::i16, codebooks_->fine.count}});
    }
    if (part < kEmbed) {
        if (part > kContext) with_known.push_back(features[0]);
        return require_ends(program, with_known, Ends(kCells, {Type::i32, 2 * r.group()}));
    }
    Ends cells(kCells, {Type::i32, r.group()});
    if (part > kEmbed) cells.push_back(features[0]);
    require_ends(program, cells, features);
}

networks::Program Model::program(std::size_t part) const {
    std::string name;
    switch (part) {
        case kAnalysis: name = "analysis"; break;
        case kHyperAnalysis: name = "hyper_analysis"; break;
        case kHyperSynthesis: name = "hyper_synthesis"; break;
        case kSynthesis: name = "synthesis"; break;
        case kProject: name = "project"; break;
        case kExpand: name = "expand"; break;
        case kLeave: name = "leave"; break;
        case kConceal: name = "conceal"; break;
        case kIndex: name = "index"; break;
        default:
            name = part < kEmbed ? "context." + std::to_string(part - kContext)
                                 : "embed." + std::to_string(part - kEmbed);
    }
    networks::Program program = networks::read_program(file_, name);
    require_fit(part, program);
    return program;
}

bool Model::has(std::size_t part) const {
    if (part == kAnalysis || part == kSynthesis) return true;
    return (part >= kProject) == codebooks_.has_value();
}

void Model::check() const {
    for (std::size_t part = 0; part < kParts; ++part) {
        if (has(part)) program(part);
    }
}

const networks::Network& Model::ready(std::size_t part) const {
    std::atomic<const networks::Network*>& slot = slots_[part].network;
    const networks::Network* found = slot.load(std::memory_order_acquire);
    if (found) return *found;
    auto made = std::make_unique<const networks::Network>(program(part), kernels_);
    const bool first = slot.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel);
    return first ? *made.release() : *found;
}

}  // namespace frame
