// Videos as tests write them for replay_video and damaged_video, which have no encoder. A file: width,
// height, subsampled, u32; the weights of the inter model, bytes and how many, u32; the number of frames,
// u32. A frame: 1 with a still before it, else 0, u32; the planes of the still, u16; the number of
// references and their slots, the slot that it stays in or 8, u32; the payload, bytes and how many, u32;
// its planes of 10 bits, u16. Written by tests/exactness/video_replay.py.
#pragma once

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

using Planes = std::array<std::vector<video::Sample>, video::kPlanes>;

struct ReplayFrame {
    bool key = false;
    Planes still;
    std::vector<int> references;
    int slot = -1;
    std::vector<std::uint8_t> payload;
    Planes expected;

    // What comes before the payload.
    void prepare(video::Coder& coder) const {
        if (key) coder.put_still({still[0].data(), still[1].data(), still[2].data()}, 0);
    }
};

struct ReplayVideo {
    video::Format format;
    std::vector<std::uint8_t> weights;
    std::vector<ReplayFrame> frames;

    explicit ReplayVideo(const std::string& path) {
        ReplayReader file(path);
        format.width = static_cast<int>(file.number());
        format.height = static_cast<int>(file.number());
        format.subsampled = file.number() != 0;
        weights = file.numbers<std::uint8_t>(file.number());
        frames.resize(file.number());
        for (ReplayFrame& frame : frames) {
            frame.key = file.number() != 0;
            if (frame.key) frame.still = planes(file);
            frame.references = file.numbers<int>(file.number());
            const int slot = static_cast<int>(file.number());
            frame.slot = slot < video::kSlots ? slot : -1;
            frame.payload = file.numbers<std::uint8_t>(file.number());
            frame.expected = planes(file);
        }
    }

private:
    Planes planes(ReplayReader& file) const {
        Planes found;
        for (int n = 0; n < video::kPlanes; ++n) {
            const auto count = static_cast<std::size_t>(format.shown_width(n)) *
                               static_cast<std::size_t>(format.shown_height(n));
            found[static_cast<std::size_t>(n)] = file.numbers<video::Sample>(count);
        }
        return found;
    }
};

inline Planes planes_of(const video::Picture& picture) {
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
