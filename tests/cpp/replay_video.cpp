// Replays videos: replay_video KERNELS FILE... decodes the frames of every file with the kernels of that
// name, on 1 and on 3 threads, and compares their samples of 10 bits with what the file says. A file:
// width, height, subsampled, u32; the weights of the inter model, bytes and how many, u32; the number of
// frames, u32. A frame: 1 with a still before it, else 0, u32; the planes of the still, u16; the number
// of references and their slots, the slot that it stays in or 8, u32; the payload, bytes and how many,
// u32; its planes, u16. Written by tests/exactness/test_video_cross.py. There is no encoder in it.
#include "coder.hpp"
#include "replay_reader.hpp"

namespace video {

// What the coder needs to encode, which nothing here does.
Encoded encode_frame(const Format&, const Source&, References, FrameHead&, const EncodeOptions&, Contexts&,
                     const Filter*, bool, threads::Team&) {
    std::abort();
}
void make_searchable(Picture&, threads::Team&) { std::abort(); }

}  // namespace video

namespace {

using Planes = std::array<std::vector<video::Sample>, video::kPlanes>;

Planes planes_in(ReplayReader& file, const video::Format& format) {
    Planes planes;
    for (int n = 0; n < video::kPlanes; ++n) {
        const auto count = static_cast<std::size_t>(format.shown_width(n)) *
                           static_cast<std::size_t>(format.shown_height(n));
        planes[static_cast<std::size_t>(n)] = file.numbers<video::Sample>(count);
    }
    return planes;
}

Planes planes_of(const video::Picture& picture) {
    Planes planes;
    for (int n = 0; n < video::kPlanes; ++n) {
        for (int y = 0; y < picture.format.shown_height(n); ++y) {
            const video::Sample* row = picture.planes[n].row(y);
            auto& plane = planes[static_cast<std::size_t>(n)];
            plane.insert(plane.end(), row, row + picture.format.shown_width(n));
        }
    }
    return planes;
}

void replay(const std::string& path, const networks::Kernels& kernels, std::size_t threads) {
    ReplayReader file(path);
    const int width = static_cast<int>(file.number()), height = static_cast<int>(file.number());
    const video::Format format{width, height, file.number() != 0};
    const auto weights = file.numbers<std::uint8_t>(file.number());
    video::Coder coder(format, std::make_shared<video::InterModel>(weights, kernels));
    threads::Team team(threads);
    const std::uint32_t count = file.number();
    for (std::uint32_t n = 0; n < count; ++n) {
        if (file.number() != 0) {
            const Planes still = planes_in(file, format);
            coder.put_still({still[0].data(), still[1].data(), still[2].data()}, 0);
        }
        const auto references = file.numbers<int>(file.number());
        const int slot = static_cast<int>(file.number());
        const auto payload = file.numbers<std::uint8_t>(file.number());
        const Planes expected = planes_in(file, format);

        const auto parsed = coder.parse(payload, references, slot < video::kSlots ? slot : -1);
        coder.reconstruct(*parsed, team);

        require(planes_of(coder.last()) == expected, path, "other samples in frame " + std::to_string(n));
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
