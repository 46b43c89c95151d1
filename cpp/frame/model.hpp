// A model: its networks, tables and sizes, from one weights file (entropy/SPEC.md, Model).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cdf.hpp"
#include "network.hpp"
#include "trellis.hpp"

namespace frame {

inline constexpr std::size_t kSteps = 4, kCells = 4, kGroups = 4;
inline constexpr std::size_t kHyperStride = 4;  // latents per hyper-latent, on each axis
inline constexpr std::size_t kLatentPx = 16;    // pixels per latent
inline constexpr std::size_t kAlignPx = 64;     // tiles are continued to a multiple of so many
inline constexpr std::size_t kTables = 64;      // of one quantiser of the trellis
inline constexpr unsigned kMeanBits = 5;        // means and y_hat count 2^-5 symbol
inline constexpr unsigned kUnitBits = 8;        // y counts 2^-8 symbol
inline constexpr std::size_t kSiblings = 4;     // fine code vectors below a coarse one
inline constexpr unsigned kTrellisWeight = 8;   // bits that a squared error of one symbol is worth

// Group that step k codes in cell c.
inline constexpr std::uint8_t kOrder[kSteps][kCells] = {
    {0, 1, 2, 3}, {3, 2, 1, 0}, {2, 3, 0, 1}, {1, 0, 3, 2}};

struct Recipe {
    std::size_t latent;  // channels of y
    std::size_t hidden;  // inside the entropy networks; 0 of a model with code vectors
    std::size_t hyper;   // channels of z; 0 likewise
    std::size_t levels;
    unsigned trellis_step, trellis_states;
    std::size_t analysis_margin, synthesis_margin;  // latents around a window that it depends on

    std::size_t group() const { return latent / kGroups; }
};

// Vectors (count, channels) in the order of their numbers.
struct VectorTable {
    std::size_t count = 0, channels = 0;
    std::vector<std::int16_t> values;

    std::span<const std::int16_t> at(std::size_t n) const {
        return std::span(values).subspan(n * channels, channels);
    }
};

// What latents are coded by where they are code vectors (entropy/SPEC.md, Model with code vectors).
struct Codebooks {
    VectorTable coarse, fine;           // at 1/32, at 1/16
    std::vector<std::int16_t> logits;   // (levels, coarse vectors)
    std::vector<std::int32_t> prices;   // (levels, 2): squared units that a bit is worth, coarse and fine

    std::span<const std::int16_t> logits_at(std::size_t level) const {
        return std::span(logits).subspan(level * coarse.count, coarse.count);
    }
};

// May be used by any number of threads at once. Networks are packed when they are first needed.
class Model {
public:
    // `file` must outlive the model. Throws InvalidWeightsFile, InvalidNetwork, InvalidTable.
    Model(std::span<const std::uint8_t> file, const networks::Kernels& kernels);

    const Recipe& recipe() const { return recipe_; }
    // Nothing of models whose latents are numbers along the trellis.
    const Codebooks* codebooks() const { return codebooks_ ? &*codebooks_ : nullptr; }
    // Tables, and z_index and costs: of models without code vectors.
    const rans::Tables& tables() const { return *tables_; }
    const char* kernels() const { return kernels_.name; }
    // Tables of z's channels at a level.
    std::span<const std::uint8_t> z_index(std::size_t level) const {
        return z_index_.subspan(level * recipe_.hyper, recipe_.hyper);
    }
    const rans::TrellisCosts& costs() const { return *costs_; }

    // Proves every program now, not when it is first needed, and that it fits the recipe. Throws as the
    // constructor.
    void check() const;

    const networks::Network& analysis() const { return ready(kAnalysis); }
    const networks::Network& hyper_analysis() const { return ready(kHyperAnalysis); }
    const networks::Network& hyper_synthesis() const { return ready(kHyperSynthesis); }
    const networks::Network& context(std::size_t step) const { return ready(kContext + step); }
    const networks::Network& embed(std::size_t step) const { return ready(kEmbed + step); }
    const networks::Network& synthesis() const { return ready(kSynthesis); }
    // Of models with code vectors.
    const networks::Network& project() const { return ready(kProject); }
    const networks::Network& expand() const { return ready(kExpand); }
    const networks::Network& leave() const { return ready(kLeave); }
    const networks::Network& conceal() const { return ready(kConceal); }
    const networks::Network& index() const { return ready(kIndex); }

private:
    enum Part : std::size_t {
        kAnalysis, kSynthesis,
        kHyperAnalysis, kHyperSynthesis, kContext, kEmbed = kContext + kSteps,
        kProject = kEmbed + kSteps - 1, kExpand, kLeave, kConceal, kIndex, kParts
    };
    // Made when it is first needed. Threads that need it at once each make one and the first is
    // kept: no lock, which a process that forks meanwhile would copy locked.
    struct Slot {
        std::atomic<const networks::Network*> network{nullptr};
        ~Slot() { delete network.load(std::memory_order_relaxed); }
    };

    const networks::Network& ready(std::size_t part) const;
    void read_hyperprior();
    bool has(std::size_t part) const;
    networks::Program program(std::size_t part) const;  // proved
    void require_fit(std::size_t part, const networks::Program& program) const;

    networks::WeightsFile file_;
    const networks::Kernels& kernels_;
    std::optional<Codebooks> codebooks_;
    Recipe recipe_;
    std::optional<rans::Tables> tables_;
    std::span<const std::uint8_t> z_index_;
    std::optional<rans::TrellisPrices> prices_;
    std::optional<rans::TrellisCosts> costs_;
    mutable std::array<Slot, kParts> slots_;
};

}  // namespace frame
