#include "model.hpp"

#include <string>

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

const networks::Network& Model::ready(std::size_t part) const {
    Slot& slot = slots_[part];
    std::call_once(slot.once, [&] {
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
        const networks::Program program = networks::read_program(file_, name);
        slot.network = std::make_unique<networks::Network>(program, kernels_);
    });
    return *slot.network;
}

}  // namespace frame
