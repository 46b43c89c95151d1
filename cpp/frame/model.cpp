#include "model.hpp"

#include <string>
#include <utility>

namespace frame {
namespace {

using networks::EntryKind;
using networks::InvalidWeightsFile;
using networks::Type;

void require(bool holds, const char* what) {
    if (!holds) throw InvalidWeightsFile(what);
}

Recipe read_recipe(const networks::WeightsFile& file) {
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
    : file_(file), kernels_(kernels), recipe_(read_recipe(file_)),
      tables_(file_.find("cdf", EntryKind::bytes).tensor.data),
      z_index_(read_z_index(file_, recipe_, tables_.size())),
      prices_(rans::trellis_prices(tables_, kTables)),
      costs_{prices_.costs, kTables, prices_.magnitudes, tables_.skip_below(),
             recipe_.trellis_step, kTrellisWeight, recipe_.trellis_states} {
    require(tables_.size() > 2 * kTables, "cdf: too few tables");
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
        default:
            name = part < kEmbed ? "context." + std::to_string(part - kContext)
                                 : "embed." + std::to_string(part - kEmbed);
    }
    networks::Program program = networks::read_program(file_, name);
    require_fit(part, program);
    return program;
}

void Model::check() const {
    for (std::size_t part = 0; part < kParts; ++part) program(part);
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
