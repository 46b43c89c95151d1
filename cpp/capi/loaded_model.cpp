#include "loaded_model.hpp"

#include "program.hpp"

namespace {

using networks::Type;

// The outputs that the frame coder reads as they are: so many, of one type and number of channels.
void check_outputs(const networks::WeightsFile& file, const std::string& name, std::size_t count,
                   Type type, std::size_t channels) {
    const networks::Program program = networks::read_program(file, name);  // proves it
    bool fits = program.outputs.size() == count;
    for (const std::size_t output : program.outputs) {
        const networks::Register& r = program.registers[output];
        fits = fits && r.type == type && r.channels == channels;
    }
    if (!fits) throw networks::InvalidNetwork(name + ": other outputs than its place needs");
}

// All programs of a model; what one takes from another is compared when it runs.
void check_programs(std::span<const std::uint8_t> data, const frame::Recipe& recipe) {
    const networks::WeightsFile file(data);
    check_outputs(file, "analysis", 1, Type::i32, recipe.latent);
    check_outputs(file, "hyper_analysis", 1, Type::i32, recipe.hyper);
    check_outputs(file, "hyper_synthesis", 1, Type::i16, recipe.hidden);
    check_outputs(file, "synthesis", 1, Type::u8, 3);
    for (std::size_t step = 0; step < frame::kSteps; ++step) {
        const std::string number = std::to_string(step);
        check_outputs(file, "context." + number, frame::kCells, Type::i32, 2 * recipe.group());
        if (step + 1 == frame::kSteps) continue;
        check_outputs(file, "embed." + number, 1, Type::i16, recipe.hidden);
    }
}

}  // namespace

lic_model::lic_model(std::span<const std::uint8_t> file, const std::string& kernels)
    : weights(file.begin(), file.end()), sha256(capi::sha256(weights)),
      model(weights, networks::kernels_named(kernels)) {
    check_programs(weights, model.recipe());
}
