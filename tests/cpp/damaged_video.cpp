// Damages the frames of videos: damaged_video COUNT FILE... decodes COUNT damaged copies of every frame,
// and what comes after them once in a while; each is refused by name or decodes to something. Built with
// sanitizers.
#include <algorithm>
#include <random>

#include "error.hpp"
#include "video_file.hpp"

namespace {

using Random = std::mt19937;

std::uint32_t below(Random& random, std::size_t limit) { return static_cast<std::uint32_t>(random() % limit); }

std::vector<std::uint8_t> damaged(std::vector<std::uint8_t> payload, Random& random) {
    const std::uint32_t kind = below(random, 6);
    for (std::uint32_t n = 0; n <= kind % 3; ++n) {
        const std::size_t reach = kind == 0 ? std::min<std::size_t>(payload.size(), 8) : payload.size();
        payload[below(random, reach)] ^= static_cast<std::uint8_t>(1u << below(random, 8));
    }
    if (kind == 4) payload.resize(below(random, payload.size()));
    if (kind == 5) {
        for (std::size_t at = below(random, payload.size()); at < payload.size(); ++at) {
            payload[at] = static_cast<std::uint8_t>(random());
        }
    }
    return payload;
}

// Whether the frame decodes.
bool decodes(video::Coder& coder, const ReplayFrame& frame, const std::vector<std::uint8_t>& payload,
             threads::Team& team) {
    frame.prepare(coder);
    try {
        const auto parsed = coder.parse(payload, frame.references, frame.slot);
        coder.reconstruct(*parsed, team);
    } catch (const rans::CorruptStream&) {
        return false;
    } catch (const rans::StreamExhausted&) {
        return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const auto& kernels = networks::kernels_named("scalar");
    threads::Team team(2);
    Random random(1);
    std::size_t refused = 0, taken = 0;
    for (int n = 2; n < argc; ++n) {
        const ReplayVideo file(argv[n]);
        video::Coder coder(file.format, std::make_shared<video::InterModel>(file.weights, kernels));
        for (std::size_t at = 0; at < file.frames.size(); ++at) {
            const ReplayFrame& frame = file.frames[at];
            for (int copy = 0; copy < std::atoi(argv[1]); ++copy) {
                video::Coder other = coder;
                const bool taken_one = decodes(other, frame, damaged(frame.payload, random), team);
                (taken_one ? taken : refused) += 1;
                if (copy % 4 == 0 && at + 1 < file.frames.size()) {
                    decodes(other, file.frames[at + 1], file.frames[at + 1].payload, team);
                }
            }
            require(decodes(coder, frame, frame.payload, team), argv[n], "a sound frame is refused");
        }
    }
    std::printf("damaged_video: %zu refused, %zu taken\n", refused, taken);
    return 0;
}
