// Replays videos: replay_video KERNELS FILE... decodes the frames of every file with the kernels of that
// name, on 1 and on 3 threads, and compares their samples of 10 bits with what the file says.
#include "video_file.hpp"

namespace {

void replay(const std::string& path, const networks::Kernels& kernels, std::size_t threads) {
    const ReplayVideo file(path);
    video::Coder coder(file.format, std::make_shared<video::InterModel>(file.weights, kernels));
    threads::Team team(threads);
    for (std::size_t n = 0; n < file.frames.size(); ++n) {
        const ReplayFrame& frame = file.frames[n];
        frame.prepare(coder);
        const auto parsed = coder.parse(frame.payload, frame.references, frame.slot);
        coder.reconstruct(*parsed, team);
        require(planes_of(coder.last()) == frame.expected, path,
                "other samples in frame " + std::to_string(n));
    }
}

}  // namespace

int main(int argc, char** argv) {
    const networks::Kernels& kernels = networks::kernels_named(argv[1]);
    for (int n = 2; n < argc; ++n) {
        for (const std::size_t threads : {1, 3}) replay(argv[n], kernels, threads);
    }
    std::printf("%d files\n", argc - 2);
    return 0;
}
